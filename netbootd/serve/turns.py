"""Long looks at many machines, in turns: packets are answered between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

TURN = 0.005
"""Seconds that a packet may wait for such a look: an answer takes a tenth of that, and firmware asks again after
seconds."""


async def in_turns(
    values: Iterable[T], turn: float = TURN, clock: Callable[[], float] = time.perf_counter
) -> AsyncIterator[T]:
    """Each of them; when what is done with them has taken a turn, whatever waits comes first."""
    ends = clock() + turn
    for value in values:
        yield value
        if clock() >= ends:
            await asyncio.sleep(0)
            ends = clock() + turn
