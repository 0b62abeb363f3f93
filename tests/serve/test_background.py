"""Work that nobody waits for: a fault in it is told, and its end is waited for."""

from __future__ import annotations

import asyncio

from netbootd.observe.events import DaemonNotice
from netbootd.serve.background import Background


class Work:
    """Goes on until it is let or cancelled."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.ended: asyncio.Queue[str] = asyncio.Queue()

    async def __call__(self) -> None:
        try:
            await self.let.wait()
            self.ended.put_nowait("done")
        finally:
            self.ended.put_nowait("over")


async def boom() -> None:
    raise RuntimeError("boom")


async def test_a_fault_of_ours_is_told_and_the_rest_goes_on() -> None:
    told: asyncio.Queue[DaemonNotice] = asyncio.Queue()
    background, work = Background(told.put_nowait), Work()
    background.start(work())
    background.start(boom())
    notice = await told.get()
    assert (notice.severity, notice.text) == ("error", "internal error, please report it: RuntimeError('boom')")
    work.let.set()
    assert await work.ended.get() == "done"


async def test_stopped_all_of_it_has_ended_and_that_is_no_fault() -> None:
    told: list[DaemonNotice] = []
    background, one, other = Background(told.append), Work(), Work()
    for work in (one, other):
        background.start(work())
    await asyncio.sleep(0)  # both have begun
    await background.stop()
    assert (one.ended.get_nowait(), other.ended.get_nowait(), told) == ("over", "over", [])


async def test_where_there_is_nothing_to_stop_it_is_stopped() -> None:
    await Background(lambda _notice: None).stop()
