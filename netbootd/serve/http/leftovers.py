"""Connections that a machine left behind when it lost power, cut when it boots anew.

Only those of clients with the quirk ``same_ports`` stand in anybody's way.  A client is known by what it calls itself
and not by its port, for iPXE takes any port: now and then one of GRUB's, for the very request that tells of the boot.
Behind NAT machines share an address, and one that boots cuts what its neighbours' GRUB has open.
"""

from __future__ import annotations

import asyncio
from weakref import WeakSet

from aiohttp import web

from netbootd.net.tcp import cut
from netbootd.serve.http.quirks import quirk_for
from netbootd.serve.http.target import unmapped


class Leftovers:
    """The open connections of such clients."""

    def __init__(self) -> None:
        self._open: WeakSet[asyncio.Transport] = WeakSet()

    def note(self, request: web.Request) -> None:
        """A request came.  GRUB speaks no TLS, whatever such a client says it is."""
        if request.secure:
            return
        if request.transport is not None and quirk_for(request.headers.get("User-Agent", "")).same_ports:
            self._open.add(request.transport)

    def cut(self, ip: str) -> int:
        """Cut those of this address; how many there were."""
        stale = [transport for transport in self._open if _peer(transport) == ip and not transport.is_closing()]
        for transport in stale:
            cut(transport)
        return len(stale)


LEFTOVERS = web.AppKey("leftovers", Leftovers)
"""Those of a site."""


def _peer(transport: asyncio.Transport) -> str:
    name = transport.get_extra_info("peername")
    return unmapped(name[0]) if name else ""
