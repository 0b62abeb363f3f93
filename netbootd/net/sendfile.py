"""Bodies to TCP clients in pieces of at most 256 KiB, so that a download never delays a DHCP answer.

One uncapped ``os.sendfile`` goes on for as long as the reader drains: the loop was away for 42-105 ms with one client
and 322 ms with eight, at no better throughput.  Works alike on asyncio and on uvloop, which has no ``loop.sendfile``.

Through TLS the kernel cannot send a file.  There smaller pieces are read, encrypted and written by the transport, the
next one only when it holds nothing of those before; turns, stalls and endings are the same.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import struct
import termios
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from netbootd.net.pagecache import ReadAhead
from netbootd.net.tcp import reset, shared_socket
from netbootd.net.turns import Turns

if TYPE_CHECKING:
    import socket

CHUNK = 256 << 10
"""Bytes per system call, and so the longest time (about 0.1 ms) the loop is held."""

TLS_CHUNK = 64 << 10
"""The same through TLS, where each byte is copied and encrypted."""

Progress = Callable[[int], None]
"""Told the number of bytes after each piece the kernel, or the TLS transport, took."""


class Ending(Enum):
    """How a transfer ended."""

    COMPLETE = "complete"
    STALLED = "the client stopped reading"
    GONE = "the client went away"
    SHORT = "the file became shorter while it was sent"
    CHANGED = "a file it is made of changed while it was sent"
    UNREADABLE = "the file could not be read"


@dataclass(frozen=True, slots=True)
class SendResult:
    """``sent`` bytes were taken by the kernel, or the TLS transport.

    Unless ``complete`` the connection is unfit for another response.
    """

    sent: int
    reason: Ending

    @property
    def complete(self) -> bool:
        return self.reason is Ending.COMPLETE


async def send_file(
    transport: asyncio.WriteTransport,
    fd: int,
    offset: int,
    count: int,
    *,
    stall: float,
    turns: Turns,
    progress: Progress | None = None,
) -> SendResult:
    """Send ``count`` bytes of a file; give up after ``stall`` seconds in which the client took nothing.

    ``turns`` is shared by all transfers of a loop.  The transport's own buffer must be empty: what is sent here goes
    past it.
    """
    ready = ReadAhead(fd).ready
    if _encrypts(transport):
        source = _encrypted(transport, ready, lambda at, size: os.pread(fd, size, at))
    else:
        source = _Source(ready, lambda out, at, size: os.sendfile(out, fd, at, size))
    return await _send(transport, _Pump(source, offset, count, stall, turns, progress))


async def send_bytes(
    transport: asyncio.WriteTransport,
    data: memoryview,
    *,
    stall: float,
    turns: Turns,
    progress: Progress | None = None,
) -> SendResult:
    """As `send_file`, from memory."""
    if _encrypts(transport):
        source = _encrypted(transport, _always_ready, lambda at, size: data[at : at + size])
    else:
        source = _Source(_always_ready, lambda out, at, size: os.write(out, data[at : at + size]))
    return await _send(transport, _Pump(source, 0, len(data), stall, turns, progress))


Ready = Callable[[int, int], Awaitable[None]]
Read = Callable[[int, int], bytes | memoryview]


@dataclass(frozen=True, slots=True)
class _Source:
    ready: Ready
    send: Callable[[int, int, int], int]
    """(socket, offset, count) -> bytes taken; 0 at the end of the data."""
    chunk: int = CHUNK
    held: Callable[[], int] = int
    """Bytes taken that are still on their way to the kernel, 0 unless there is something in between."""


def _encrypts(transport: asyncio.WriteTransport) -> bool:
    return transport.get_extra_info("ssl_object") is not None


def _encrypted(transport: asyncio.WriteTransport, ready: Ready, read: Read) -> _Source:
    def held() -> int:
        # Without what the TCP transport below holds, which nobody can ask: at most 64 KiB and a piece.
        if transport.is_closing():
            raise ConnectionResetError(errno.ECONNRESET, "the connection is closed")
        return transport.get_write_buffer_size()

    def send(_: int, at: int, size: int) -> int:
        if held():
            raise BlockingIOError
        data = read(at, size)
        transport.write(data)
        return len(data)

    return _Source(ready, send, TLS_CHUNK, held)


async def _always_ready(offset: int, count: int) -> None:
    return


async def _send(transport: asyncio.WriteTransport, pump: _Pump) -> SendResult:
    if not _encrypts(transport) and transport.get_write_buffer_size():
        raise AssertionError("bytes written earlier would arrive after the body")
    try:
        with shared_socket(transport) as sock:
            reason = await _ended(pump, sock)
    except OSError as error:
        reason = _ending(error)
    return SendResult(pump.sent, reason)


async def _ended(pump: _Pump, sock: socket.socket) -> Ending:
    """The transport may be closed by now, and then nobody else could take back what the kernel holds."""
    try:
        reason = await pump.run(sock)
    except OSError as error:
        reason = _ending(error)
    if reason is not Ending.COMPLETE:
        reset(sock)
    return reason


def _ending(error: OSError) -> Ending:
    disk = error.errno in (errno.EIO, errno.ESTALE, errno.EBADF, errno.ENOMEM)
    return Ending.UNREADABLE if disk else Ending.GONE


@dataclass(slots=True)
class _Pump:
    source: _Source
    offset: int
    count: int
    stall: float
    turns: Turns
    progress: Progress | None
    sent: int = 0

    async def run(self, sock: socket.socket) -> Ending:
        """Raises OSError of the connection or of the file."""
        while self.sent < self.count:
            size = min(self.source.chunk, self.count - self.sent)
            await self.source.ready(self.offset + self.sent, size)
            await self.turns.next()
            taken = self._piece(sock, size)
            if taken == 0:
                return Ending.SHORT
            if taken != size and not await _writable(sock, self.stall):
                return Ending.STALLED
        return await self._handed_on(sock)

    async def _handed_on(self, sock: socket.socket) -> Ending:
        while self.source.held():
            if not await _writable(sock, self.stall):
                return Ending.STALLED
            await self.turns.next()
        return Ending.COMPLETE

    def _piece(self, sock: socket.socket, size: int) -> int | None:
        """Bytes the kernel took, 0 at the end of the file, None when the socket is full."""
        try:
            taken = self.source.send(sock.fileno(), self.offset + self.sent, size)
        except BlockingIOError:
            return None
        self.sent += taken
        if taken and self.progress is not None:
            self.progress(taken)
        return taken


async def _writable(sock: socket.socket, stall: float) -> bool:
    """Wait for room in the send buffer; False when the client acknowledged nothing for ``stall`` seconds.

    The kernel reports room only once a third of a buffer of megabytes is free, which takes a slow but living client
    longer than ``stall``; so what counts is whether the queue shrank.
    """
    queued = _queued(sock)
    while not await _room(sock, stall):
        before, queued = queued, _queued(sock)
        if queued >= before:
            return False
    return True


async def _room(sock: socket.socket, stall: float) -> bool:
    """True when there is room, False when ``stall`` seconds passed first."""
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[bool] = loop.create_future()
    timer = loop.call_later(stall, _settle, waiter, False)
    loop.add_writer(sock.fileno(), _settle, waiter, True)
    try:
        return await waiter
    finally:
        loop.remove_writer(sock.fileno())
        timer.cancel()


def _settle(waiter: asyncio.Future[bool], value: bool) -> None:
    if not waiter.done():
        waiter.set_result(value)


def _queued(sock: socket.socket) -> int:
    """Bytes sent but not acknowledged yet (SIOCOUTQ, the same number as TIOCOUTQ)."""
    answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    queued: int = struct.unpack("i", answer)[0]
    return queued
