"""The store: writes behind, tells its trouble once, and gets over it."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from netbootd.fleet import store as stores
from netbootd.fleet.changes import NOBODY, NOTHING, Change, Entry, Ids, Known, Order, Written
from netbootd.fleet.grants import Grant
from netbootd.fleet.history import History
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.store import Store, Trouble
from netbootd.wire.mac import Mac
from tests.support.worlds import CARD, OTHER_CARD

ARMED = Entry(CARD, Stage.ARMED, 1.0, "a person")
GIVEN = Entry(OTHER_CARD, Stage.GIVEN, 2.0, "x")


class Told:
    """What the store said, and a way to wait for more."""

    def __init__(self) -> None:
        self.all: list[Trouble] = []
        self._more = asyncio.Event()

    def __call__(self, trouble: Trouble) -> None:
        self.all.append(trouble)
        self._more.set()

    async def until(self, fulfilled: Callable[[], bool]) -> None:
        while not fulfilled():
            self._more.clear()
            await self._more.wait()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def make(path: Path, told: Told) -> AsyncIterator[Callable[..., Store]]:
    made: list[Store] = []

    def new(**more: float) -> Store:
        made.append(Store(f"sqlite:///{path}", told, **{"patience": 60.0, "retry": 0.01, **more}))
        return made[-1]

    yield new
    for store in made:
        await store.close()


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Every commit fails at once for as long as this lasts: a table that each of them needs is away."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("ALTER TABLE netbootd_schema RENAME TO away")
        yield
        other.execute("ALTER TABLE away RENAME TO netbootd_schema")


@contextmanager
def holding(path: Path) -> Iterator[None]:
    """Commits wait, as on a disk that does not answer."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


Make = Callable[..., Store]


async def test_what_is_written_is_known_after_a_restart(make: Make, told: Told) -> None:
    store = make()
    assert await store.open() == Known()
    assert store.durable
    assert await store.write(Order(ARMED, (CARD,)))
    store.later(Order(GIVEN, (OTHER_CARD,)))
    await store.close()
    assert await make().open() == Known((ARMED, GIVEN))
    assert told.all == []


async def test_changes_reach_the_disk_in_the_order_they_came(make: Make) -> None:
    store = make()
    await store.open()
    entries = [Entry(CARD, stage, 1.0, "x", n) for n, stage in enumerate([Stage.ARMED, Stage.GIVEN] * 20, 1)]
    for entry in entries[:-1]:
        store.later(Order(entry, (CARD,)))
    assert await store.write(Order(entries[-1], (CARD,)))
    await store.close()
    assert await make().open() == Known((entries[-1],))


async def test_a_write_is_acknowledged_only_when_it_is_on_disk(make: Make, path: Path) -> None:
    store = make()
    await store.open()
    assert await store.write(Order(ARMED, (CARD,)))
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT mac, stage FROM machines").fetchall() == [(str(CARD), "armed")]
    other.close()


async def test_trouble_is_told_once_and_so_is_its_end(make: Make, told: Told, path: Path) -> None:
    """Meanwhile it is not durable; what has to be written is written when it can be, and what failed is not."""
    store = make()
    await store.open()
    with refusing(path):
        assert not await store.write(Order(ARMED, (CARD,)))
        store.later(Order(GIVEN, (OTHER_CARD,)))
        assert not await store.write(Order(ARMED, (CARD,)))
        assert not store.durable
        assert told.all == [Trouble(str(path), "no such table: netbootd_schema", True)]
    await told.until(lambda: store.durable)
    assert told.all[1:] == [Trouble(str(path), "", True)]
    await store.close()
    assert await make().open() == Known((GIVEN,))


async def test_it_gets_over_its_trouble_without_anything_to_write(make: Make, told: Told, path: Path) -> None:
    """Nothing is handed out while it lasts, so nobody else would find out."""
    store = make()
    await store.open()
    with refusing(path):
        assert not await store.write()
    await told.until(lambda: store.durable)
    assert [bool(trouble.reason) for trouble in told.all] == [True, False]


async def test_a_fault_of_ours_is_told_and_ends_neither_the_writing_nor_the_learning(make: Make, told: Told) -> None:
    """Whoever writes would wait for ever, and what another daemon did would never be known here."""
    store, learned, faults = make(), list[Known](), [ZeroDivisionError("ours")]
    await store.open()

    def learn(known: Known, _about: Collection[Mac] | None, _but: Collection[Mac]) -> None:
        if faults:
            raise faults.pop()
        learned.append(known)

    store.follow(learn)
    assert await store.write(Order(ARMED, (CARD,)))
    assert await store.write(Order(ARMED, (CARD,))) is Written.REFUSED
    assert learned == [Known((ARMED,))]
    assert await store.write(Order(GIVEN, (OTHER_CARD,)))
    assert [trouble.reason for trouble in told.all] == [
        "internal error, please report it: ZeroDivisionError('ours')",
        "",
    ]


class Line:
    """A shared database of which nothing but the line to it is real."""

    shared, silence, created = True, "", False

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.listened = asyncio.Event()

    def fileno(self) -> int | None:
        self.listened.set()
        return self.ours.fileno()

    def open(self, _patience: float) -> Known:
        return NOTHING

    def commit(self, jobs: list[list[Change]]) -> list[bool]:
        return [True for _ in jobs]

    def heard(self) -> frozenset[Mac]:
        return frozenset()

    def heard_of(self) -> Ids:
        return NOBODY

    def read(self, _macs: Collection[Mac] | None) -> Known:
        return NOTHING

    def history(self, _most: int, _ids: Ids | None = None) -> History:
        return History()

    def grants(self, _now: float) -> tuple[Grant, ...]:
        return ()

    def grant(self, _digest: str) -> Grant | None:
        return None

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


async def test_the_number_of_a_line_that_was_lost_is_anothers_to_listen_to(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread loses it, and a machine's connection has its number before the loop comes to hear of that."""
    line, heard, loop = Line(), asyncio.Event(), asyncio.get_running_loop()
    monkeypatch.setattr(stores, "database", lambda _state: line)
    store = make(retry=60.0)
    await store.open()
    await line.listened.wait()
    lost = line.ours.fileno()
    line.ours.close()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert ours.fileno() == lost
        loop.add_reader(ours, heard.set)
        assert await store.write()
        theirs.send(b"x")
        await heard.wait()
        loop.remove_reader(ours)


async def test_a_disk_that_does_not_answer_is_trouble_and_nobody_waits_for_it(
    make: Make, told: Told, path: Path
) -> None:
    store = make(patience=0.05)
    await store.open()
    with holding(path):
        assert not await store.write(Order(ARMED, (CARD,)))
        assert told.all == [Trouble(str(path), "the disk does not answer", True)]
    await told.until(lambda: store.durable)


async def test_a_state_that_cannot_be_opened_arms_nobody_and_is_told(make: Make, told: Told, path: Path) -> None:
    path.write_bytes(b"no database" * 100)
    store = make()
    assert await store.open() == Known()
    assert told.all == [Trouble(str(path), "file is not a database", False, final=True)]
    assert not store.durable
    ledger = Ledger(store)
    assert ledger.stage(CARD) is Stage.HELD
    assert not await ledger.arm(CARD, "a person", 1.0)
    assert ledger.stage(CARD) is Stage.HELD
    store.later(Order(ARMED, (CARD,)))
    await store.close()
    assert path.read_bytes() == b"no database" * 100


async def test_a_new_file_says_so(make: Make) -> None:
    store = make()
    await store.open()
    assert store.created
    await store.close()
    again = make()
    await again.open()
    assert not again.created


async def test_a_second_daemon_waits_for_the_first_to_let_go(make: Make, told: Told) -> None:
    first, second = make(), make()
    await first.open()
    opening = asyncio.ensure_future(second.open())
    assert await first.write(Order(ARMED, (CARD,)))
    await first.close()
    assert await opening == Known((ARMED,))
    assert told.all == []


async def test_after_closing_nothing_is_acknowledged(make: Make) -> None:
    store = make()
    await store.open()
    await store.close()
    assert not await store.write(Order(ARMED, (CARD,)))
    assert not store.durable


async def test_a_thousand_changes_at_once_are_few_commits(make: Make) -> None:
    """Rooms full of machines switched on together wait for one flush, not for a thousand."""
    store = make()
    await store.open()
    writes = [store.write(Order(ARMED, (Mac(n.to_bytes(6, "big")),))) for n in range(1000)]
    assert all(await asyncio.gather(*writes))
    await store.close()
    assert len((await make().open()).entries) == 1000
