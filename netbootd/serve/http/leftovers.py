"""Connections that a machine left behind when it lost power, cut when it boots anew.

Only those of clients with the quirk ``same_ports`` stand in anybody's way.  A client is known by what it calls itself
and not by its port, for iPXE takes any port: now and then one of GRUB's, for the very request that tells of the boot.
Behind NAT machines share an address, and one that boots cuts what its neighbours' GRUB has open.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet

from aiohttp import web

from netbootd.net.tcp import cut, reset, shared_socket
from netbootd.serve.http.quirks import quirk_for
from netbootd.serve.http.target import unmapped


class Leftovers:
    """The open connections of such clients."""

    def __init__(self) -> None:
        self._open: WeakSet[asyncio.Transport] = WeakSet()
        self._sending: set[socket.socket] = set()

    def note(self, request: web.Request) -> None:
        """A request came."""
        if request.transport is not None and _numbers_alike(request):
            self._open.add(request.transport)

    @contextmanager
    def sending(self, request: web.Request) -> Iterator[socket.socket | None]:
        """While a body is sent; the connection, if it is such a client's.

        GRUB closes its half of what it reads no further.  Then the transport goes, but the connection stays with
        whoever sends on it until GRUB resets that too, which a machine without power does not.
        """
        sock = _shared(request)
        if sock is None:
            yield None
            return
        with sock:
            self._sending.add(sock)
            try:
                yield sock
            finally:
                self._sending.discard(sock)

    def cut(self, ip: str) -> int:
        """Cut those of this address; how many there were."""
        stale = [transport for transport in self._open if _peer(transport) == ip and not transport.is_closing()]
        for transport in stale:
            cut(transport)
        half = [sock for sock in self._sending if _peer_of(sock) == ip]
        for sock in half:
            reset(sock)
        return len(stale) + len(half)

    def cut_all(self) -> None:
        """Cut what nobody else knows of: connections whose transport has gone."""
        for sock in list(self._sending):
            reset(sock)


LEFTOVERS = web.AppKey("leftovers", Leftovers)
"""Those of a site."""


def _numbers_alike(request: web.Request) -> bool:
    """GRUB speaks no TLS, whatever such a client says it is."""
    return not request.secure and quirk_for(request.headers.get("User-Agent", "")).same_ports


def _shared(request: web.Request) -> socket.socket | None:
    if request.transport is None or not _numbers_alike(request):
        return None
    try:
        return shared_socket(request.transport)
    except ConnectionResetError:
        return None


def _peer(transport: asyncio.Transport) -> str:
    name = transport.get_extra_info("peername")
    return unmapped(name[0]) if name else ""


def _peer_of(sock: socket.socket) -> str:
    try:
        return unmapped(sock.getpeername()[0])
    except OSError:  # cut a moment ago
        return ""
