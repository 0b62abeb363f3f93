"""The next of a range: once for each machine of ours, on disk before anybody is shown it, and none twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import count

import pytest

from netbootd.boot.facts import Facts
from netbootd.chain.world import World
from netbootd.fleet.changes import Written
from netbootd.fleet.identity import Match
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.record import Approval, PutRecord, Record, RecordChange
from netbootd.fleet.records import Records
from netbootd.fleet.snapshot import Snapshot
from netbootd.serve.serials import SoftSerials
from netbootd.wire.mac import Mac
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import FIRMWARE, args, eve, machine, templates

A, B, C, D = (Mac.parse(f"52:54:00:00:00:0{n}") for n in range(1, 5))
RANGE = "NODE-[01-03]"


@dataclass
class House:
    """Records, a disk that takes what it is given, and what was told."""

    fleet: Snapshot
    disk: dict[str, Record] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    answers: list[Written] = field(default_factory=list)
    shown_meanwhile: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        ids = count(1)
        self.records = Records(new_id=lambda: f"id-{next(ids)}")
        self.ledger = Ledger(SlowJournal(Disk(), at_once=True))
        self.serials = SoftSerials(lambda: self.world, self.records, self.ledger, self.keep, tell=self.told.append)
        self.world = self.made(self.fleet)

    def made(self, fleet: Snapshot) -> World:
        return World(fleet, FIRMWARE, templates(), recorded=self.recorded, rival=self.serials.rival)

    def recorded(self, facts: Facts) -> Record | None:
        found = self.records.identify(facts)
        return self.serials.shown(self.records.get(found.id)) if isinstance(found, Match) else None

    async def keep(self, changes: tuple[RecordChange, ...]) -> Written:
        """The disk takes a moment, in which somebody asks what the machine's number is."""
        for change in changes:
            if isinstance(change, PutRecord) and change.record.soft_serial:
                shown = self.recorded(Facts(mac=change.record.macs[0]))
                self.shown_meanwhile.append(shown.soft_serial if shown else None)
        await asyncio.sleep(0)
        written = self.answers.pop(0) if self.answers else Written.YES
        if written:
            self.disk |= {each.record.id: each.record for each in changes if isinstance(each, PutRecord)}
        return written

    def numbers(self) -> dict[str, str | None]:
        return {str(record.macs[0])[-1]: record.soft_serial for record in self.disk.values()}


def house(soft_serial: str = RANGE, *cards: Mac, **keys: object) -> House:
    listed = [machine("edge", f"node-{n}", mac, **keys) for n, mac in enumerate(cards, 1)]
    return House(Snapshot([eve(soft_serial=soft_serial)], listed))


async def test_listed_machines_have_theirs_before_they_are_ever_switched_on() -> None:
    own = house(RANGE, A, B)
    await own.serials.settle()
    assert own.numbers() == {"1": "NODE-01", "2": "NODE-02"}
    assert [record.soft_serial_by for record in own.disk.values()] == ["profile edge", "profile edge"]
    await own.serials.settle()
    assert own.numbers() == {"1": "NODE-01", "2": "NODE-02"}


async def test_nobody_is_shown_a_number_that_is_not_on_disk() -> None:
    own = house(RANGE, A)
    own.answers = [Written.NO, Written.YES]
    await own.serials.settle()
    assert (own.numbers(), own.shown_meanwhile) == ({}, [None])
    assert own.world.assignment(Facts(mac=A)).soft_serial.text == ""  # type: ignore[union-attr]
    await own.serials.settle()
    assert (own.numbers(), own.shown_meanwhile) == ({"1": "NODE-01"}, [None, None])
    assert own.world.assignment(Facts(mac=A)).soft_serial.text == "NODE-01"  # type: ignore[union-attr]


async def test_a_number_that_another_daemon_took_is_left_to_it() -> None:
    own = house(RANGE, A)
    own.answers = [Written.REFUSED, Written.YES]
    await own.serials.settle()
    assert own.numbers() == {"1": "NODE-02"}


async def test_no_number_goes_to_a_stranger_and_one_to_whoever_is_approved_or_armed() -> None:
    fleet = Snapshot([eve(soft_serial=RANGE)], unknown="edge")
    own = House(fleet)
    for id, mac in (("a", A), ("b", B), ("c", C)):
        own.records.learn(Record(id, (mac,), approved=Approval("ada", 1.0) if mac is B else None))
    assert await own.ledger.arm(C, "ada", 1.0)
    await own.serials.settle()
    assert own.numbers() == {"2": "NODE-01", "3": "NODE-02"}


async def test_of_strangers_the_ledger_is_asked_nothing_however_many_are_on_record() -> None:
    """Anybody makes them up, 20000 of them; a question for each of them held all packets up for seconds."""
    asked: list[Mac] = []
    own = House(Snapshot([eve(soft_serial=RANGE)], unknown="edge"))
    own.ledger._family = lambda mac: asked.append(mac) or (mac,)  # type: ignore[func-returns-value]
    for number in range(100):
        own.records.learn(Record(f"{number}", (Mac(bytes((2, 0, 0, 0, 0, number))),)))
    own.records.learn(Record("c", (C,)))
    assert await own.ledger.arm(C, "ada", 1.0)
    asked.clear()
    await own.serials.settle()
    assert own.numbers() == {"3": "NODE-01"}
    assert own.serials.rival("NODE-01", Facts(mac=A), None) == str(C)
    assert set(asked) <= {C}


async def test_numbers_that_files_and_the_api_gave_away_are_not_given_again() -> None:
    fleet = Snapshot(
        [eve(soft_serial=RANGE)],
        [
            machine("edge", "node-1", A, soft_serial="NODE-01"),
            replace(machine("edge", "node-2", B), args=args("machine node-2", eve_soft_serial="node-02")),
            machine("edge", "node-3", C),
        ],
    )
    own = House(fleet)
    await own.serials.settle()
    assert own.numbers() == {"3": "NODE-03"}


async def test_a_range_that_is_through_is_told_with_who_waits() -> None:
    own = house(RANGE, A, B, C, D)
    await own.serials.settle()
    assert sorted(filter(None, own.numbers().values())) == ["NODE-01", "NODE-02", "NODE-03"]
    assert own.told == [f"{D} (profile edge): all soft serials of NODE-[01-03] are in use"]


async def test_a_machine_that_asks_twice_at_once_has_one() -> None:
    own = house(RANGE, A)
    both = await asyncio.gather(*(own.serials.assign(Facts(mac=A)) for _ in range(2)))
    assert (both, own.numbers()) == ([True, True], {"1": "NODE-01"})
    assert not await own.serials.assign(Facts(mac=A))


async def test_two_that_a_template_makes_one_are_told_with_both_owners_and_neither_is_free() -> None:
    own = house("{{ machine.asset }}", A)
    own.records.learn(Record("a", (A,), asset="SN-1"))
    own.records.learn(Record("x", (B,), asset="sn-1", name="other", profile="edge", origin="ada"))
    await own.serials.settle()
    assert own.told == [
        "the soft serial sn-1 of other already belongs to node-1 of machines.yaml:1: neither is installed with it"
    ]
    assert own.serials.rival("SN-1", Facts(mac=A), own.fleet.machines[0]) == "other"
    assert own.serials.rival("SN-1", Facts(mac=B), None) == "node-1 of machines.yaml:1"
    await own.serials.settle()
    assert len(own.told) == 1


@pytest.mark.parametrize("known", [True, False])
async def test_a_stranger_s_claim_stops_nobody(known: bool) -> None:
    """Anybody can say that it has this asset tag."""
    own = house("{{ machine.asset }}", A)
    own.world = own.made(Snapshot(own.fleet.profiles.values(), own.fleet.machines, unknown="edge"))
    own.records.learn(Record("x", (B,), asset="SN-1", name="ours" if known else None))
    assert bool(own.serials.rival("SN-1", Facts(mac=A), own.fleet.machines[0])) is known
