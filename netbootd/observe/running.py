"""Which files are on their way, and how far they are.  A sink for events, bounded: the one that rested longest goes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from netbootd.observe.events import ArtifactServed, Event, TftpAborted, TftpFinished, TransferMoved

ROOM = 4096
"""Machines, or addresses of which no machine is known."""
_EACH = 8  # files of one machine; GRUB opens all its initrds at once
_STALE = 900.0
"""Seconds without a byte after which its end must have been missed; the longest patience is shorter."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A file on its way: ``size`` bytes will be sent, ``sent`` of them were ``seconds`` after the first."""

    file: str
    via: str
    sent: int
    size: int
    seconds: float
    rate: float
    """Bytes a second, of late."""
    at: float
    """When that was, on the clock of the table."""


class Running:
    """``clock`` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, room: int = ROOM) -> None:
        self._clock = clock
        self._room = room
        self._of: dict[str, dict[str, Moving]] = {}  # by card or address, then by file; what moved last is last
        self.dropped = 0
        """Those there was no room for."""

    def __call__(self, event: Event) -> None:
        """Take in what happened."""
        match event:
            case TransferMoved():
                self._moved(event)
            case TftpFinished(file=file) | TftpAborted(file=file) | ArtifactServed(file=file):
                self._ended(event.mac, file)
                self._ended(event.ip, file)

    def of(self, macs: Iterable[str]) -> Moving | None:
        """What of a machine with these cards moved last."""
        now = self._clock()
        moving = (each for mac in macs for each in self._of.get(mac, {}).values() if now - each.at < _STALE)
        return max(moving, key=lambda each: each.at, default=None)

    def quiet(self, moving: Moving) -> float:
        """Seconds since it moved."""
        return self._clock() - moving.at

    def ways(self) -> Counter[str]:
        """How many files go by TFTP, by HTTP and by HTTPS."""
        now = self._clock()
        return Counter(each.via for files in self._of.values() for each in files.values() if now - each.at < _STALE)

    def __len__(self) -> int:
        return len(self._of)

    def _moved(self, event: TransferMoved) -> None:
        who = event.mac or event.ip
        files = self._of.pop(who, {})
        before = files.pop(event.file, None)
        late = rate(before, event.sent, event.seconds)
        files[event.file] = Moving(event.file, event.via, event.sent, event.size, event.seconds, late, self._clock())
        if len(files) > _EACH:
            del files[next(iter(files))]
        self._of[who] = files
        if len(self._of) > self._room:
            del self._of[next(iter(self._of))]
            self.dropped += 1

    def _ended(self, who: str, file: str) -> None:
        files = self._of.get(who)
        if files and files.pop(file, None) and not files:
            del self._of[who]


def rate(before: Moving | None, sent: int, seconds: float) -> float:
    """Bytes a second since it was last told of, unless it was begun anew."""
    if before and sent > before.sent and seconds > before.seconds:
        return (sent - before.sent) / (seconds - before.seconds)
    return sent / seconds if seconds > 0 else 0.0
