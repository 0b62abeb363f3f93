"""How far a running transfer is, told so seldom that telling costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 1.0
"""Seconds; who is through sooner is not told of."""
A_SECOND = 50
"""How often somebody may be told of, all transfers together: five hundred at once cost no more than fifty."""


def every(running: int) -> float:
    """Seconds between two words on one of so many transfers."""
    return max(EVERY, running / A_SECOND)


class Paces:
    """The transfers of a server that have a pace."""

    def __init__(self) -> None:
        self.running = 0

    @contextmanager
    def pace(self, tell: Callable[[int, float], None]) -> Iterator[Pace]:
        """Of one more, while it runs."""
        self.running += 1
        try:
            yield Pace(tell, lambda: every(self.running))
        finally:
            self.running -= 1


class Pace:
    """Called with the bytes of each piece; ``tell`` gets all bytes so far, and the seconds since the beginning."""

    __slots__ = ("_began", "_clock", "_due", "_every", "_tell", "sent")

    def __init__(
        self,
        tell: Callable[[int, float], None],
        every: Callable[[], float] = lambda: EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell = tell
        self._every = every
        self._clock = clock
        self._began = clock()
        self._due = self._began + EVERY
        self.sent = 0

    def __call__(self, taken: int) -> None:
        self.sent += taken
        now = self._clock()
        if now >= self._due:
            self._due = now + self._every()
            self._tell(self.sent, now - self._began)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self._clock() - self._began
