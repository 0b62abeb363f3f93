"""The sending side of one TFTP read, without I/O: datagrams and the time go in, datagrams and a deadline come out.

How to drive it::

    transfer = Transfer(request, size, limits, now)
    transfer.provide(0, content)                     # or: answer wants() with reads, one at a time
    each wake-up:   transfer.receive(datagram, now)  # for all that wait in the socket
                    send(transfer.datagrams(now))    # once
                    provide what wants() asks for, call expire(now) at deadline(), until outcome is set

Blocks are absolute integers counted from 1; only `wire_number` and `absolute` know that they have 16 bits on the wire.
Four facts are the whole state: the OACK that waits for its ACK, the highest block acknowledged, the next block to
send, the highest block ever sent.  Two things send a block twice: the timer, and an acknowledgment that names a block
inside the window.  A repeated acknowledgment does nothing; RFC 1123 section 4.2.3.1: "the sender (i.e., the side
originating the DATA packets) must never resend the current DATA packet on receipt of a duplicate ACK."
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from netbootd.wire.errors import WireError
from netbootd.wire.tftp import Ack, Data, Error, ErrorCode, OptionAck, ReadRequest, decode, encode
from netbootd.wire.tftp_options import Terms, agree

if TYPE_CHECKING:
    from netbootd.wire.tftp_options import Limits

_LONGEST_WAIT = 8.0  # seconds; a longer one only when a client that answers asks for it by its timeout option
_JITTER = 0.25
_READ_AHEAD = 32 << 10


class Outcome(Enum):
    """How a transfer ended."""

    DELIVERED = "every block was acknowledged"
    PROBED = "the client asked for the size only"  # EDK2 and many ROMs, by design
    ABORTED_BY_CLIENT = "the client gave up"
    TIMED_OUT = "the client fell silent"
    NEVER_ANSWERED = "the client never answered"
    CLIENT_GONE = "nobody listens at the client's port any more"
    SERVER_CLOSED = "the server stopped"
    READ_FAILED = "the file could not be read"


class Transfer:
    """One read of a file of ``size`` bytes.

    ``jitter`` (0..1) lengthens each wait a little, so that a rack powered on at once does not resend in step.
    """

    def __init__(self, request: ReadRequest, size: int, limits: Limits, now: float, jitter: float = 0.0) -> None:
        self.request = request
        self.size = size
        self.terms: Terms = agree(request, size, limits)
        self.started = now
        self.finished: float | None = None
        self.outcome: Outcome | None = None
        self.detail = ""
        """Words about the outcome, from the client or from us."""
        self.retransmits = 0
        """Datagrams sent more than once."""
        self._limits = limits
        self._stretch = 1.0 + _JITTER * jitter
        self._oack = encode(OptionAck(self.terms.accepted)) if self.terms.accepted else None
        self._outbox: list[bytes] = [self._oack] if self._oack else []
        self._acked = 0
        self._next = 1
        self._highest = 0
        # RFC 1350: a block shorter than blksize "signals the end of the transfer", be it an empty one.
        self._last = size // self.terms.blksize + 1
        self._tries = 0
        self._deadline = now + self._wait()
        self._start = 0  # the file offset of _data
        self._data = b""

    @property
    def delivered(self) -> int:
        """Bytes the client has acknowledged."""
        return min(self._acked * self.terms.blksize, self.size)

    @property
    def buffered(self) -> int:
        """Bytes of the file held here."""
        return len(self._data)

    def is_repeat(self, request: ReadRequest) -> bool:
        """Whether a request from this client's port belongs here: a retry, our first answer being lost, or an echo.

        The same request in the middle of a transfer that has fallen silent is a machine that was reset: its ROM asks
        from the same port again.
        """
        return request == self.request and (self._unanswered or not self._tries)

    @property
    def silent(self) -> bool:
        """Whether the client was reminded and has not answered at all: maybe it never asked."""
        return self._unanswered and self._tries > 0

    @property
    def _unanswered(self) -> bool:
        return self._oack is not None or (not self.terms.accepted and self._acked == 0)

    def receive(self, datagram: bytes, now: float) -> None:
        """Take in a datagram of this client.  What makes no sense is ignored; nothing is raised."""
        if self.outcome is not None:
            return
        try:
            packet = decode(datagram)
        except WireError:
            return
        match packet:
            case Ack(number):
                self._acknowledge(number, now)
            case Error(code, message):
                self._aborted(code, message, now)
            case ReadRequest() if packet == self.request:
                self._asked_again()

    def datagrams(self, now: float) -> list[bytes]:
        """What is to be sent now, in this order.  Also the last words after `end`."""
        sending, self._outbox = self._outbox, []
        if self.outcome is None and self._oack is None:
            sending += self._window()
        if sending:
            self._deadline = now + self._wait()
        return sending

    def deadline(self) -> float | None:
        """When `expire` is due."""
        return None if self.outcome is not None else self._deadline

    def expire(self, now: float) -> None:
        """Resend what is not acknowledged, or give up.  Does nothing before the deadline."""
        if self.outcome is not None or now < self._deadline:
            return
        self._tries += 1
        self._deadline = now + self._wait()
        if self._tries <= self._limits.retries:
            self._resend()
        elif self._oack is None and self._next == self._acked + 1:
            self.end(Outcome.READ_FAILED, now, "the disk did not answer")
        else:
            self.end(Outcome.NEVER_ANSWERED if self._unanswered else Outcome.TIMED_OUT, now)

    def wants(self) -> tuple[int, int] | None:
        """(offset, length) of the read that keeps a window's worth at hand; None when enough is."""
        end = self._start + len(self._data)
        chunk = max(_READ_AHEAD, self.terms.windowsize * self.terms.blksize)
        if self.outcome is not None or end >= self.size or end - self.delivered >= chunk:
            return None
        return end, min(chunk, self.size - end)

    def provide(self, offset: int, data: bytes, now: float) -> None:
        """The answer to `wants`, which may be shorter; an empty one means that the file has shrunk meanwhile."""
        if self.outcome is not None:
            return
        if offset != self._start + len(self._data):
            raise AssertionError(f"data for offset {offset}, wanted at {self._start + len(self._data)}")
        if not data and offset < self.size:
            self.end(Outcome.READ_FAILED, now, f"the file ends at byte {offset} of {self.size}")
            return
        rest = self._data[self.delivered - self._start :]
        self._start = offset - len(rest)
        self._data = rest + data if rest else data

    def end(self, outcome: Outcome, now: float, detail: str = "") -> None:
        """End it from outside; where the client may still listen it is told why."""
        if self.outcome is not None:
            return
        self.outcome, self.finished, self.detail = outcome, now, detail
        self._data = b""
        if outcome in (Outcome.SERVER_CLOSED, Outcome.READ_FAILED):
            self._outbox = [encode(Error(ErrorCode.NOT_DEFINED, outcome.value))]

    def _acknowledge(self, number: int, now: float) -> None:
        if self._oack is not None:
            # RFC 2347: "an ACK (with the data block number set to 0) is sent by the client to confirm the values"
            if number == 0:
                self._oack = None
                self._outbox = []
                self._progress(now)
            return
        block = absolute(number, self._acked, self._limits.rollover)
        if not self._acked < block <= self._highest:
            return
        self._acked = block
        self._next = block + 1  # RFC 7440 section 4: the next window starts after the block that was acknowledged
        self._progress(now)
        if block == self._last:
            self.end(Outcome.DELIVERED, now)

    def _progress(self, now: float) -> None:
        self._tries = 0
        self._deadline = now + self._wait()

    def _aborted(self, code: int, message: str, now: float) -> None:
        probed = self.terms.told_size and self._acked == 0
        self.end(Outcome.PROBED if probed else Outcome.ABORTED_BY_CLIENT, now, f"{message} (error {code})".lstrip())

    def _asked_again(self) -> None:
        if self._unanswered:
            self._resend()

    def _resend(self) -> None:
        if self._oack is None:
            self._next = self._acked + 1
        elif not self._outbox:
            self._outbox = [self._oack]
            self.retransmits += 1

    def _window(self) -> list[bytes]:
        sending = []
        while self._next <= min(self._acked + self.terms.windowsize, self._last):
            payload = self._payload(self._next)
            if payload is None:
                break
            sending.append(encode(Data(wire_number(self._next, self._limits.rollover), payload)))
            self.retransmits += self._next <= self._highest
            self._highest = max(self._highest, self._next)
            self._next += 1
        return sending

    def _payload(self, block: int) -> bytes | None:
        offset = (block - 1) * self.terms.blksize
        begin = offset - self._start
        end = begin + min(self.terms.blksize, self.size - offset)
        return self._data[begin:end] if end <= len(self._data) else None

    def _wait(self) -> float:
        """RFC 1123 section 4.2.3.2: "A TFTP implementation MUST use an adaptive timeout."  Doubled for each try."""
        # Whoever never answered may be a forged address: its wish must not hold a place for half an hour.
        longest = _LONGEST_WAIT if self._unanswered else max(self.terms.timeout, _LONGEST_WAIT)
        return min(self.terms.timeout * 2.0**self._tries, longest) * self._stretch


def wire_number(block: int, rollover: int) -> int:
    """The 16-bit number of a block; ``rollover`` (0 or 1) is the one after 65535."""
    if block <= 0xFFFF or rollover == 0:
        return block & 0xFFFF
    return (block - 1) % 0xFFFF + 1


def absolute(number: int, base: int, rollover: int) -> int:
    """The block from ``base`` on, within one turn of the counter, that has this number on the wire.

    With ``rollover`` 1 the number 0 stands for no block but block 0.
    """
    if rollover == 0:
        return base + ((number - base) & 0xFFFF)
    if number == 0:
        return 0
    return base + (number - base) % 0xFFFF
