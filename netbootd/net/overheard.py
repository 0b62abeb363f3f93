"""What other DHCP and PXE servers answer on this link, overheard by a packet socket; nothing is ever sent.

The kernel does the sifting: a filter in classic BPF lets through what comes from port 67 or 4011 and says BOOTREPLY,
so that a storm of machines or of downloads wakes nobody here.  A packet socket of one protocol gets what comes in
alone (packet(7): only ETH_P_ALL sees PACKET_OUTGOING), so our own answers are not among it.  Answers by unicast reach
us only where the switch does not know their machine's port; those by broadcast always do.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

SO_ATTACH_FILTER = 26  # <asm-generic/socket.h>
ETH_P_IP = 0x0800
_UDP = 17
_BOOTREPLY = 2
_DRAIN = 64
_LONGEST = 2048

_LDB_ABS, _LDH_ABS, _LDH_IND, _LDB_IND = 0x30, 0x28, 0x48, 0x50  # <linux/bpf_common.h>
_LDX_MSH, _JEQ, _JSET, _RET = 0xB1, 0x15, 0x45, 0x06

_FILTER = (  # code, jump if true, jump if false, operand; the packet begins with its IP header
    (_LDB_ABS, 0, 0, 9),  # protocol
    (_JEQ, 0, 9, _UDP),
    (_LDH_ABS, 0, 0, 6),  # "more fragments" and the offset: a later fragment has no ports
    (_JSET, 7, 0, 0x1FFF),
    (_LDX_MSH, 0, 0, 0),  # the length of the IP header
    (_LDH_IND, 0, 0, 0),  # source port
    (_JEQ, 1, 0, 67),
    (_JEQ, 0, 3, 4011),
    (_LDB_IND, 0, 0, 8),  # op, the first octet behind the UDP header
    (_JEQ, 0, 1, _BOOTREPLY),
    (_RET, 0, 0, _LONGEST),
    (_RET, 0, 0, 0),
)


@dataclass(frozen=True, slots=True)
class Overheard:
    """One datagram that was for somebody else: its payload, who sent it, and the interface it came in on."""

    data: bytes
    source: tuple[str, int]
    destination: str
    ifindex: int


def open_overheard() -> socket.socket:
    """A socket that hears every interface.  Raises PermissionError without CAP_NET_RAW, or another OSError."""
    kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    sock = socket.socket(socket.AF_PACKET, kind, socket.htons(ETH_P_IP))
    try:
        sift(sock)
        _drain(sock)
    except BaseException:
        sock.close()
        raise
    return sock


def sift(sock: socket.socket) -> None:
    """Have the kernel drop all else before it reaches this socket, whose packets begin with an IP header."""
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in _FILTER))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(_FILTER), ctypes.addressof(program)))


def _drain(sock: socket.socket) -> None:
    """What came before the filter was in its place."""
    with suppress(BlockingIOError):
        while True:
            sock.recv(1)


class Ear:
    """Reads such a socket on an event loop; ``heard`` gets what it says."""

    def __init__(self, sock: socket.socket, heard: Callable[[Overheard], None]) -> None:
        self._sock = sock
        self._heard = heard
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to read."""
        self._loop = loop
        loop.add_reader(self._sock.fileno(), self._readable)

    def close(self) -> None:
        """Stop reading and close the socket; a second call does nothing."""
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._loop = None
        self._sock.close()

    def _readable(self) -> None:
        for frame, ifindex in self._frames():
            found = read_frame(frame, ifindex)
            if found is not None:
                self._heard(found)

    def _frames(self) -> Iterator[tuple[bytes, int]]:
        for _ in range(_DRAIN):
            try:
                frame, (name, *_) = self._sock.recvfrom(_LONGEST)
                yield frame, socket.if_nametoindex(name)
            except OSError:  # nothing left, an interface that went down, or one that is gone already
                return


def read_frame(frame: bytes, ifindex: int) -> Overheard | None:
    """An IPv4 packet with a whole UDP datagram in it; None for any other octets."""
    ip_length = 4 * (frame[0] & 15) if frame else 0
    if ip_length < 20 or len(frame) < ip_length + 8 or frame[9] != _UDP:
        return None
    port, _, length = struct.unpack_from("!3H", frame, ip_length)
    begin, end = ip_length + 8, ip_length + length
    if not begin <= end <= len(frame):
        return None
    source, destination = socket.inet_ntoa(frame[12:16]), socket.inet_ntoa(frame[16:20])
    return Overheard(frame[begin:end], (source, port), destination, ifindex)
