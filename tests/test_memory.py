"""What the daemon remembers: of a restart it loses nothing, and while nothing can be written it goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from netbootd import memory
from netbootd.boot.facts import Facts
from netbootd.chain.world import World
from netbootd.fleet.database import peek
from netbootd.fleet.lifecycle import Stage, State
from netbootd.fleet.record import PutRecord, Reached, Record
from netbootd.memory import Memory
from netbootd.observe.events import DaemonNotice, DhcpSilent, Event, ScriptServed
from netbootd.observe.hub import Hub
from netbootd.serve.alarms import Alarms
from netbootd.serve.directory import Directory
from netbootd.serve.http.services import Heard
from netbootd.serve.recipe import Recipe
from netbootd.serve.tokens import Caller, Unmade
from netbootd.wire.mac import Mac
from tests.support.worlds import CARD, ONCE, OTHER_CARD, eve, linux, machine, world

IP = "192.0.2.77"
WORLD = world(linux(boots=ONCE), machines=(machine("rescue"),))


class Remembered:
    """An opened memory, and what it told."""

    def __init__(self, state: str, known: World = WORLD) -> None:
        self.told: list[Event] = []
        self.world = known
        self.directory = Directory(lambda _mac: "")
        self.hub = Hub(lambda mac, _ip: (mac, ""))
        self.hub.add(self.told.append)
        self.memory = Memory(state, self.hub, lambda: self.world, self.directory, patience=60.0, retry=0.01)

    def boots(self, mac: Mac, serial: str) -> None:
        """A machine fetches its script."""
        self.directory.told(Facts(mac=mac, serial=serial))
        self.hub(ScriptServed(mac=str(mac), ip=IP, script=f"machines/{mac.hexhyp}/ipxe.cfg", payload="local"))

    def shows(self, mac: Mac, board: Facts) -> None:
        """It does by this card, and says what board it is."""
        self.directory.told(replace(board, mac=mac))
        self.hub(ScriptServed(mac=str(mac), ip=IP, script=f"machines/{mac.hexhyp}/ipxe.cfg", payload="local"))

    def notices(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, DaemonNotice)]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@asynccontextmanager
async def remembered(state: Path, known: World = WORLD) -> AsyncIterator[Remembered]:
    house = Remembered(f"sqlite:///{state}", known)
    house.world = replace(known, recorded=house.memory.recorded, rival=house.memory.rival)
    await house.memory.open()
    try:
        yield house
    finally:
        await house.memory.close()


async def test_a_machine_that_showed_up_and_its_boot_are_known_after_a_restart(state: Path) -> None:
    async with remembered(state) as house:
        house.boots(CARD, "7XK2B32")
    async with remembered(state) as house:
        record = house.memory.recorded(Facts(mac=CARD))
        assert record is not None
        assert (record.serial, record.macs, record.addresses) == ("7XK2B32", (CARD,), (IP,))
        (boot,) = house.memory.attempts.of(record.id)
        assert Reached.LOCAL in {step.stage for step in boot.steps}


@pytest.mark.slow
async def test_however_much_waits_at_the_end_all_of_it_is_known_after_a_restart(state: Path) -> None:
    """A rack that was powered on a moment before, or a disk that was away until then."""
    cards = [Mac(bytes((2, 0, 0, 0, number >> 8, number & 255))) for number in range(700)]
    async with remembered(state) as house:
        for number, card in enumerate(cards):
            house.boots(card, f"SN-{number}")
    async with remembered(state) as house:
        assert {card for record in house.memory.records.all() for card in record.macs} == set(cards)
        assert len(house.memory.attempts) == len(cards)


async def test_a_fault_in_one_look_is_told_once_and_keeps_nothing_from_being_written(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_alarms: Alarms) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(Alarms, "look", broken)
    monkeypatch.setattr(memory, "_WRITES", 0.01)
    async with remembered(state) as house:
        following = asyncio.create_task(house.memory.follow())
        for card in (CARD, OTHER_CARD):
            house.boots(card, str(card))
            while not any(card in record.macs for record in peek(f"sqlite:///{state}").records):
                await asyncio.sleep(0.01)
        following.cancel()
        assert house.notices() == ["internal error, please report it: RuntimeError('boom')"]


async def test_what_somebody_called_a_machine_is_known_by_its_card(state: Path) -> None:
    """For the log, which else told half of what a machine named by the API does under its card."""
    async with remembered(state) as house:
        house.boots(CARD, "SN-1")
        assert house.memory.named(CARD) == ""
        assert house.memory.named(OTHER_CARD) == ""
        record = house.memory.recorded(Facts(mac=CARD))
        assert record is not None
        await house.memory.keep(house.memory.records.change(replace(record, name="node-1")))
        assert house.memory.named(CARD) == "node-1"


async def test_what_a_person_sets_is_on_disk_when_that_is_said(state: Path) -> None:
    """With what waited before it, in that order: the machine's record may be one of that moment."""
    async with remembered(state) as house:
        house.boots(OTHER_CARD, "SN-2")
        record = house.memory.recorded(Facts(mac=OTHER_CARD))
        assert record is not None
        changes = house.memory.records.change(replace(record, name="node-2"))
        assert await house.memory.keep(changes)
        with closing(sqlite3.connect(state)) as other:
            ((body,),) = other.execute("SELECT body FROM records").fetchall()
        assert "node-2" in body
        assert "SN-2" in body


async def test_what_cannot_be_written_is_not_said_to_be_and_is_kept_for_later(state: Path) -> None:
    async with remembered(state) as house:
        with closing(sqlite3.connect(state, isolation_level=None)) as other:
            other.execute("ALTER TABLE netbootd_schema RENAME TO away")
            assert not await house.memory.keep((PutRecord(Record("1", (CARD,), name="node-1")),))
            other.execute("ALTER TABLE away RENAME TO netbootd_schema")
        while not await house.memory.keep(()):
            await asyncio.sleep(0.01)
    async with remembered(state) as house:
        assert [record.name for record in house.memory.records.all()] == ["node-1"]


@pytest.mark.slow
async def test_what_a_flood_makes_to_write_waits_where_the_last_of_each_is_kept_and_not_before_an_arming(
    state: Path,
) -> None:
    """1000 changes each second are more than a disk takes; an arming behind a queue of them came after its time, and
    was held to be one that failed."""
    async with remembered(state) as house:
        store = house.memory._store
        for number in range(2000):
            house.boots(Mac(b"\x06\0\0\0" + number.to_bytes(2, "big")), f"SN-{number}")
            if number % 100 == 0:
                house.memory._write()
        assert sum(len(job.changes) for job in store._jobs) <= 500
        assert await house.memory.ledger.arm(CARD, "a person", 1.0)
        house.memory._write()
        assert store.behind
        await store._idle.wait()
        assert not store.behind


async def test_a_row_that_cannot_be_read_is_told_and_takes_nothing_with_it(state: Path) -> None:
    async with remembered(state) as house:
        house.boots(CARD, "7XK2B32")
    with closing(sqlite3.connect(state)) as other, other:
        other.execute("INSERT INTO records VALUES ('x', 'no record')")
    async with remembered(state) as house:
        assert [record.serial for record in house.memory.records.all()] == ["7XK2B32"]
        assert any("1 records or boots that cannot be read" in text for text in house.notices())


async def test_nobody_is_armed_by_what_is_remembered_of_machines(state: Path) -> None:
    async with remembered(state) as house:
        house.boots(CARD, "7XK2B32")
        assert house.memory.stage(CARD) is None
        assert house.memory.lives.standing(CARD).state is State.APPROVED
        assert await house.memory.ledger.arm(CARD, "a person", 1.0)
    async with remembered(state) as house:
        assert house.memory.stage(CARD) is Stage.ARMED
        assert house.memory.lives.standing(CARD).state is State.ARMED


async def test_a_state_that_is_no_database_arms_nobody_and_everything_else_goes_on(state: Path) -> None:
    state.write_bytes(b"no database" * 100)
    async with remembered(state) as house:
        house.boots(CARD, "7XK2B32")
        assert house.memory.stage(CARD) is Stage.HELD
        assert not await house.memory.keep((PutRecord(Record("1", (OTHER_CARD,))),))
        assert house.memory.recorded(Facts(mac=CARD)) is not None
    assert state.read_bytes() == b"no database" * 100


async def test_a_soft_serial_of_a_range_is_on_disk_at_the_start_and_stays_the_same(state: Path) -> None:
    known = world(eve(soft_serial="NODE-[0001-0999]"), machines=(machine("edge"),))
    for _ in range(2):
        async with remembered(state, known) as house:
            record = house.memory.recorded(Facts(mac=CARD))
            assert record is not None
            assert (record.soft_serial, record.soft_serial_by) == ("NODE-0001", "profile edge")
    with closing(sqlite3.connect(state)) as other:
        ((body,),) = other.execute("SELECT body FROM records").fetchall()
    assert "NODE-0001" in body


async def test_no_number_is_given_away_while_nothing_can_be_written(state: Path) -> None:
    state.write_bytes(b"no database" * 100)
    known = world(eve(soft_serial="NODE-[0001-0999]"), machines=(machine("edge"),))
    async with remembered(state, known) as house:
        record = house.memory.recorded(Facts(mac=CARD))
        assert record is not None
        assert record.soft_serial is None


BOARD = Facts(uuid=UUID(int=0x1234567890ABCDEF1234567890ABCDEF), serial="7XK2B32")
OTHER_BOARD = Facts(uuid=UUID(int=0x2234567890ABCDEF1234567890ABCDEF), serial="9ZZ1C44")
STRANGERS = world(linux(boots=ONCE, auto=True), unknown="rescue")
FIRST, SECOND, THIRD = (Mac.parse(f"52:54:00:00:00:0{n}") for n in range(1, 4))


class TestCards:
    """Of machines that only their records know."""

    async def test_what_is_armed_by_one_card_is_armed_by_the_other(self, state: Path) -> None:
        async with remembered(state, STRANGERS) as house:
            house.shows(FIRST, BOARD)
            house.shows(SECOND, BOARD)
            assert await house.memory.ledger.arm(SECOND, "a person", 1.0)
            assert [house.memory.stage(mac) for mac in (FIRST, SECOND)] == [Stage.ARMED, Stage.ARMED]
            assert house.memory.ledger.given(FIRST, "its last file", 2.0)
        async with remembered(state, STRANGERS) as house:
            assert [house.memory.stage(mac) for mac in (FIRST, SECOND)] == [Stage.GIVEN, Stage.GIVEN]

    async def test_what_one_card_was_given_before_another_was_seen_counts_when_it_asks(self, state: Path) -> None:
        """Before its script is made: an installer that arms by itself would wipe it again by its second card."""
        async with remembered(state, STRANGERS) as house:
            house.shows(FIRST, BOARD)
            assert await house.memory.ledger.arm(FIRST, "a person", 1.0)
            assert house.memory.ledger.given(FIRST, "its last file", 2.0)
            house.directory.told(replace(BOARD, mac=SECOND))
            assert house.memory.stage(SECOND) is Stage.GIVEN

    async def test_an_adapter_that_goes_to_another_machine_takes_no_arming_along(self, state: Path) -> None:
        async with remembered(state, STRANGERS) as house:
            house.shows(FIRST, BOARD)
            house.shows(THIRD, BOARD)
            assert await house.memory.ledger.arm(FIRST, "a person", 1.0)
            house.directory.told(replace(OTHER_BOARD, mac=THIRD))
            assert house.memory.stage(THIRD) is Stage.DISARMED
            house.shows(THIRD, OTHER_BOARD)
            assert house.memory.stage(THIRD) is Stage.DISARMED
            assert house.memory.stage(FIRST) is Stage.ARMED

    async def test_one_that_nobody_can_tell_from_another_is_armed_by_a_person_alone(self, state: Path) -> None:
        async with remembered(state, STRANGERS) as house:
            house.memory.records.learn(Record("1", (FIRST, THIRD), name="one", uuid=BOARD.uuid, serial=BOARD.serial))
            other = Record("2", (SECOND, THIRD), name="two", uuid=OTHER_BOARD.uuid, serial=OTHER_BOARD.serial)
            house.memory.records.learn(other)
            assert house.memory.stage(THIRD) is Stage.DISARMED
            assert house.memory.stage(Mac.parse("52:54:00:00:00:09")) is None


async def test_a_machine_that_is_listed_by_its_serial_number_is_approved_and_not_armed(state: Path) -> None:
    known = world(linux(boots=ONCE), machines=(replace(machine("rescue"), macs=(), serial="7XK2B32"),))
    async with remembered(state, known) as house:
        house.boots(CARD, "7XK2B32")
        assert house.memory.lives.standing(CARD).state is State.APPROVED
        assert house.memory.stage(CARD) is None


async def test_unknown_register_lists_a_machine_that_was_met_with_silence(state: Path) -> None:
    async with remembered(state, world(unknown="register")) as house:
        house.hub(DhcpSilent(mac=str(CARD), ip="", reason="BOOT_LOCAL", detail="unknown: register"))
        house.hub(DhcpSilent(mac=str(OTHER_CARD), ip="", reason="UNKNOWN_MACHINE"))
        assert [record.macs for record in house.memory.records.all()] == [(CARD,)]
        assert house.memory.lives.standing(CARD).state is State.DISCOVERED
        assert house.memory.stage(CARD) is None


TOKEN = "t" * 32
FILE = "artifacts/rescue/vmlinuz"


async def installs(house: Remembered) -> Caller:
    """A machine is armed and has its script, with a token in it."""
    assert await house.memory.ledger.arm(CARD, "a person", 1.0)
    written = house.memory.ledger.handed(CARD, IP, FILE, 2.0)
    house.memory.tokens.grant(TOKEN, CARD, (), installs=True, recipe=Recipe(Facts(mac=CARD)))
    assert await written
    caller = house.memory.tokens.caller(TOKEN)
    assert caller is not None
    return caller


async def test_an_installation_is_followed_on_whose_boot_was_not_written_in_time(tmp_path: Path) -> None:
    """The power went less than a second after its script."""
    state, cut = tmp_path / "state.db", tmp_path / "cut.db"
    async with remembered(state) as house:
        assert await house.memory.ledger.arm(CARD, "a person", 1.0)
        assert await house.memory.ledger.handed(CARD, IP, FILE, 2.0)
        with closing(sqlite3.connect(state)) as here, closing(sqlite3.connect(cut)) as there:
            here.backup(there)
    async with remembered(cut) as house:
        assert house.memory.lives.standing(CARD).state is State.INSTALLING
        assert house.directory.mac_of(IP) == CARD


async def test_a_token_is_on_disk_with_the_script_that_was_handed_out(state: Path) -> None:
    async with remembered(state) as house:
        caller = await installs(house)
        with closing(sqlite3.connect(state)) as other:
            assert len(other.execute("SELECT * FROM tokens").fetchall()) == 1
            assert TOKEN not in "\n".join(other.iterdump())
    async with remembered(state) as house:
        assert house.memory.tokens.caller(TOKEN) == caller
        assert house.memory.tokens.unmade(TOKEN) == Unmade(CARD, Recipe(Facts(mac=CARD)))
        assert await house.memory.lookup("another" * 5)


@pytest.mark.parametrize("done", [True, False])
async def test_how_an_installation_went_is_on_disk_when_that_is_answered(state: Path, done: bool) -> None:
    async with remembered(state) as house:
        house.boots(CARD, "7XK2B32")
        caller = await installs(house)
        assert await house.memory.ended(caller, done, "as told") is Heard.TAKEN
        with closing(sqlite3.connect(state)) as other:
            assert "as told" in "\n".join(other.iterdump())
    async with remembered(state) as house:
        standing = house.memory.lives.standing(CARD)
        assert standing.state is (State.INSTALLED if done else State.FAILED)
        assert "as told" in standing.why
        assert house.memory.stage(CARD) is Stage.GIVEN
        assert house.memory.tokens.caller(TOKEN) == caller, "it may say so again"
        assert await house.memory.ended(caller, done, "as told") is Heard.TAKEN
        assert await house.memory.ended(caller, not done, "as told") is Heard.REFUSED
        assert await house.memory.ended(replace(caller, generation=7), done, "") is Heard.REFUSED
        assert await house.memory.ended(Caller(OTHER_CARD, 1), done, "") is Heard.REFUSED


async def test_a_call_that_cannot_be_written_is_to_be_made_again(state: Path) -> None:
    async with remembered(state) as house:
        house.boots(CARD, "7XK2B32")
        caller = await installs(house)
        with closing(sqlite3.connect(state, isolation_level=None)) as other:
            other.execute("ALTER TABLE netbootd_schema RENAME TO away")
            assert await house.memory.ended(caller, True, "") is Heard.NOT_WRITTEN
            other.execute("ALTER TABLE away RENAME TO netbootd_schema")
        while await house.memory.ended(caller, True, "") is Heard.NOT_WRITTEN:
            await asyncio.sleep(0.01)
    async with remembered(state) as house:
        assert house.memory.lives.standing(CARD).state is State.INSTALLED


async def test_what_a_machine_said_of_itself_is_known_after_a_restart(state: Path) -> None:
    """But for addresses, which may be somebody else's by now."""
    said = Facts(CARD, UUID(int=7), "7XK2B32", None, "ACME", "X1", "x86_64", "efi", IP, version="1.21.1")
    async with remembered(state) as house:
        house.directory.told(said)
        house.boots(CARD, "7XK2B32")
    async with remembered(state) as house:
        assert house.directory.known(CARD) == replace(said, ip=None)
        assert house.directory.known(OTHER_CARD) == Facts(mac=OTHER_CARD)
