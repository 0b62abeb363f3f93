"""UDP that knows which address and interface a datagram came in on, and answers from there.

A netboot daemon listens on the wildcard address, because firmware broadcasts; a machine then believes only an answer
from the very address it asked.  IP_PKTINFO tells the first and sets the second.  Works on asyncio and on uvloop.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from netbootd.net.holder import explained

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

IP_PKTINFO = 8  # <linux/in.h>; the socket module names these only from Python 3.14 on
IP_MTU_DISCOVER = 10
IP_PMTUDISC_DONT = 0
SO_RCVBUFFORCE = 33

_PKTINFO = struct.Struct("=i4s4s")  # struct in_pktinfo: ipi_ifindex, ipi_spec_dst, ipi_addr
_BROADCAST = "255.255.255.255"
_ANY = "0.0.0.0"  # the address, not a choice of interface
_DRAIN = 64  # datagrams taken per wake-up, so that one busy socket does not hold up the others
_RECEIVE_BUFFER = 4 << 20  # a rack powering on sends its requests within the same second


@dataclass(frozen=True, slots=True)
class Datagram:
    """One datagram as it arrived.

    ``local`` is the address it was sent to if that is one of ours; for a broadcast it is the address the kernel would
    answer from (ipi_spec_dst), so it is always fit to be a source address.  ``ifindex`` is the interface it came in on.
    ``broadcast`` tells that it was sent to more than us.
    """

    data: bytes
    source: tuple[str, int]
    local: str
    ifindex: int
    broadcast: bool = False


def bind_udp(address: str, port: int, *, broadcast: bool = False) -> socket.socket:
    """A bound, non-blocking IPv4 socket that reports IP_PKTINFO.

    Raises `PortBusy`, PermissionError (ports below 1024 need CAP_NET_BIND_SERVICE) or another OSError.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        _prepare(sock, broadcast=broadcast)
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        raise explained(error, address, port, "udp") from error
    except BaseException:
        sock.close()
        raise
    return sock


def adopt_udp(sock: socket.socket, *, broadcast: bool = False) -> socket.socket:
    """Make a bound socket that somebody else opened fit for `UdpEndpoint`.  Raises ValueError if it is not IPv4 UDP."""
    if (sock.family, sock.type) != (socket.AF_INET, socket.SOCK_DGRAM):
        raise ValueError("not an IPv4 datagram socket")
    sock.setblocking(False)
    _prepare(sock, broadcast=broadcast)
    return sock


def connect_udp(local: str, peer: tuple[str, int]) -> socket.socket:
    """A non-blocking socket on a fresh port of ``local`` that hears ``peer`` alone.

    A datagram of anybody else is answered by the kernel with ICMP port unreachable; the peer's own port unreachable
    shows here as ConnectionRefusedError.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
        sock.bind((local, 0))
        sock.connect(peer)
    except BaseException:
        sock.close()
        raise
    return sock


def _prepare(sock: socket.socket, *, broadcast: bool) -> None:
    sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    # The DF bit makes some boot ROMs drop the packet (dnsmasq clears it too).
    sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
    _enlarge(sock)
    if broadcast:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)


def _enlarge(sock: socket.socket) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:  # without CAP_NET_ADMIN the kernel caps it at net.core.rmem_max
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


class UdpEndpoint:
    """A bound socket on an event loop: calls ``receive`` per datagram, ``drained`` once after each batch.

    Nothing a callback raises stops the reading: it goes to the loop's exception handler.
    """

    def __init__(
        self,
        sock: socket.socket,
        receive: Callable[[Datagram], None],
        *,
        drained: Callable[[], None] | None = None,
    ) -> None:
        self.dropped = 0
        """Datagrams the kernel would not take (full buffer, no route, address gone)."""
        self._sock = sock
        self._receive = receive
        self._drained = drained
        self._loop: asyncio.AbstractEventLoop | None = None
        self._buffer = bytearray(65535)
        self._closed = False

    @property
    def address(self) -> tuple[str, int]:
        """What the socket is bound to."""
        host, port = self._sock.getsockname()
        return host, port

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to read."""
        self._loop = loop
        loop.add_reader(self._sock.fileno(), self._readable)

    def close(self) -> None:
        """Stop reading and close the socket; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def send(self, data: bytes, destination: tuple[str, int], *, local: str | None = None, ifindex: int = 0) -> bool:
        """Send one datagram from address ``local`` through interface ``ifindex`` (None, 0: the kernel chooses).

        False when the kernel refuses it: full buffer, no route, address gone.  UDP may lose datagrams anyway, so the
        caller's own retry covers it; it is counted in ``dropped``.
        """
        if destination[0] == _BROADCAST and not ifindex:
            raise AssertionError("a broadcast to 255.255.255.255 must name its interface")
        info = _PKTINFO.pack(ifindex, socket.inet_aton(local or _ANY), bytes(4))
        try:
            self._sock.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, destination)
        except OSError:
            self.dropped += 1
            return False
        return True

    def _readable(self) -> None:
        for _ in range(_DRAIN):
            try:
                size, ancillary, _, source = self._sock.recvmsg_into([self._buffer], 64)
            except OSError:  # nothing left, or an error the kernel kept for us such as ENETDOWN: told once
                break
            datagram = Datagram(bytes(memoryview(self._buffer)[:size]), source, *_pktinfo(ancillary))
            self._guarded(partial(self._receive, datagram))
            if self._closed:
                return
        if self._drained is not None:
            self._guarded(self._drained)

    def _guarded(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception as error:
            if self._loop is None:
                raise AssertionError("reading before start") from error
            self._loop.call_exception_handler({"message": f"UDP callback failed: {error!r}", "exception": error})


def _pktinfo(ancillary: list[tuple[int, int, bytes]]) -> tuple[str, int, bool]:
    """Local address, interface, and whether the header's destination was another than that address."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
            ifindex, local, destination = _PKTINFO.unpack(data[: _PKTINFO.size])
            return socket.inet_ntoa(local), ifindex, local != destination
    raise AssertionError("the socket does not report IP_PKTINFO: was it made by bind_udp?")
