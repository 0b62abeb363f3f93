"""How far a running transfer is, told so seldom that telling costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 1.0
"""Seconds; who is through sooner is not told of."""


class Pace:
    """Called with the bytes of each piece; ``tell`` gets all bytes so far, and the seconds since the beginning."""

    __slots__ = ("_began", "_clock", "_due", "_tell", "sent")

    def __init__(self, tell: Callable[[int, float], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._began = clock()
        self._due = self._began + EVERY
        self.sent = 0

    def __call__(self, taken: int) -> None:
        self.sent += taken
        now = self._clock()
        if now >= self._due:
            self._due = now + EVERY
            self._tell(self.sent, now - self._began)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self._clock() - self._began
