"""What others did to records and boots is taken in: two daemons, and a database of one table each between them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine

from netbootd.boot.facts import Facts
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.behind import Behind
from netbootd.fleet.changes import NOBODY, Refused, ids
from netbootd.fleet.happening import Happening
from netbootd.fleet.history import HISTORY, apply_history, read_history
from netbootd.fleet.record import DropRecord, PutAttempt, PutRecord, Reached, Record, RecordChange
from netbootd.fleet.records import Records, Taken
from netbootd.fleet.sharing import Sharing
from netbootd.wire.mac import Mac
from tests.support.worlds import CARD, OTHER_CARD


class Disk:
    """A database, and what each daemon has not heard of yet."""

    def __init__(self) -> None:
        self.engine = create_engine("sqlite://")
        self.connection: Connection = self.engine.connect()
        HISTORY.create_all(self.connection)
        self.daemons: list[Daemon] = []
        self.ids = count(1)

    def start(self) -> Daemon:
        self.daemons.append(Daemon(self))
        return self.daemons[-1]

    def write(self, by: Daemon, changes: tuple[RecordChange, ...]) -> bool:
        """All or nothing, as a store's job."""
        about = ids(changes)
        try:
            with self.connection.begin_nested():
                by.unheard |= apply_history(self.connection, changes)
        except Refused:
            by.unheard |= about
            return False
        for each in self.daemons:
            if each is not by:
                each.unheard |= about
        return True

    def records(self) -> dict[str, Record]:
        return {record.id: record for record in read_history(self.connection, 100).records}

    def close(self) -> None:
        self.connection.close()
        self.engine.dispose()


class Daemon:
    """What one has in memory."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.unheard = NOBODY
        self.told: list[tuple[Record | None, Record | None]] = []
        found = read_history(disk.connection, 100)
        self.records = Records(found.records, new_id=lambda: f"made-{next(disk.ids)}")
        self.attempts = Attempts(found.attempts, new_id=lambda: f"b{next(disk.ids)}", owner=self.records.owner)
        self.behind = Behind({each.id: each for each in found.records}, {each.id: each for each in found.attempts})
        tell = lambda before, now: self.told.append((before, now))  # noqa: E731
        self.sharing = Sharing(self.records, self.attempts, self.behind, tell)

    def saw(self, mac: Mac, now: float, **said: object) -> None:
        facts = Facts(mac=mac, **said)  # type: ignore[arg-type]
        self.behind.add(self.records.saw(facts, "", now))

    def boots(self, mac: Mac, at: float, stage: Reached = Reached.FIRMWARE) -> None:
        self.attempts.happened(Happening(stage, at, mac))

    def write(self) -> None:
        """Behind."""
        self.behind.add(self.attempts.take())
        while changes := self.behind.take():
            self.disk.write(self, changes)

    def keep(self, changes: tuple[RecordChange, ...]) -> bool:
        """For somebody who waits."""
        self.behind.add(changes)
        return self.disk.write(self, self.behind.pick(changes))

    def hear(self) -> None:
        about, self.unheard = self.unheard, NOBODY
        found = read_history(self.disk.connection, 100, about)
        asyncio.run(self.sharing.learn(found, about, lambda: NOBODY))

    def hear_all(self) -> None:
        """As after its connection was cut."""
        self.unheard = NOBODY
        asyncio.run(self.sharing.learn(read_history(self.disk.connection, 100), None, lambda: NOBODY))

    def named(self, id: str, name: str | None) -> bool | None:
        """None: it was not even tried."""
        record = self.records.get(id)
        try:
            return self.keep(self.records.change(replace(record, name=name))) if record else None
        except Taken:
            return None

    def all(self) -> dict[str, Record]:
        return {record.id: record for record in self.records.all()}


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.close()


@pytest.fixture
def two(disk: Disk) -> tuple[Daemon, Daemon]:
    return disk.start(), disk.start()


def test_who_showed_up_here_is_known_there(two: tuple[Daemon, Daemon]) -> None:
    one, other = two
    one.saw(CARD, 1.0, serial="SN-1")
    one.boots(CARD, 1.0)
    one.write()
    other.hear()
    assert other.all() == one.all() != {}
    (record,) = other.records.all()
    assert other.attempts.of(record.id) == one.attempts.of(record.id) != ()
    assert len(other.behind) == 0, "what was learned is not written once more"


def test_who_is_forgotten_here_is_forgotten_there_with_what_waited(two: tuple[Daemon, Daemon]) -> None:
    one, other = two
    one.saw(CARD, 1.0)
    one.boots(CARD, 1.0)
    one.write()
    other.hear()
    other.saw(CARD, 500.0)
    assert one.keep(one.records.forget("mac-525400123456"))
    other.hear()
    other.write()
    assert other.all() == other.disk.records() == {}
    assert len(other.attempts) == 0
    assert other.told[-1][1] is None


def test_of_two_who_set_one_field_the_second_is_refused_and_learns_why(two: tuple[Daemon, Daemon]) -> None:
    one, other = two
    one.saw(CARD, 1.0)
    one.write()
    other.hear()
    (id,) = one.all()
    assert one.named(id, "node-1")
    assert other.named(id, "node-2") is False
    other.hear()
    assert other.all() == one.all() == one.disk.records()
    assert one.all()[id].name == "node-1"


def test_what_one_saw_and_what_one_set_is_kept(two: tuple[Daemon, Daemon]) -> None:
    one, other = two
    one.saw(CARD, 1.0)
    one.write()
    other.hear()
    (id,) = one.all()
    other.saw(CARD, 500.0, serial="SN-1")
    assert one.named(id, "node-1")
    other.write()
    for daemon in two:
        daemon.hear()
    record = one.all()[id]
    assert (record.name, record.serial, record.last_seen) == ("node-1", "SN-1", 500.0)
    assert other.all() == one.all() == one.disk.records()


def test_of_two_who_make_one_machine_the_second_is_refused_and_told_of_the_first(two: tuple[Daemon, Daemon]) -> None:
    one, other = two
    draft = Record("", (CARD,), name="node-1", origin="admin")
    assert one.keep(one.records.create(draft))
    assert not other.keep(other.records.create(replace(draft, name="node-2")))
    other.hear()
    assert other.all() == one.all()
    with pytest.raises(Taken, match="of node-2 already belongs to node-1"):
        other.records.create(replace(draft, name="node-2"))


@pytest.mark.parametrize("field", ["name", "soft_serial"])
def test_a_word_is_given_to_one_machine_alone(two: tuple[Daemon, Daemon], field: str) -> None:
    one, other = two
    assert one.keep(one.records.create(Record("", (CARD,), origin="x", **{field: "edge-1"})))  # type: ignore[arg-type]
    assert not other.keep(
        other.records.create(Record("", (OTHER_CARD,), origin="x", **{field: "EDGE-1"}))  # type: ignore[arg-type]
    )


def test_a_word_that_was_given_away_meanwhile_is_not_written_behind(two: tuple[Daemon, Daemon]) -> None:
    """It was said to be not on disk; nothing else of the record is lost."""
    one, other = two
    other.saw(OTHER_CARD, 1.0)
    (id,) = other.all()
    other.behind.add(other.records.change(replace(other.all()[id], soft_serial="EDGE-1")))
    assert one.keep(one.records.create(Record("", (CARD,), soft_serial="EDGE-1", origin="x")))
    other.write()
    for daemon in two:
        daemon.hear()
    assert other.all() == one.all() == one.disk.records()
    assert one.all()[id].soft_serial is None
    assert one.all()[id].last_seen == 1.0


def test_one_machine_that_shows_up_at_both_is_one_record_and_one_boot(two: tuple[Daemon, Daemon]) -> None:
    one, other = two
    for daemon, at in ((one, 1.0), (other, 1.01)):
        daemon.saw(CARD, at)
        daemon.boots(CARD, at)
    other.boots(CARD, 5.0, Reached.SCRIPT)
    for _ in range(3):
        for daemon in two:
            daemon.write()
            daemon.hear()
    assert one.all() == other.all() == one.disk.records()
    (boot,) = read_history(one.disk.connection, 10).attempts
    assert one.attempts.of(boot.record) == other.attempts.of(boot.record) == (boot,)
    assert [step.stage for step in boot.steps] == [Reached.FIRMWARE, Reached.SCRIPT]


def test_a_machine_that_goes_on_with_another_daemon_is_in_one_boot(two: tuple[Daemon, Daemon]) -> None:
    one, other = two
    one.saw(CARD, 1.0)
    one.boots(CARD, 1.0)
    one.write()
    other.hear()
    other.boots(CARD, 3.0, Reached.SCRIPT)
    one.boots(CARD, 4.0)
    for _ in range(2):
        for daemon in two:
            daemon.write()
            daemon.hear()
    (boot,) = read_history(one.disk.connection, 10).attempts
    assert [step.stage for step in boot.steps][:2] == [Reached.FIRMWARE, Reached.SCRIPT]
    assert one.attempts.get(boot.id) == other.attempts.get(boot.id) == boot


def test_what_somebody_named_meanwhile_is_not_dropped_for_want_of_room(two: tuple[Daemon, Daemon]) -> None:
    one, other = two
    one.saw(CARD, 1.0)
    one.write()
    other.hear()
    (id,) = one.all()
    assert one.named(id, "node-1")
    other.behind.add(other.records.forget(id))
    other.write()
    other.hear()
    assert other.all() == one.all() == one.disk.records()
    assert one.all()[id].name == "node-1"


def test_boots_of_a_record_that_became_part_of_another_are_its(two: tuple[Daemon, Daemon]) -> None:
    one, other = two
    one.saw(CARD, 1.0)
    one.boots(CARD, 1.0)
    one.write()
    other.hear()
    changes = one.records.create(Record("", (CARD,), name="node-1", origin="x"))
    assert one.keep(changes)
    (made,) = one.all()
    assert isinstance(changes[0], DropRecord)
    one.attempts.moved(changes[0].id, made)
    one.write()
    other.hear()
    assert [boot.record for boot in other.attempts.of(made)] == [made]
    assert other.attempts.of(made) == one.attempts.of(made)


def test_of_what_waits_in_the_store_nothing_is_learned(two: tuple[Daemon, Daemon]) -> None:
    one, other = two
    one.saw(CARD, 1.0)
    one.boots(CARD, 1.0)
    one.write()
    found, about = read_history(one.disk.connection, 10), other.unheard
    asyncio.run(other.sharing.learn(found, about, lambda: about))
    assert other.all() == {}
    assert len(other.attempts) == 0


ACTS = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from(["saw", "name", "forget", "write", "hear", "all", "create", "boot"]),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=40,
)


@settings(max_examples=200)
@given(ACTS)
def test_whatever_two_daemons_do_both_end_with_what_is_on_disk_and_no_answer_was_a_lie(
    acts: list[tuple[bool, str, int, int]],
) -> None:
    """A name that was said to be on disk is there until somebody who was told so changes it."""
    disk = Disk()
    two, said = (disk.start(), disk.start()), dict[str, str | None]()
    for now, (which, act, a, b) in enumerate(acts):
        _act(two[which], act, a, b, float(now), said)
        held = disk.records()
        assert all(held[id].name == name for id, name in said.items())
    for _ in range(4):
        for daemon in two:
            daemon.write()
            daemon.hear()
    found = read_history(disk.connection, 100)
    assert two[0].all() == two[1].all() == disk.records()
    boots = {boot.id: boot for boot in found.attempts}
    for daemon in two:
        assert {
            boot.id: boot for record in found.records for boot in daemon.attempts.of(record.id)
        }.items() <= boots.items()
    names = [record.name.lower() for record in disk.records().values() if record.name]
    assert len(names) == len(set(names))
    disk.close()


def _act(daemon: Daemon, act: str, a: int, b: int, now: float, said: dict[str, str | None]) -> None:
    card, name = Mac(bytes([2, 0, 0, 0, 0, a])), f"node-{b}"
    here = [record for record in daemon.records.all() if card in record.macs]
    match act:
        case "saw":
            daemon.saw(card, now, **({"serial": f"SN-{b}"} if b else {}))
        case "boot":
            daemon.boots(card, now)
        case "name" if here and here[0].name != name:  # else nothing is written: it was so before whatever others did
            if daemon.named(here[0].id, name):
                said[here[0].id] = name
        case "forget" if here:
            if daemon.keep(daemon.records.forget(here[0].id)):
                said.pop(here[0].id, None)
                daemon.attempts.forget(here[0].id)  # as the API does
        case "create":
            try:
                changes = daemon.records.create(Record("", (card,), name=name, origin="x"))
            except Taken:
                return
            if daemon.keep(changes):
                said.update({each.record.id: name for each in changes if isinstance(each, PutRecord)})
        case "write":
            daemon.write()
        case "hear":
            daemon.hear()
        case "all":
            daemon.hear_all()


def test_nothing_of_a_boot_is_lost_that_two_wrote_at_once(two: tuple[Daemon, Daemon]) -> None:
    one, other = two
    one.saw(CARD, 1.0)
    one.boots(CARD, 1.0)
    one.write()
    other.hear()
    one.boots(CARD, 2.0, Reached.SCRIPT)
    other.boots(CARD, 3.0, Reached.LOCAL)
    for daemon in two:
        daemon.write()
    for daemon in two:
        daemon.hear()
    (boot,) = read_history(one.disk.connection, 10).attempts
    assert [step.stage for step in boot.steps] == [Reached.FIRMWARE, Reached.SCRIPT, Reached.LOCAL]
    assert one.attempts.get(boot.id) == other.attempts.get(boot.id) == boot
    assert PutAttempt(boot) not in one.behind.take()
