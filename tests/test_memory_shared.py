"""Two daemons on one PostgreSQL remember the same, whichever of them was told and whatever becomes of the database."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from netbootd.boot.facts import Facts
from netbootd.fleet.changes import Written
from netbootd.fleet.lifecycle import Stage, State
from netbootd.fleet.record import Approval, Attempt, PutAttempt, PutRecord, Record
from netbootd.memory import Memory
from netbootd.observe.events import Change, DaemonNotice, Event, MachineChanged, ScriptServed
from netbootd.observe.hub import Hub
from netbootd.serve.directory import Directory
from netbootd.serve.http.services import Heard
from netbootd.serve.recipe import Recipe
from netbootd.wire.mac import Mac
from tests.support.postgres import Server, server
from tests.support.worlds import CARD, ONCE, OTHER_CARD, linux, machine, world

WORLD = world(linux(boots=ONCE), machines=(machine("rescue"),))
_PATIENCE = 60.0
_NEVER = 3600.0
_TURN = 0.01


class House:
    """An opened memory of one daemon, and what it told."""

    def __init__(self, state: str, patience: float = _PATIENCE, retry: float = 0.1) -> None:
        self.told: list[Event] = []
        self.directory = Directory(lambda _mac: "")
        self.hub = Hub(lambda mac, _ip: (mac, ""))
        self.hub.add(self.told.append)
        self.memory = Memory(state, self.hub, lambda: WORLD, self.directory, patience=patience, retry=retry)

    @property
    def records(self) -> dict[str, Record]:
        return {record.id: record for record in self.memory.records.all()}

    async def create(self, mac: Mac, name: str) -> Written:
        return await self.memory.keep(self.memory.records.create(Record("", (mac,), name=name, origin="a person")))

    async def named(self, id: str, name: str | None) -> Written:
        return await self.memory.keep(self.memory.records.change(replace(self.records[id], name=name)))

    def boots(self, mac: Mac) -> None:
        self.directory.told(Facts(mac=mac, serial="SN-1"))
        self.hub(ScriptServed(mac=str(mac), ip="192.0.2.77", script="ipxe.cfg", payload="local"))

    def notices(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, DaemonNotice) and event.severity == "error"]

    def elsewhere(self) -> list[str]:
        """What was told of others."""
        changes = (event for event in self.told if isinstance(event, MachineChanged))
        return [event.detail for event in changes if event.change is Change.ELSEWHERE]


async def until(fulfilled: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not fulfilled():
            await asyncio.sleep(_TURN)


@asynccontextmanager
async def opened(*urls: str, **more: float) -> AsyncIterator[list[House]]:
    houses = [House(url, **more) for url in urls]
    for house in houses:
        await house.memory.open()
    following = [asyncio.create_task(house.memory.follow()) for house in houses]
    try:
        yield houses
    finally:
        for task in following:
            task.cancel()
        for house in houses:
            await house.memory.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with server() as started:
        yield started


@pytest.fixture
def postgres(running: Server) -> Iterator[Server]:
    yield running
    running.start_again()


@pytest.fixture
def url(postgres: Server) -> str:
    return postgres.database()


async def test_what_a_person_does_through_one_is_seen_by_the_other_at_once(url: str) -> None:
    """By notification: the time between two looks is not waited for."""
    async with opened(url, url, retry=_NEVER) as (one, other):
        assert await one.create(CARD, "node-1")
        await until(lambda: other.records == one.records)
        (id,) = one.records
        changed = replace(one.records[id], profile="rescue", approved=Approval("x", 1.0), soft_serial="EDGE-1")
        assert await one.memory.keep(one.memory.records.change(changed))
        await until(lambda: other.records == {id: changed})
        assert await other.memory.keep(other.memory.records.forget(id))
        await until(lambda: one.records == {})
        assert other.elsewhere() == ["name, origin", "profile, soft_serial, approved"]
        assert one.elsewhere() == ["forgotten"]


async def test_who_shows_up_at_one_is_known_to_the_other_with_its_boot(url: str) -> None:
    async with opened(url, url) as (one, other):
        one.boots(CARD)
        await until(lambda: other.memory.recorded(Facts(mac=CARD)) is not None)
        await until(lambda: other.records == one.records)
        (id,) = one.records
        await until(lambda: other.memory.attempts.of(id) == one.memory.attempts.of(id) != ())


async def test_of_two_who_set_one_field_at_once_one_is_refused(url: str) -> None:
    async with opened(url, url) as (one, other):
        assert await one.create(CARD, "node-1")
        await until(lambda: other.records == one.records)
        (id,) = one.records
        for turn in range(20):
            said = await asyncio.gather(one.named(id, f"a-{turn}"), other.named(id, f"b-{turn}"))
            await until(lambda: other.records == one.records)
            assert Written.YES in said
            name = one.records[id].name
            assert name == f"{'ab'[said.index(Written.YES)]}-{turn}" or set(said) == {Written.YES}


async def test_of_two_who_make_one_machine_at_once_one_is_refused(url: str) -> None:
    async with opened(url, url) as (one, other):
        cards = [Mac(bytes([2, 0, 0, 0, 1, n])) for n in range(20)]
        for mac in cards:
            said = await asyncio.gather(one.create(mac, f"a-{mac}"), other.create(mac, f"b-{mac}"))
            assert sorted(said, key=str) == [Written.REFUSED, Written.YES]
        await until(lambda: other.records == one.records)
        assert len(one.records) == len(cards)
        assert one.memory.records.conflicts() == ()


async def test_more_than_fits_into_a_notification_is_learned_all_the_same(url: str) -> None:
    async with opened(url, url) as (one, other):
        cards = [Mac(bytes([2, 0, 0, 1, *n.to_bytes(2, "big")])) for n in range(1500)]
        now = time.time()  # strangers that nobody saw for long are pruned soon after the start
        many = [Record(f"r{n}", (mac,), serial="x" * 50, last_seen=now) for n, mac in enumerate(cards)]
        for record in many:
            one.memory.records.learn(record)
        await one.memory.keep(tuple(PutRecord(each) for each in many))
        await until(lambda: other.records == one.records)
        assert len(other.records) == 1500


async def test_a_daemon_goes_on_without_the_database_and_both_catch_up(postgres: Server, url: str) -> None:
    """Who sets something meanwhile is told that it is not on disk, and what was there first counts."""
    async with opened(url, url) as (one, other):
        assert await one.create(CARD, "node-1")
        await until(lambda: other.records == one.records)
        assert await one.memory.ledger.arm(CARD, "x", 1.0)
        (id,) = one.records
        postgres.stop()
        await until(lambda: one.memory.stage(CARD) is other.memory.stage(CARD) is Stage.HELD)
        assert await one.named(id, "ours") is await other.named(id, "theirs") is Written.NO
        one.boots(OTHER_CARD)
        assert one.memory.recorded(Facts(mac=OTHER_CARD)) is not None
        assert other.memory.recorded(Facts(mac=CARD)) == other.records[id]
        postgres.start()
        await until(lambda: one.memory.stage(CARD) is other.memory.stage(CARD) is Stage.ARMED)
        await until(lambda: other.records == one.records and len(one.records) == 2)
        assert one.records[id].name in ("ours", "theirs")
        for house in (one, other):
            assert len(house.notices()) == 1, "said once"
    async with opened(url) as (late,):
        assert {record.name for record in late.records.values()} == {one.records[id].name, None}


async def test_one_that_starts_without_the_database_has_all_when_it_is_there(postgres: Server, url: str) -> None:
    async with opened(url) as (one,):
        assert await one.create(OTHER_CARD, "node-1")
    postgres.stop()
    async with opened(url) as (late,):
        late.boots(OTHER_CARD)
        assert late.memory.stage(OTHER_CARD) is Stage.HELD
        postgres.start()
        await until(lambda: "node-1" in {record.name for record in late.records.values()})
        late.boots(OTHER_CARD)
        whole = [("node-1", "SN-1", ("192.0.2.77",))]
        await until(lambda: [(each.name, each.serial, each.addresses) for each in late.records.values()] == whole)


class Link:
    """A TCP connection to the server that can be broken, or swallow all that is sent."""

    def __init__(self, url: str) -> None:
        (directory,) = parse_qs(urlsplit(url).query)["host"]
        self._to = f"{directory}/.s.PGSQL.5432"
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.up = True
        self.passes = threading.Event()
        self.passes.set()
        database = urlsplit(url).path
        self.url = f"postgresql://netbootd@127.0.0.1:{self._listener.getsockname()[1]}{database}"
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        """And refuse whoever comes."""
        self.up = False
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.passes.set()
        self.cut()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self.up:
                    near.close()
                    continue
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._to)
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        with closing(other), suppress(OSError):
            while data := one.recv(65536):
                self.passes.wait()
                other.sendall(data)


@pytest.fixture
def link(url: str) -> Iterator[Link]:
    with closing(Link(url)) as made:
        yield made


async def test_a_link_that_breaks_is_had_again_and_nothing_was_missed(url: str, link: Link) -> None:
    async with opened(link.url, url) as (one, other):
        assert await other.create(CARD, "node-1")
        await until(lambda: one.records == other.records)
        link.cut()
        await until(lambda: one.memory.stage(CARD) is Stage.HELD)
        assert await other.create(OTHER_CARD, "node-2")
        (id,) = (id for id, record in other.records.items() if record.name == "node-1")
        assert await other.memory.keep(other.memory.records.forget(id))
        one.boots(CARD)
        link.up = True
        await until(lambda: one.records == other.records and one.memory.stage(CARD) is not Stage.HELD)
        assert "node-2" in {record.name for record in one.records.values()}


async def test_a_link_that_swallows_everything_holds_nobody_up_but_installers(url: str, link: Link) -> None:
    """What is asked for is answered within `patience`, from what is known."""
    async with opened(link.url, patience=5.0) as (one,), opened(url) as (other,):
        assert await other.create(CARD, "node-1")
        assert await other.memory.ledger.arm(CARD, "x", 1.0)
        await until(lambda: one.memory.stage(CARD) is Stage.ARMED and one.records == other.records)
        link.passes.clear()
        assert not await one.memory.ledger.handed(CARD, "192.0.2.77", "artifacts/x", 2.0)
        assert one.memory.stage(CARD) is Stage.HELD
        assert "does not answer" in one.notices()[0]
        assert one.memory.recorded(Facts(mac=CARD)) is not None
        link.passes.set()
        await until(lambda: one.memory.stage(CARD) is Stage.ARMED)
        assert one.records == other.records


TOKEN = "t" * 32


async def test_a_token_of_one_is_honoured_by_the_other_and_its_call_is_heard_there(url: str) -> None:
    async with opened(url, url) as (one, other):
        one.boots(CARD)
        assert await one.memory.ledger.arm(CARD, "a person", 1.0)
        written = one.memory.ledger.handed(CARD, "192.0.2.77", "artifacts/rescue/vmlinuz", 2.0)
        one.memory.tokens.grant(TOKEN, CARD, (), installs=True, recipe=Recipe(Facts(mac=CARD)))
        assert await written
        assert other.memory.tokens.caller(TOKEN) is None
        assert await other.memory.lookup(TOKEN)
        caller = other.memory.tokens.caller(TOKEN)
        assert caller is not None
        assert caller == one.memory.tokens.caller(TOKEN)
        await until(lambda: other.memory.stage(CARD) is Stage.ARMED)
        assert await other.memory.ended(caller, True, "") is Heard.TAKEN
        await until(lambda: one.memory.lives.standing(CARD).state is State.INSTALLED)
        assert await one.memory.ended(caller, False, "") is Heard.REFUSED
        assert await one.memory.ended(caller, True, "") is Heard.TAKEN


async def test_while_the_database_is_away_a_token_nobody_knows_is_not_refused_for_good(
    postgres: Server, url: str
) -> None:
    async with opened(url) as (house,):
        postgres.stop()
        async with asyncio.timeout(_PATIENCE):
            while await house.memory.lookup(TOKEN):
                await asyncio.sleep(_TURN)


@pytest.mark.parametrize("shared", [True, False])
async def test_history_that_is_old_goes_everywhere_whoever_prunes(url: str, tmp_path: Path, shared: bool) -> None:
    """Old boots, and strangers nobody saw for long; what somebody named stays."""
    state = url if shared else f"sqlite:///{tmp_path}/state.db"
    stranger = Record("mac-020000000001", (OTHER_CARD,), first_seen=1.0, last_seen=1.0)
    named = Record("1", (CARD,), name="node-1", last_seen=1.0)
    lately = Record("2", (Mac(b"\2\0\0\0\0\7"),), name="node-2", last_seen=time.time())
    boots = [Attempt(f"b{n}", record.id, record.macs[0], 1.0, 1.0) for n, record in enumerate((stranger, named))]
    first = House(state).memory  # which nobody follows: it must not prune
    await first.open()
    assert await first._store.write(*map(PutRecord, (stranger, named, lately)), *map(PutAttempt, boots))
    await first.close()
    async with opened(*[state] * (1 + shared)) as houses:
        assert all((len(house.records), len(house.memory.attempts)) == (3, 2) for house in houses)
        houses[0].memory.prune()
        await until(lambda: all(house.records == {"1": named, "2": lately} for house in houses))
        await until(lambda: all(len(house.memory.attempts) == 0 for house in houses))
    async with opened(state) as (late,):
        assert late.records == {"1": named, "2": lately}
        assert len(late.memory.attempts) == 0
