"""Long looks let others have their turn."""

from __future__ import annotations

import asyncio

from netbootd.serve.turns import in_turns


class Clock:
    """Moves by what each step takes."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def looked(values: int, each: float, turn: float) -> list[str]:
    """What happens, in its order: a value is looked at, or somebody else has a turn."""
    clock, happened = Clock(), list[str]()

    async def other() -> None:
        while True:
            happened.append("other")
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    async for value in in_turns(range(values), turn, clock):
        happened.append(str(value))
        clock.now += each
    task.cancel()
    return happened


async def test_others_come_when_a_turn_is_over() -> None:
    assert await looked(5, 1.0, 2.0) == ["0", "1", "other", "2", "3", "other", "4"]


async def test_what_takes_longer_than_a_turn_is_followed_by_one() -> None:
    assert await looked(2, 9.0, 2.0) == ["0", "other", "1", "other"]


async def test_a_short_look_is_taken_at_once() -> None:
    assert await looked(3, 0.1, 2.0) == ["0", "1", "2"]
