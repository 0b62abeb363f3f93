"""Tokens of another daemon's are found in the database that is shared, and a flood of made-up ones costs little."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from netbootd.boot.facts import Facts
from netbootd.fleet.grants import Grant
from netbootd.fleet.state import StateError
from netbootd.serve.lookup import Lookup
from netbootd.serve.recipe import Recipe, recipe_text
from netbootd.serve.tokens import Tokens, digest_of
from tests.support.worlds import CARD

TOKEN = "t" * 32


class Shared:
    """A database, and a daemon that asks it."""

    def __init__(self, at_once: int = 4, remembered: int = 100) -> None:
        self.rows: dict[str, Grant] = {}
        self.asked: list[str] = []
        self.down = False
        self.answering = asyncio.Event()
        self.answering.set()
        self.tokens = Tokens(clock=lambda: 100.0, wall=lambda: 1000.0)
        self.lookup = Lookup(self.tokens, self.ask, at_once=at_once, remembered=remembered)

    async def ask(self, digest: str) -> Grant | None:
        self.asked.append(digest)
        await self.answering.wait()
        if self.down:
            raise StateError("gone")
        return self.rows.get(digest)

    def holds(self, token: str, ends: float = 2000.0) -> None:
        digest = digest_of(token)
        self.rows[digest] = Grant(digest, CARD, 1, 900.0, ends, ends, recipe_text(Recipe(Facts(mac=CARD))))


@pytest.fixture
async def shared() -> Shared:
    return Shared()


async def test_what_another_daemon_handed_out_is_known_from_then_on(shared: Shared) -> None:
    shared.holds(TOKEN)
    assert [await shared.lookup(TOKEN) for _ in range(3)] == [True, True, True]
    assert shared.tokens.holder(TOKEN) == CARD
    assert len(shared.asked) == 1


async def test_our_own_are_not_asked_for(shared: Shared) -> None:
    shared.tokens.grant(TOKEN, CARD, ())
    assert await shared.lookup(TOKEN)
    assert shared.asked == []


@pytest.mark.parametrize("token", ["", "x", "TOKEN", "é" * 32, "a" * 31, "a" * 33, "a" * 31 + "/", "\udcff" * 32])
async def test_what_cannot_be_a_token_is_not_asked_for(shared: Shared, token: str) -> None:
    assert await shared.lookup(token)
    assert shared.asked == []


async def test_what_is_not_there_or_has_ended_is_asked_for_once(shared: Shared) -> None:
    shared.holds("e" * 32, ends=999.0)
    for token in (TOKEN, "e" * 32):
        assert [await shared.lookup(token) for _ in range(3)] == [True, True, True]
        assert shared.tokens.holder(token) is None
    assert len(shared.asked) == 2


async def test_so_many_ask_at_once_and_no_more() -> None:
    shared = Shared(at_once=2)
    shared.answering.clear()
    waiting = [asyncio.create_task(shared.lookup(secrets.token_urlsafe(24))) for _ in range(10)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert {task.result() for task in done} == {False}
    shared.answering.set()
    assert sum(await asyncio.gather(*waiting)) == 2
    assert await shared.lookup(TOKEN)


async def test_while_the_database_is_away_nothing_is_said_of_a_token(shared: Shared) -> None:
    shared.holds(TOKEN)
    shared.down = True
    assert not await shared.lookup(TOKEN)
    shared.down = False
    assert await shared.lookup(TOKEN)
    assert shared.tokens.holder(TOKEN) == CARD
