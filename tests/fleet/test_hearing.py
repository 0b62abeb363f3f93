"""What is read back from the database, and of whom: nothing is learned of what waits here, and nothing is missed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar, TypeVarTuple

import pytest

from netbootd.fleet.changes import NOBODY, NOTHING, Change, Entry, Ids, Known, Order
from netbootd.fleet.grants import Grant
from netbootd.fleet.hearing import Hearing
from netbootd.fleet.history import History
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import PutRecord, Record
from netbootd.fleet.state import StateError
from netbootd.wire.mac import Mac
from tests.support.worlds import CARD, OTHER_CARD

A = TypeVarTuple("A")
R = TypeVar("R")
ARMED = Order(Entry(CARD, Stage.ARMED, 1.0, "ada"), (CARD,))
MADE = PutRecord(Record("r-1", (CARD,)))
R1, R2 = Ids(frozenset({"r-1"})), Ids(frozenset({"r-2"}))


class Held:
    """A shared database: what others change of it, and what was read."""

    shared, silence, created = True, "", False

    def __init__(self) -> None:
        self.macs: frozenset[Mac] | None = frozenset()
        self.ids: Ids | None = NOBODY
        self.asked: list[Collection[Mac] | Ids | None] = []
        self.gone = False

    def heard(self) -> frozenset[Mac] | None:
        macs, self.macs = self.macs, frozenset()
        return macs

    def heard_of(self) -> Ids | None:
        found, self.ids = self.ids, NOBODY
        return found

    def read(self, macs: Collection[Mac] | None) -> Known:
        self.asked.append(macs)
        if self.gone:
            raise StateError("the server is gone")
        return NOTHING

    def history(self, _most: int, ids: Ids | None = None) -> History:
        self.asked.append(ids)
        if self.gone:
            raise StateError("the server is gone")
        return History()

    def open(self, _patience: float) -> Known:
        return NOTHING

    def commit(self, jobs: Sequence[Sequence[Change]]) -> list[bool]:
        return [True for _ in jobs]

    def grants(self, _now: float) -> tuple[Grant, ...]:
        return ()

    def grant(self, _digest: str) -> Grant | None:
        return None

    def fileno(self) -> int | None:
        return None

    def close(self) -> None:
        """Nothing is open."""


class House:
    """What is learned, and what waits meanwhile."""

    def __init__(self) -> None:
        self.held = Held()
        self.waiting: list[Change] = []
        self.learned: list[tuple[Collection[Mac] | None, Collection[Mac]]] = []
        self.boots: list[Ids | None] = []
        self.hearing = Hearing(self.held, self._in_thread, lambda: self.waiting)

    def follow(self) -> None:
        self.hearing.follow(lambda _known, about, but: self.learned.append((about, but)))
        self.hearing.follow_history(self._history)

    async def _in_thread(self, call: Callable[[*A], R], *arguments: *A) -> R:
        return call(*arguments)

    async def _history(self, _found: History, about: Ids | None, waiting: Callable[[], Ids]) -> None:
        waiting()
        self.boots.append(about)

    async def reads(self) -> list[Collection[Mac] | Ids | None]:
        """What it asks the database for."""
        self.held.asked.clear()
        await self.hearing.read()
        return list(self.held.asked)


@pytest.fixture
def house() -> House:
    return House()


async def test_nothing_is_asked_for_until_somebody_follows_and_then_nothing_was_missed(house: House) -> None:
    house.held.macs = frozenset({CARD})
    assert await house.reads() == []
    house.follow()
    assert await house.reads() == [{CARD}]
    assert house.learned == [({CARD}, frozenset())]
    assert await house.reads() == [], "what was learned is not read once more"


async def test_what_others_changed_is_read_and_nothing_else(house: House) -> None:
    house.follow()
    house.held.macs, house.held.ids = frozenset({OTHER_CARD}), R2
    assert await house.reads() == [{OTHER_CARD}, R2]
    assert house.boots == [R2]


async def test_where_the_line_was_lost_everybody_is_read(house: House) -> None:
    house.follow()
    house.held.macs = house.held.ids = None
    assert await house.reads() == [None, None]
    house.hearing.missed({CARD})
    house.hearing.missed(None, None)
    house.hearing.missed({CARD}, R1)
    assert await house.reads() == [None, None]


async def test_who_has_a_change_that_waits_is_told_apart_and_read_again_after_it(house: House) -> None:
    house.follow()
    house.waiting = [ARMED, MADE]
    house.hearing.missed({CARD, OTHER_CARD}, R1 | R2)
    await house.reads()
    assert house.learned == [({CARD, OTHER_CARD}, {CARD})]
    house.waiting = []
    assert await house.reads() == [{CARD}, R1]
    assert await house.reads() == []


async def test_what_could_not_be_read_is_missed_still(house: House) -> None:
    house.follow()
    house.hearing.missed({CARD}, R1)
    house.held.gone = True
    with pytest.raises(StateError, match="gone"):
        await house.reads()
    house.held.gone = False
    assert await house.reads() == [{CARD}, R1]


async def test_a_fault_of_whoever_learns_loses_nothing_either(house: House) -> None:
    def faulty(_known: Known, _about: object, _but: object) -> None:
        raise ZeroDivisionError("ours")

    house.hearing.follow(faulty)
    house.hearing.missed({CARD})
    with pytest.raises(ZeroDivisionError):
        await house.reads()
    house.follow()
    assert await house.reads() == [{CARD}]


async def test_all_is_known_once_machines_were_read(house: House) -> None:
    house.follow()
    assert not house.hearing.known
    house.hearing.missed(None)
    await house.reads()
    assert house.hearing.known


async def test_a_file_of_our_own_has_nothing_to_tell(house: House) -> None:
    """No other daemon writes there: only what a refused change met is read."""
    house.follow()
    house.held.shared = False
    house.held.macs = frozenset({CARD})
    assert await house.reads() == []
