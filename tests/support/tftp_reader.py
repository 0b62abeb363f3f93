"""A TFTP client for tests, without I/O: what firmware does with the datagrams of a read.

Written from the RFCs on its own, sharing only the packet codec with the server.  `Manners` are the ways real clients
differ in.
"""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.wire.tftp import Ack, Data, Error, OptionAck, ReadRequest, decode, encode


@dataclass(frozen=True)
class Manners:
    """``repeats_ack``: acknowledges a block it already has once more (this feeds the sorcerer's apprentice).
    ``acks_every_gap``: answers each block out of order, not only the first.  ``rollover``: the number after 65535."""

    repeats_ack: bool = False
    acks_every_gap: bool = False
    rollover: int = 0
    timeout: float = 2.0


class Reader:
    """Reads one file; ``received`` grows, ``done`` when the short block came and the link has been quiet for long."""

    def __init__(self, request: ReadRequest, now: float = 0.0, manners: Manners | None = None) -> None:
        self.manners = manners or Manners()
        self.request = request
        self.received = bytearray()
        self.complete = False
        self.done = False
        self.error: Error | None = None
        self.blksize = 512
        self.windowsize = 1
        self.options: dict[str, str] = {}
        self._expected = 1
        self._in_window = 0
        self._gap_told = False
        self._last_sent = encode(request)
        self._outbox = [self._last_sent]
        self._deadline = now + self.manners.timeout

    def datagrams(self, now: float) -> list[bytes]:
        sending, self._outbox = self._outbox, []
        if sending:
            self._last_sent = sending[-1]
            self._deadline = now + self.manners.timeout
        return sending

    def deadline(self) -> float | None:
        return None if self.done else self._deadline

    def expire(self, now: float) -> None:
        if self.done or now < self._deadline:
            return
        if self.complete:  # has dallied, as RFC 1350 section 6 asks, in case its last ACK was lost
            self.done = True
            return
        self._gap_told = False
        self._outbox = [self._last_sent]

    def receive(self, datagram: bytes, now: float) -> None:
        packet = decode(datagram)
        match packet:
            case OptionAck(options) if self._expected == 1:
                self._agreed(options)
            case Data(number, payload):
                self._block(number, payload)
            case Error():
                self.error = packet
                self.done = True
            case _:
                pass

    def _agreed(self, options: tuple[tuple[str, str], ...]) -> None:
        self.options = {name.lower(): value for name, value in options}
        asked = {name.lower(): value for name, value in self.request.options}
        assert set(self.options) <= set(asked), "an option that was not asked"
        self.blksize = int(self.options.get("blksize", 512))
        self.windowsize = int(self.options.get("windowsize", 1))
        assert self.blksize <= int(asked.get("blksize", 512))
        assert self.windowsize <= int(asked.get("windowsize", 1))
        self._ack(0)

    def _block(self, number: int, payload: bytes) -> None:
        if self.complete or number != self._number(self._expected):
            self._unexpected(number)
            return
        self.received += payload
        self._expected += 1
        self._in_window += 1
        self._gap_told = False
        self.complete = len(payload) < self.blksize
        if self.complete or self._in_window == self.windowsize:
            self._ack(self._expected - 1)

    def _unexpected(self, number: int) -> None:
        behind = (self._number(self._expected - 1) - number) % 0x10000 < 0x8000
        if self.complete or (behind and self.manners.repeats_ack):
            self._outbox.append(encode(Ack(self._number(self._expected - 1))))
        elif not behind and (self.manners.acks_every_gap or not self._gap_told):
            self._gap_told = True
            self._ack(self._expected - 1)

    def _ack(self, block: int) -> None:
        self._in_window = 0
        self._outbox.append(encode(Ack(self._number(block))))

    def _number(self, block: int) -> int:
        if block > 0xFFFF and self.manners.rollover:
            return (block - 1) % 0xFFFF + 1
        return block & 0xFFFF
