"""Turns: how many go on in one round of the loop, and in which order."""

from __future__ import annotations

import asyncio

from netbootd.net.turns import Turns


async def rounds(turns: Turns, callers: int, times: int) -> list[list[int]]:
    """Who went on in each round."""
    loop = asyncio.get_running_loop()
    seen: list[list[int]] = [[]]
    done = asyncio.Event()

    def look() -> None:
        if not done.is_set():
            seen.append([])
            loop.call_soon(look)

    async def caller(number: int) -> None:
        for _ in range(times):
            await turns.next()
            seen[-1].append(number)

    loop.call_soon(look)
    await asyncio.gather(*(caller(number) for number in range(callers)))
    done.set()
    return [each for each in seen if each]


async def test_so_many_go_on_in_a_round_in_the_order_they_came() -> None:
    assert await rounds(Turns(2), callers=5, times=2) == [[0, 1], [2, 3], [4, 0], [1, 2], [3, 4]]


async def test_one_alone_gets_every_round_but_never_two_turns_in_one() -> None:
    assert await rounds(Turns(4), callers=1, times=3) == [[0], [0], [0]]


async def test_one_who_gives_up_takes_nobody_elses_turn_away() -> None:
    turns = Turns(1)
    first, second = asyncio.ensure_future(turns.next()), asyncio.ensure_future(turns.next())
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()


async def test_after_a_quiet_time_turns_are_given_again() -> None:
    turns = Turns(1)
    await turns.next()
    await asyncio.sleep(0)
    await turns.next()
