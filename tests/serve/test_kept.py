"""What is kept of machines is what would be found out anew, whatever happened since."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import TypeVar
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from netbootd.boot.facts import Facts
from netbootd.chain.world import World
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.behind import Behind
from netbootd.fleet.changes import Entry, Handing, Keeper, Known
from netbootd.fleet.family import family
from netbootd.fleet.happening import Happening
from netbootd.fleet.identity import Match
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Limits, Stage
from netbootd.fleet.limits import limits_of
from netbootd.fleet.merged import machine_of
from netbootd.fleet.record import Approval, Ending, Reached, Record, Signal
from netbootd.fleet.records import NoRoom, Records, Taken
from netbootd.fleet.rules import Condition, Rule
from netbootd.fleet.snapshot import Snapshot
from netbootd.serve.admin.roster import Roster, Seat
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.stream import Stream
from netbootd.serve.admin.view import View
from netbootd.serve.kept import Kept, Traces
from netbootd.serve.lives import Lives
from netbootd.wire.mac import Mac
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import ALWAYS, FIRMWARE, ONCE, args, eve, linux, machine, templates

T = TypeVar("T")

CARDS = tuple(Mac.parse(f"52:54:00:00:01:0{number}") for number in range(5))
FIRST, SECOND = CARDS[:2]
UUIDS = (UUID("4c4c4544-0042-3510-8052-b4c04f4a3731"), UUID("4c4c4544-0042-3510-8052-b4c04f4a3732"))
SERIALS = ("J7K3Q12", "J7K3Q13")
PROFILES = (eve("edge"), linux("auto", boots=ONCE, auto=True), linux("rescue", boots=ALWAYS, soft_serial=None))
RULES = (Rule((Condition("serial", "*12"),), "auto", origin="machines.yaml:9"),)
FLEETS = (
    Snapshot(PROFILES, unknown="register"),
    Snapshot(PROFILES, [machine("edge", "node-1", FIRST)], RULES, "register"),
    Snapshot(PROFILES, [replace(machine("auto", "node-1"), macs=(FIRST, SECOND))], (), "rescue"),
    Snapshot(PROFILES, [replace(machine("edge", "node-1"), macs=(), uuid=UUIDS[0])], RULES, "edge"),
    Snapshot(
        PROFILES,
        [
            replace(machine("edge", "node-1"), macs=(FIRST,), serial=SERIALS[0]),
            replace(machine(None, "node-2"), macs=(), serial=SERIALS[1], soft_serial="{{ machine.serial }}-x"),
        ],
        (),
        "register",
    ),
)

cards, fleets = st.sampled_from(CARDS), st.sampled_from(FLEETS)
uuids, serials = st.none() | st.sampled_from(UUIDS), st.none() | st.sampled_from(SERIALS)


class Place:
    """What a daemon remembers, looked at with traces and without."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.told: dict[Mac, Facts] = {}
        self.load(FLEETS[0])
        ids = count(1)
        self.records = Records(new_id=lambda: f"r{next(ids)}", kept=self._kept, family=self._listed, room=6)
        self.journal = SlowJournal(Disk(), at_once=True)
        self.ledger = Ledger(self.journal, family=self._cards, wall=lambda: self.now, room=5)
        self.attempts = Attempts(new_id=lambda: f"b{next(ids)}", owner=self.records.owner)
        self.traces = Traces(lambda: self.world, self.records, self.ledger, self.attempts, self.known)
        self.kept, self.anew = self._lives(keeps=True), self._lives(keeps=False)
        self.services, self.plain = self._services(self.kept, keeps=True), self._services(self.anew, keeps=False)

    def load(self, fleet: Snapshot) -> None:
        """As a reload does: a world of its own, also where nothing in it is another."""
        self.world = World(fleet, FIRMWARE, templates(), known=self.known, recorded=self.recorded)

    def known(self, mac: Mac) -> Facts:
        return self.told.get(mac) or Facts(mac=mac)

    def recorded(self, facts: Facts) -> Record | None:
        found = self.records.identify(facts)
        return self.records.get(found.id) if isinstance(found, Match) else None

    def _lives(self, *, keeps: bool) -> Lives:
        def limits(mac: Mac) -> Limits:
            assignment = self.world.assignment(self.known(mac))
            return limits_of(assignment.profile, assignment.machine)

        def auto(mac: Mac) -> bool:
            profile = self.world.assignment(self.known(mac)).profile
            return profile is not None and profile.auto

        return Lives(
            self.ledger,
            self.records,
            self.attempts,
            Behind(),
            lambda _event: None,
            known=self.known,
            limits=limits,
            listed=lambda mac: self.world.fleet.named(self.known(mac)) is not None,
            auto=auto,
            wall=lambda: self.now,
            trace=self.traces.of if keeps else lambda _mac: object(),
        )

    def _services(self, lives: Lives, *, keeps: bool) -> ApiServices:
        async def keep(_changes: object) -> object:
            raise AssertionError("nobody is changed by looking")

        return ApiServices(
            ledger=self.ledger,
            records=self.records,
            attempts=self.attempts,
            world=lambda: self.world,
            standing=lives.standing,
            boots=lives.boots,
            known=self.known,
            keep=keep,  # type: ignore[arg-type]
            emit=lambda _event: None,
            stream=Stream("run", lambda: self.now),
            trace=self.traces.of if keeps else lambda _mac: object(),
        )

    def _kept(self, record: Record) -> bool:
        return machine_of(self.world.fleet, record) is not None

    def _listed(self, mac: Mac) -> tuple[Mac, ...]:
        found = self.world.fleet.machine(mac)
        return found.macs if found else (mac,)

    def _cards(self, mac: Mac) -> tuple[Mac, ...]:
        return family(self.known(mac), self.world.fleet, self.records)


async def _made() -> Place:
    return Place()


class AnyChange(RuleBasedStateMachine):
    """Whatever may make another of a machine, in any order, and each is looked at after each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.place = self.run(_made())
        self.roster = Roster(self.place.services)

    def run(self, work: Awaitable[T]) -> T:
        async def task() -> T:
            return await work

        return self.loop.run_until_complete(task())

    def teardown(self) -> None:
        self.loop.close()

    @rule(mac=cards, uuid=uuids, serial=serials, ipxe=st.booleans())
    def a_machine_shows_up(self, mac: Mac, uuid: UUID | None, serial: str | None, ipxe: bool) -> None:
        facts = Facts(mac=mac, uuid=uuid, serial=serial)
        if ipxe:
            self.place.told[mac] = facts.over(self.place.known(mac))
        self.place.records.saw(self.place.known(mac) if ipxe else facts, "192.0.2.9", self.place.now)

    @rule(mac=cards, serial=serials)
    def it_says_more_of_itself(self, mac: Mac, serial: str | None) -> None:
        """And is not on record for it, as where there is no room for it, or records conflict."""
        self.place.told[mac] = Facts(mac=mac, serial=serial).over(self.place.known(mac))

    @rule(mac=cards)
    def what_it_said_is_forgotten(self, mac: Mac) -> None:
        """There is room for so many."""
        self.place.told.pop(mac, None)

    @rule(data=st.data(), profile=st.sampled_from([None, "edge", "auto", "gone"]), what=st.integers(0, 4))
    def somebody_sets_something(self, data: st.DataObject, profile: str | None, what: int) -> None:
        if (record := self._record(data)) is None:
            return
        now = self.place.now
        changed = (
            replace(record, profile=profile),
            replace(record, approved=None if record.approved else Approval("ada", now)),
            replace(record, name=None if record.name else "node-9", args=args("ada", quiet=True)),
            replace(record, soft_serial=None if record.soft_serial else "SOFT-1"),
            replace(record, ending=Ending(1, done=profile is None, at=now, signal=Signal.TOLD)),
        )
        with suppress(Taken):
            self.place.records.change(changed[what])

    @rule(data=st.data())
    def a_record_is_forgotten(self, data: st.DataObject) -> None:
        if record := self._record(data):
            self.place.records.forget(record.id)
            self.place.attempts.forget(record.id)

    @rule(macs=st.lists(cards, max_size=2, unique=True), uuid=uuids, serial=serials, id=st.sampled_from("xy"))
    def another_daemon_writes_a_record(self, macs: list[Mac], uuid: UUID | None, serial: str | None, id: str) -> None:
        """Also one that conflicts with others."""
        self.place.records.learn(Record(id, tuple(macs), uuid, serial, name=id, origin="bob"))

    @rule(mac=cards, serial=serials)
    def somebody_makes_a_machine(self, mac: Mac, serial: str | None) -> None:
        with suppress(Taken, NoRoom):
            self.place.records.create(Record("", (mac,), serial=serial, origin="ada"))

    @rule(mac=cards, arms=st.booleans())
    def somebody_orders_something(self, mac: Mac, arms: bool) -> None:
        ledger = self.place.ledger
        assert self.run((ledger.arm if arms else ledger.disarm)(mac, "ada", self.place.now)) in (True, False)

    @rule(mac=cards)
    def it_is_given_its_payload(self, mac: Mac) -> None:
        self.place.ledger.given(mac, "its last file", self.place.now)

    @rule(mac=cards, stage=st.sampled_from([None, Stage.ARMED, Stage.GIVEN]), begun=st.booleans())
    def another_daemon_is_heard_of(self, mac: Mac, stage: Stage | None, begun: bool) -> None:
        entries = (Entry(mac, stage, self.place.now, "bob", 3),) if stage else ()
        handings = (Handing(mac, "192.0.2.9", "initrd", begun=True, keeper=Keeper.ANOTHER),) if begun else ()
        self.place.ledger.learn(Known(entries, handings), {mac})

    @rule(durable=st.booleans())
    def the_state_goes_or_comes_back(self, durable: bool) -> None:
        self.place.journal.durable = durable

    @rule(mac=cards, stage=st.sampled_from(list(Reached)), generation=st.integers(0, 2))
    def something_happens_in_its_boot(self, mac: Mac, stage: Reached, generation: int) -> None:
        what = Happening(stage, self.place.now, mac, "192.0.2.9", generation=generation)
        self.place.attempts.happened(what)

    @rule(fleet=fleets)
    def the_files_are_read_anew(self, fleet: Snapshot) -> None:
        self.place.load(fleet)

    @rule(seconds=st.sampled_from([1.0, 61.0, 400.0, 2000.0, 8000.0, -900.0]))
    def time_passes(self, seconds: float) -> None:
        """Or a clock is put right."""
        self.place.now += seconds

    @rule()
    def it_is_looked_what_became_of_them(self) -> None:
        self.place.kept.look()

    def _record(self, data: st.DataObject) -> Record | None:
        found = self.place.records.all()
        return data.draw(st.sampled_from(found)) if found else None

    @invariant()
    def what_is_kept_is_what_is_found_anew(self) -> None:
        place = self.place
        for mac in CARDS:
            assert place.kept.standing(mac) == place.anew.standing(mac)
        kept, anew = View(place.services), View(place.plain)
        for seat in self.run(self._seats()):
            assert kept.profile(seat) == anew.profile(seat)
            assert kept.row(seat) == anew.row(seat)

    async def _seats(self) -> list[Seat]:
        """The same as of a roster that has never looked before."""
        found = [seat async for seat in self.roster.all()]
        assert found == [seat async for seat in Roster(self.place.services).all()]
        return [*found, *(self.roster.of_card(mac) for mac in CARDS)]


TestAnyChange = AnyChange.TestCase
TestAnyChange.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_while_nothing_is_another_a_trace_is_the_very_same() -> None:
    place = Place()
    place.records.saw(Facts(mac=FIRST), "192.0.2.9", place.now)
    trace = place.traces.of(FIRST)
    place.records.saw(Facts(mac=SECOND), "192.0.2.10", place.now)
    assert place.traces.of(FIRST) is trace
    place.records.saw(Facts(mac=FIRST, serial="J7K3Q12"), "192.0.2.9", place.now)
    assert place.traces.of(FIRST) is not trace


def test_what_was_made_is_made_again_with_another_trace_alone() -> None:
    kept, made = Kept[str, int](), count(1)
    assert [kept.of("a", trace, lambda: next(made)) for trace in ("x", "x", "y", "x")] == [1, 1, 2, 3]


def test_what_does_not_last_is_made_each_time() -> None:
    kept, made = Kept[str, int](lambda value: value > 2), count(1)
    assert [kept.of("a", "x", lambda: next(made)) for _ in range(5)] == [1, 2, 3, 3, 3]


def test_there_is_room_for_so_many() -> None:
    kept, made = Kept[str, int](room=2), count(1)
    assert [kept.of(key, "x", lambda: next(made)) for key in "abca"] == [1, 2, 3, 4]
