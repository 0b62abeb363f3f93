"""One running TFTP transfer: a `wire.transfer.Transfer` with a way to send, a timer and the reads of its file."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from netbootd.serve.pace import EVERY
from netbootd.serve.tftp_source import Content, OpenFile, Source, dispose
from netbootd.wire.transfer import Outcome, Transfer

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Callable
    from concurrent.futures import Executor, Future

_DRAIN = 64  # datagrams taken per wake-up


class Session:
    """Drives a transfer; calls ``ended`` once when it is over, and ``moved`` with the seconds it has taken each time
    that it is further than when that was last called, no sooner than ``every`` says.

    ``send`` may lose the datagram, and raises ConnectionRefusedError when nobody listens at the peer's port.
    """

    def __init__(
        self,
        transfer: Transfer,
        source: Source,
        loop: asyncio.AbstractEventLoop,
        readers: Executor,
        send: Callable[[bytes], object],
        ended: Callable[[Session], None],
        moved: Callable[[Session, float], None] = lambda _session, _seconds: None,
        every: Callable[[], float] = lambda: EVERY,
    ) -> None:
        self.transfer = transfer
        self.source = source
        self._loop = loop
        self._readers = readers
        self._send = send
        self._ended = ended
        self._moved = moved
        self._every = every
        self._tells = transfer.started + EVERY
        self._told = 0
        self._timer: asyncio.TimerHandle | None = None
        self._reading: Future[bytes] | None = None
        self._over = False
        if isinstance(source, Content):
            transfer.provide(0, source.data, loop.time())

    def receive(self, datagram: bytes) -> None:
        """Take in one datagram; `pump` after the last."""
        self.transfer.receive(datagram, self._loop.time())

    def end(self, outcome: Outcome, detail: str = "") -> None:
        """End it from outside."""
        self.transfer.end(outcome, self._loop.time(), detail)
        self.pump()

    def pump(self) -> None:
        """Send what is due, read what will be, set the timer; tidy up when the transfer is over."""
        if self._over:
            return
        self._transmit()
        if self.transfer.outcome is not None:
            self._finish()
            return
        self._read_ahead()
        self._arm()

    def _transmit(self) -> None:
        now = self._loop.time()
        try:
            for datagram in self.transfer.datagrams(now):
                self._send(datagram)
        except ConnectionRefusedError:
            self.transfer.end(Outcome.CLIENT_GONE, now)
        if now >= self._tells:
            self._tell(now)

    def _tell(self, now: float) -> None:
        if self.transfer.outcome is None and self.transfer.delivered > self._told:
            self._tells, self._told = now + self._every(), self.transfer.delivered
            self._moved(self, now - self.transfer.started)

    def _arm(self) -> None:
        """Keep a timer that fires no later than the deadline.

        Each ACK moves the deadline on; the timer is left where it is and looks again when it fires.
        """
        deadline = self.transfer.deadline()
        if deadline is None:
            return
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._fired)

    def _fired(self) -> None:
        self._timer = None
        self.transfer.expire(self._loop.time())
        self.pump()

    def _read_ahead(self) -> None:
        if self._reading is not None or not isinstance(self.source, OpenFile):
            return
        wanted = self.transfer.wants()
        if wanted is None:
            return
        offset, length = wanted
        self._reading = self._readers.submit(os.pread, self.source.fd, length, self.source.offset + offset)
        self._reading.add_done_callback(partial(self._read_elsewhere, offset))

    def _read_elsewhere(self, offset: int, read: Future[bytes]) -> None:
        with suppress(RuntimeError):  # the loop was closed while the disk took its time
            self._loop.call_soon_threadsafe(self._read, offset, read)

    def _read(self, offset: int, read: Future[bytes]) -> None:
        self._reading = None
        if self._over:
            dispose(self.source)
        elif (error := read.exception()) is not None:
            self.end(Outcome.READ_FAILED, str(error))
        else:
            self.transfer.provide(offset, read.result(), self._loop.time())
            self.pump()

    def _finish(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._reading is None:
            dispose(self.source)
        self._ended(self)


class OwnSocket:
    """The socket of one transfer: connected, so that the kernel checks the client's port (RFC 1350's TID)."""

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._sock = sock
        self._loop = loop
        self._session: Session | None = None

    def start(self, session: Session) -> None:
        """Hand what arrives to ``session``."""
        self._session = session
        self._loop.add_reader(self._sock.fileno(), self.drain)

    def send(self, datagram: bytes) -> None:
        """Send, or lose it when the kernel has no room or no route: the transfer's timer covers that."""
        try:
            self._sock.send(datagram)
        except ConnectionRefusedError:
            raise
        except OSError:
            return

    def drain(self) -> None:
        """Take all that waits, then let the session transmit once."""
        session = self._session
        if session is None:
            raise AssertionError("drained before start")
        self._take(session)
        session.pump()

    def _take(self, session: Session) -> None:
        for _ in range(_DRAIN):
            try:
                session.receive(self._sock.recv(2048))
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                session.end(Outcome.CLIENT_GONE)
                return
            except OSError:  # host or network unreachable for the moment: the timer decides
                continue

    def close(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
