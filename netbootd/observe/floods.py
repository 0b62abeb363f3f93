"""A flood of packets must not become a flood of lines: what repeats is said once, then counted.

Pure bookkeeping: ``now`` is monotonic seconds and an argument.  `observe.log` writes what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.observe.events import DaemonNotice, DhcpSilent, Event, HostileValue, MachineChanged, TftpAborted
from netbootd.observe.sentences import sentence

WINDOW = 5.0  # seconds during which what repeats is only counted
BURST = 5000  # new lines in one window before the rest are left out; a thousand machines powering on stay below


@dataclass(frozen=True, slots=True)
class Counted:
    """An event whose like came ``repeated`` times more since it was written."""

    event: Event
    repeated: int


@dataclass(slots=True)
class _Window:
    event: Event
    ends: float
    repeated: int = 0


class FloodGuard:
    """Decides which events are written.  At most 2 x `BURST` lines come out in any `WINDOW`, whoever sends what."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str, str], _Window] = {}  # the oldest first
        self._admitted = 0
        self._left_out = 0
        self._burst_ends = 0.0

    def admit(self, event: Event, now: float) -> bool:
        """Whether to write ``event`` now; if not, it has been counted.  Call `due` first.

        Where a machine stands is not counted: one that was armed, failed and was armed again would fail last.
        """
        counts = not isinstance(event, MachineChanged)
        key = _likeness(event)
        window = self._windows.get(key) if counts else None
        if window is not None:
            window.event = event
            window.repeated += 1
            return False
        if now >= self._burst_ends:
            self._admitted, self._burst_ends = 0, now + WINDOW
        self._admitted += 1
        if self._admitted > BURST:
            self._left_out += 1
            return False
        if counts:
            self._windows[key] = _Window(event, now + WINDOW)
        return True

    def due(self, now: float) -> list[Counted]:
        """What repeated in the windows that have ended by ``now``; they are forgotten."""
        said: list[Counted] = []
        while self._windows:
            key, window = next(iter(self._windows.items()))
            if window.ends > now:
                break
            del self._windows[key]
            if window.repeated:
                said.append(Counted(window.event, window.repeated))
        if self._left_out and now >= self._burst_ends:
            text = f"too much at once: {self._left_out} more lines were left out"
            said.append(Counted(DaemonNotice(text=text, severity="warning"), 0))
            self._left_out = 0
        return said

    @property
    def counting(self) -> bool:
        """Whether something has been counted that `due` has not told yet."""
        return self._left_out > 0 or any(window.repeated for window in self._windows.values())


def _likeness(event: Event) -> tuple[str, str, str]:
    """Events with the same likeness repeat each other: same machine, same name, same reason or sentence."""
    match event:
        case DhcpSilent(reason=reason) | TftpAborted(reason=reason):
            what = reason
        case HostileValue(field=field, reason=reason):
            what = f"{field} {reason}"
        case _:
            what = sentence(event)
    return event.name, event.mac or event.ip, what
