"""Work that nobody waits for, and that must not fail unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from netbootd.observe.events import DaemonNotice


class Background:
    """``emit`` is told of a fault of ours in any of it; the rest goes on."""

    def __init__(self, emit: Callable[[DaemonNotice], None]) -> None:
        self._emit = emit
        self._tasks: set[asyncio.Task[None]] = set()  # the loop itself keeps none alive

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Have it done on the running loop."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def stop(self) -> None:
        """Cancel all of it, and wait until it has ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._emit(DaemonNotice(text=f"internal error, please report it: {error!r}", severity="error"))
