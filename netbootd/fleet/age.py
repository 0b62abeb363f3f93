"""What time it is where history is thrown away for its age, as far as a clock can be believed.

A clock that is wrong for a minute, by a bad battery or a bad time server, would have all of it be too old, and nothing
brings it back.  So history ages by the time that has passed since its newest part was written, while netbootd ran.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from netbootd.fleet.history import History


class Age:
    """``wall`` is seconds since the epoch, ``clock`` monotonic."""

    def __init__(
        self, history: History, *, wall: Callable[[], float] = time.time, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._clock = clock
        self._began = clock()
        self._newest = _newest(history) or wall()

    def now(self) -> float:
        """Never later than the wall says."""
        return min(self._wall(), self._newest + self._clock() - self._began)


def _newest(history: History) -> float:
    records = (record.last_seen or 0.0 for record in history.records)
    return max((*records, *(attempt.last for attempt in history.attempts)), default=0.0)
