"""Turns for those who keep an event loop busy, so that many of them hold it no longer than a few.

Sixty-four downloads of 256 KiB pieces, each yielding after its piece, still made a timer 30 ms late: a round of the
loop ran all sixty-four before it looked at its sockets again.
"""

from __future__ import annotations

import asyncio
from collections import deque

_PER_ROUND = 4


class Turns:
    """Lets ``per_round`` callers go on in each round of the loop, first come first served."""

    def __init__(self, per_round: int = _PER_ROUND) -> None:
        self._per_round = per_round
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def next(self) -> None:
        """Return in a later round of the loop, when it is this caller's turn."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiting.append(waiter)
        if len(self._waiting) == 1:
            loop.call_soon(self._grant, loop)
        await waiter

    def _grant(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(min(self._per_round, len(self._waiting))):
            waiter = self._waiting.popleft()
            if not waiter.done():  # it was cancelled while it waited
                waiter.set_result(None)
        if self._waiting:
            loop.call_soon(self._grant, loop)
