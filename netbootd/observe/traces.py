"""Which boots are over, so that each is sent once, whole, as a trace.

A boot is over when the machine began another, when its installation ended, or when nothing more is to be expected of
it; what is said of it later, be it that it was given up, makes no second trace.  Times are seconds since the epoch.
"""

from __future__ import annotations

from collections.abc import Callable

from netbootd.boot.recent import Recent
from netbootd.fleet.attempts import QUIET
from netbootd.fleet.record import Attempt, Outcome, Reached

SETTLES = 60.0
"""Seconds in which an installation that ended may still show a sign of life."""
FETCHES = 3600.0
"""Seconds; a file on its way says nothing before its end, and a line may be slow."""
LONGEST = 86400.0
"""Seconds; an installation that says nothing is waited for no longer."""
MOST = 5000
"""Boots that are waited for; beyond that the one that was quiet longest is sent as it is."""
_FETCHING = (Reached.SCRIPT, Reached.FILE)


class Traces:
    """``send`` is given each boot that is over, and must not wait."""

    def __init__(self, send: Callable[[Attempt], None]) -> None:
        self._send = send
        self._open: dict[str, Attempt] = {}  # by id, the one that was quiet longest first
        self._of: dict[str, str] = {}  # ids by machine
        self._sent: Recent[str, bool] = Recent(MOST)

    def took(self, _before: Attempt | None, after: Attempt) -> None:
        """A boot is as ``after`` now."""
        if self._sent.get(after.id):
            return
        machine = _machine(after)
        earlier = self._of.get(machine)
        if earlier is not None and earlier != after.id and earlier in self._open:
            if self._open[earlier].started > after.started:  # a late word of the boot before
                return
            self._finish(earlier)
        self._take(after.id)  # the record of its machine may have become part of another
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
        attempt = self._take(id)
        assert attempt is not None, "it is waited for"
        self._sent.put(id, True)
        self._send(attempt)

    def _take(self, id: str) -> Attempt | None:
        attempt = self._open.pop(id, None)
        if attempt is not None and self._of.get(_machine(attempt)) == id:
            del self._of[_machine(attempt)]
        return attempt


def _machine(attempt: Attempt) -> str:
    return attempt.record or str(attempt.mac)


def _patience(attempt: Attempt) -> float:
    match attempt.outcome:
        case Outcome.INSTALLED | Outcome.FAILED:
            return SETTLES
        case Outcome.PAYLOAD if attempt.generation:  # it installs
            return LONGEST
        case Outcome.RUNNING | Outcome.ABANDONED if any(step.stage in _FETCHING for step in attempt.steps):
            return FETCHES
        case _:
            return QUIET
