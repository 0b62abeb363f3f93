"""Which boots are over, so that each is sent once, whole, as a trace.

A boot is over when the machine began another, when its installation ended, or when nothing more is to be expected of
it; the times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable

from netbootd.fleet.attempts import QUIET
from netbootd.fleet.record import Attempt, Outcome

SETTLES = 60.0
"""Seconds in which an installation that ended may still show a sign of life."""
LONGEST = 86400.0
"""Seconds; an installation that says nothing is waited for no longer."""
MOST = 5000
"""Boots that are waited for; beyond that the one that was quiet longest is sent as it is."""


class Traces:
    """``send`` is given each boot that is over, and must not wait."""

    def __init__(self, send: Callable[[Attempt], None]) -> None:
        self._send = send
        self._open: dict[str, Attempt] = {}  # by id, the one that was quiet longest first
        self._of: dict[str, str] = {}  # ids by machine

    def took(self, _before: Attempt | None, after: Attempt) -> None:
        """A boot is as ``after`` now."""
        machine = after.record or str(after.mac)
        earlier = self._of.get(machine)
        if earlier is not None and earlier != after.id and earlier in self._open:
            if self._open[earlier].started > after.started:  # a late word of the boot before
                return
            self._finish(earlier)
        self._open.pop(after.id, None)
        self._open[after.id] = after
        self._of[machine] = after.id
        if len(self._open) > MOST:
            self._finish(next(iter(self._open)))

    def look(self, now: float) -> None:
        """Now and then: send what is over."""
        for attempt in [each for each in self._open.values() if now - each.last > _patience(each)]:
            self._finish(attempt.id)

    def close(self) -> None:
        """Send the rest as it is."""
        for id in list(self._open):
            self._finish(id)

    def _finish(self, id: str) -> None:
        attempt = self._open.pop(id)
        machine = attempt.record or str(attempt.mac)
        if self._of.get(machine) == id:
            del self._of[machine]
        self._send(attempt)


def _patience(attempt: Attempt) -> float:
    match attempt.outcome:
        case Outcome.INSTALLED | Outcome.FAILED:
            return SETTLES
        case Outcome.PAYLOAD if attempt.generation:  # it installs
            return LONGEST
        case _:
            return QUIET
