"""Machines followed through their lives, by events, the clock and the installer's own word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from itertools import count
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from netbootd.boot.facts import Facts
from netbootd.boot.model import Profile
from netbootd.boot.silence import Reason
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.behind import Behind
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Confidence, Limits, Stage, State, verdict
from netbootd.fleet.record import (
    Attempt,
    DropAttempts,
    DropRecord,
    Ending,
    Outcome,
    PutAttempt,
    PutRecord,
    Reached,
    Record,
    RecordChange,
    Signal,
)
from netbootd.fleet.records import Records
from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DaemonNotice,
    DhcpAnswered,
    DhcpSilent,
    Event,
    MachineChanged,
    ScriptServed,
)
from netbootd.serve.lives import Lives
from netbootd.wire.mac import Mac
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import CARD, ONCE, OTHER_CARD, linux

IP = "192.0.2.77"
LAST = "artifacts/eve/rootfs.img"
LIMITS = Limits(fetching=600.0, installing=3600.0, quiet=60.0)
PROFILE = linux(boots=ONCE)
T = TypeVar("T")


class History:
    """What is on disk of records and boots."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.attempts: dict[str, Attempt] = {}

    def apply(self, changes: tuple[RecordChange, ...]) -> None:
        for change in changes:
            match change:
                case PutRecord(record):
                    self.records[record.id] = record
                case DropRecord(id):
                    del self.records[id]
                case PutAttempt(attempt):
                    self.attempts[attempt.id] = attempt
                case DropAttempts(ids):
                    for id in ids:
                        del self.attempts[id]


class Place:
    """One daemon after another on one disk, with machines that boot there."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.disk, self.history = Disk(), History()
        self.said: list[MachineChanged] = []
        self.facts: dict[Mac, Facts] = {}
        self._ids = count(1)
        self.start()

    def start(self) -> None:
        """Anew, with what is on disk."""
        self.journal = SlowJournal(self.disk, at_once=True)
        self.ledger = Ledger(self.journal, self.disk.known(self.journal.owner), wall=lambda: self.now)
        kept = self.history
        self.records = Records(kept.records.values(), new_id=self.new_id)
        self.attempts = Attempts(kept.attempts.values(), new_id=self.new_id, owner=self.records.owner)
        self.lives = Lives(
            self.ledger,
            self.records,
            self.attempts,
            Behind(kept.records, kept.attempts),
            self.emit,
            known=lambda mac: self.facts.get(mac, Facts(mac=mac)),
            limits=lambda _mac: LIMITS,
            wall=lambda: self.now,
        )
        self.lives.look()

    def new_id(self) -> str:
        return f"id-{next(self._ids)}"

    def emit(self, event: Event) -> None:
        assert isinstance(event, MachineChanged)
        self.said.append(event)

    def write(self) -> None:
        """All that waits."""
        while changes := self.lives.waiting():
            self.history.apply(changes)

    # what machines do

    def offered(self, mac: Mac = CARD) -> None:
        self.lives(
            DhcpAnswered(mac=str(mac), message="DISCOVER", answer="OFFER", client="PXE", file="x", style="", port=67)
        )

    def silent(self, reason: Reason, mac: Mac = CARD) -> None:
        self.lives(DhcpSilent(mac=str(mac), reason=reason.name))

    async def asks(self, mac: Mac = CARD, profile: Profile = PROFILE) -> bool:
        """It boots from the network; True when it has a script that wipes it."""
        if not verdict(profile, self.ledger.stage(mac)).netboot:
            self.silent(Reason.BOOT_LOCAL, mac)
            return False
        self.offered(mac)
        script = ScriptServed(mac=str(mac), ip=IP, script="ipxe.cfg", profile="edge", payload="eve", installs=True)
        handed = self.ledger.handed(mac, IP, LAST, self.now)
        self.lives(script)
        return await handed

    async def may_have_the_last_file(self, mac: Mac = CARD) -> bool:
        for handing in self.ledger.handings_at(IP):
            if handing.mac == mac and not await self.ledger.begin(handing):
                return False
        return True

    def has_the_last_file(self, mac: Mac = CARD) -> None:
        self.lives(ArtifactServed(mac=str(mac), ip=IP, file=LAST, status=200, size=9, sent=9, seconds=1, complete=True))
        if any(handing.mac == mac for handing in self.ledger.handings()) and self.ledger.given(mac, "sent", self.now):
            self.lives(MachineChanged(mac=str(mac), change=Change.GIVEN))

    async def installs(self, mac: Mac = CARD) -> None:
        """As far as netbootd sees it."""
        assert await self.ledger.arm(mac, "admin", self.now)
        assert await self.asks(mac)
        self.now += 20
        assert await self.may_have_the_last_file(mac)
        self.has_the_last_file(mac)

    def state(self, mac: Mac = CARD) -> State:
        return self.lives.standing(mac).state

    def generation(self, mac: Mac = CARD) -> int:
        entry = self.ledger.entry(mac)
        return entry.generation if entry else 0


@pytest.fixture
async def place() -> Place:
    return Place()


async def test_a_machine_that_shows_up_is_on_record_with_its_boot(place: Place) -> None:
    place.offered()
    assert place.state() is State.DISCOVERED
    record = place.lives.record(CARD)
    assert record is not None
    place.facts[CARD] = Facts(mac=CARD, product="R640")
    await place.ledger.arm(CARD, "admin", place.now)
    assert await place.asks()
    assert place.records.get(record.id) == replace(record, product="R640", addresses=(IP,))
    assert [step.stage for step in place.attempts.of(record.id)[0].steps] == [Reached.FIRMWARE, Reached.SCRIPT]


async def test_one_that_arms_by_itself_installs_with_its_script_and_fails_when_it_hangs(place: Place) -> None:
    assert await place.asks(profile=linux(boots=ONCE, auto=True))
    assert place.state() is State.INSTALLING
    place.now += LIMITS.fetching
    place.lives.look()
    assert place.state() is State.FAILED
    assert place.ledger.stage(CARD) is Stage.GIVEN


class TestANewCard:
    """Its machine is on record, by the uuid it tells the DHCP servers (option 97)."""

    BOARD = UUID("4c4c4544-0042-3510-8052-b3c04f4b4e32")

    def knows_its_board(self, place: Place) -> Record:
        place.records.saw(Facts(mac=OTHER_CARD, uuid=self.BOARD, serial="7XK2B32"), "", place.now)
        (record,) = place.records.all()
        return record

    def asks(self, place: Place, uuid: UUID | None = BOARD) -> None:
        place.lives(
            DhcpAnswered(
                mac=str(CARD),
                message="DISCOVER",
                answer="OFFER",
                client="PXE",
                file="x",
                style="",
                port=67,
                uuid=str(uuid or ""),
            )
        )

    async def test_it_seems_to_be_of_that_machine_from_the_first_packet_on(self, place: Place) -> None:
        record = self.knows_its_board(place)
        self.asks(place)
        self.asks(place)
        assert place.lives.seeming(record.id) == (CARD,)
        assert place.records.owner(CARD) != record.id

    async def test_a_card_that_asked_before_another_told_the_board_seems_to_be_of_that_machine(
        self, place: Place
    ) -> None:
        """Firmware boots by one card, and its iPXE by the other, at the very first boot."""
        self.asks(place)
        place.facts[OTHER_CARD] = Facts(mac=OTHER_CARD, uuid=self.BOARD, serial="7XK2B32")
        place.lives(ScriptServed(mac=str(OTHER_CARD), ip=IP, script="ipxe.cfg"))
        record = place.lives.record(OTHER_CARD)
        assert record is not None
        assert place.lives.seeming(record.id) == (CARD,)
        assert place.lives.shown(CARD) == record
        assert place.lives.shown(OTHER_CARD) == record
        assert place.records.owner(CARD) != record.id

    async def test_when_its_ipxe_shows_the_board_all_of_its_boot_is_that_machine_s(self, place: Place) -> None:
        record = self.knows_its_board(place)
        self.asks(place)
        place.facts[CARD] = Facts(mac=CARD, uuid=self.BOARD, serial="7XK2B32")
        place.lives(ScriptServed(mac=str(CARD), ip=IP, script="ipxe.cfg"))
        (boot,) = place.attempts.of(record.id)
        assert [step.stage for step in boot.steps] == [Reached.FIRMWARE, Reached.SCRIPT]
        assert place.lives.seeming(record.id) == ()

    async def test_when_it_shows_another_board_it_seems_so_no_longer(self, place: Place) -> None:
        record = self.knows_its_board(place)
        self.asks(place)
        place.facts[CARD] = Facts(mac=CARD, uuid=self.BOARD, serial="7XK2B99")
        place.lives(ScriptServed(mac=str(CARD), ip=IP, script="ipxe.cfg"))
        assert place.lives.seeming(record.id) == ()
        (boot,) = place.attempts.of(place.records.owner(CARD))
        assert [step.stage for step in boot.steps] == [Reached.FIRMWARE, Reached.SCRIPT]

    async def test_it_counts_for_no_installation_of_that_machine(self, place: Place) -> None:
        """Clones have one uuid: firmware that asks anew must be the firmware that asked before."""
        self.knows_its_board(place)
        await place.installs(OTHER_CARD)
        place.now += 300
        self.asks(place)
        place.silent(Reason.NOT_NETBOOT, CARD)
        place.lives.look()
        assert place.state(OTHER_CARD) is State.INSTALLING

    async def test_its_boots_are_shown_with_those_of_that_machine_the_latest_first(self, place: Place) -> None:
        """On the page, by the API and to the diagnosis alike."""
        record = self.knows_its_board(place)
        place.now += 4000
        await place.installs(OTHER_CARD)
        place.now += 4000
        self.asks(place)
        boots = place.lives.boots(record.id, ())
        assert [boot.mac for boot in boots] == [CARD, OTHER_CARD]
        assert boots[0].started > boots[1].started
        assert place.lives.boots("", (CARD,)) == ()

    async def test_without_a_uuid_of_its_own_it_seems_to_be_nobody(self, place: Place) -> None:
        record = self.knows_its_board(place)
        self.asks(place, None)
        assert place.lives.seeming(record.id) == ()


async def test_a_machine_that_should_boot_and_asks_like_a_system_has_that_in_its_timeline(place: Place) -> None:
    """PXE is off in its firmware, or its disk comes first; of any other computer that is of no interest."""
    place.offered()
    place.now += 1000
    place.silent(Reason.NOT_NETBOOT)
    assert len(place.attempts) == 1
    await place.ledger.arm(CARD, "admin", place.now)
    for _ in range(10):
        place.silent(Reason.NOT_NETBOOT)
        place.now += 1000
    latest, before = place.attempts.of(place.records.owner(CARD))
    assert [step.reason for step in latest.steps] == ["NOT_NETBOOT"] * 4
    assert [step.stage for step in before.steps] == [Reached.FIRMWARE]
    assert place.state() is State.ARMED
    assert await place.asks()
    assert place.state() is State.INSTALLING


async def test_what_there_is_no_room_for_is_said_now_and_then(place: Place) -> None:
    told: list[Event] = []
    place.emit = told.append  # type: ignore[method-assign, assignment]
    place.start()
    for _ in range(3):
        place.records.dropped += 500
        place.attempts.pushed_out += 4
        place.lives.look()
        place.lives.look()
    assert [event.text.partition(":")[0] for event in told if isinstance(event, DaemonNotice)] == [
        "504 machines or boots were dropped"
    ]
    place.now += 100
    place.lives.look()
    assert len(told) == 2
    assert place.lives.dropped == 1512


async def test_ordinary_computers_are_no_machines_of_ours(place: Place) -> None:
    place.silent(Reason.NOT_NETBOOT)
    assert place.records.all() == ()
    assert len(place.attempts) == 0


async def test_an_installation_nobody_calls_home_about_is_inferred(place: Place) -> None:
    await place.installs()
    assert place.state() is State.INSTALLING
    place.now += 300
    place.silent(Reason.NOT_NETBOOT)
    place.lives.look()
    standing = place.lives.standing(CARD)
    assert (standing.state, standing.confidence) == (State.INSTALLED, Confidence.LIKELY)
    assert [(event.change, event.mac) for event in place.said] == [("installed", str(CARD))]
    assert place.attempts.of(place.records.owner(CARD))[0].outcome is Outcome.INSTALLED
    place.now += 99_999
    place.lives.look()
    assert len(place.said) == 1


async def test_firmware_that_tries_the_network_first_after_its_installation_is_inferred_too(place: Place) -> None:
    await place.installs()
    place.now += 300
    assert not await place.asks()
    place.lives.look()
    assert place.lives.standing(CARD).confidence is Confidence.POSSIBLE
    place.now += 30
    place.silent(Reason.NOT_NETBOOT)
    place.lives.look()
    standing = place.lives.standing(CARD)
    assert (standing.state, standing.confidence) == (State.INSTALLED, Confidence.LIKELY), "its system came up"
    ahead, installed = place.attempts.of(place.records.owner(CARD))
    assert (ahead.outcome, installed.outcome) == (Outcome.LOCAL, Outcome.INSTALLED)


async def test_a_boot_that_tells_of_the_end_of_an_installation_is_one_boot_to_its_end(place: Place) -> None:
    """Firmware that loads an iPXE takes seconds until it is left to its disk; the end is learned meanwhile."""
    await place.installs()
    place.now += 300
    place.offered()
    place.lives.look()
    assert place.lives.standing(CARD).confidence is Confidence.POSSIBLE
    place.now += 10
    place.lives(ScriptServed(mac=str(CARD), ip=IP, script="ipxe.cfg", profile="edge", payload="local"))
    place.now += 20
    place.silent(Reason.NOT_NETBOOT)
    place.lives.look()
    assert place.lives.standing(CARD).confidence is Confidence.LIKELY
    boots = place.attempts.of(place.records.owner(CARD))
    assert [each.outcome for each in boots] == [Outcome.LOCAL, Outcome.INSTALLED]


async def test_a_payload_that_hangs_fails_with_the_stage_and_is_handed_out_no_more(place: Place) -> None:
    await place.ledger.arm(CARD, "admin", place.now)
    assert await place.asks()
    place.now += LIMITS.fetching
    place.lives.look()
    assert place.state() is State.FAILED
    assert place.said[0].detail == "its time was over: it fetched its script (ipxe.cfg: eve)"
    assert place.ledger.stage(CARD) is Stage.GIVEN
    assert not await place.asks()
    place.write()
    place.start()
    assert place.state() is State.FAILED


async def test_the_installers_own_word_counts_at_once_and_only_for_its_own_arming(place: Place) -> None:
    await place.installs()
    assert place.lives.told(CARD, place.generation() - 1, True) is None
    assert place.lives.told(OTHER_CARD, 1, True) is None
    ending = place.lives.told(CARD, place.generation(), False, "no disk found")
    assert ending == Ending(place.generation(), False, place.now, Signal.TOLD, "no disk found")
    assert (place.state(), place.lives.standing(CARD).confidence) == (State.FAILED, Confidence.CERTAIN)
    assert place.lives.told(CARD, place.generation(), False, "no disk found") == ending
    assert len(place.said) == 1


async def test_a_word_on_a_card_that_two_records_claim_is_kept_with_the_one_that_was_seen_last(place: Place) -> None:
    """It is not lost: as soon as somebody has settled which of them is true it tells where that one stands."""
    await place.installs()
    own = place.lives.record(CARD)
    assert own
    place.records.change(replace(own, name="here", origin="ada"))
    place.records.learn(Record("gone", (CARD,), serial="OLD-1", last_seen=1.0, name="there", origin="ada"))
    assert place.lives.record(CARD) is None
    assert place.lives.told(CARD, place.generation(), True)
    assert [said.change for said in place.said] == [Change.INSTALLED]
    place.records.forget("gone")
    assert place.state() is State.INSTALLED


async def test_a_word_that_comes_while_netbootd_believes_it_is_fetching_ends_that(place: Place) -> None:
    """A proxy between them handed out the files."""
    await place.ledger.arm(CARD, "admin", place.now)
    assert await place.asks()
    assert place.lives.told(CARD, place.generation(), True)
    assert place.ledger.stage(CARD) is Stage.GIVEN
    assert place.state() is State.INSTALLED


async def test_a_stop_between_the_ending_and_the_ledger_is_made_good_at_the_next_start(place: Place) -> None:
    await place.ledger.arm(CARD, "admin", place.now)
    assert await place.asks()
    place.write()
    (record,) = place.history.records.values()
    ending = Ending(place.generation(), False, place.now, Signal.TOLD, "no disk")
    place.history.records[record.id] = replace(record, ending=ending)
    place.start()
    assert place.ledger.stage(CARD) is Stage.GIVEN
    assert place.state() is State.FAILED


async def test_a_machine_no_record_can_be_told_of_is_not_installed_for_ever_either(place: Place) -> None:
    """Two records claim its card."""
    for name, serial in (("a", "A1"), ("b", "B2")):
        place.records.learn(Record(name, (CARD,), UUID(int=len(name)), serial, name=name, origin="admin"))
    await place.ledger.arm(CARD, "admin", place.now)
    assert await place.asks()
    place.now += LIMITS.fetching
    place.lives.look()
    assert place.ledger.stage(CARD) is Stage.GIVEN


async def test_the_boots_of_a_card_go_with_it_into_the_record_of_its_board(place: Place) -> None:
    board = {"uuid": UUID("4c4c4544-0042-3510-8052-b3c04f4b4e32"), "serial": "7XK2B32"}
    place.facts[CARD] = Facts(mac=CARD, uuid=board["uuid"], serial="7XK2B32")  # type: ignore[arg-type]
    place.lives(ScriptServed(mac=str(CARD), ip=IP, script="ipxe.cfg"))
    place.offered(OTHER_CARD)
    place.facts[OTHER_CARD] = replace(place.facts[CARD], mac=OTHER_CARD)
    place.lives(ScriptServed(mac=str(OTHER_CARD), ip=IP, script="ipxe.cfg"))
    (record,) = place.records.all()
    assert record.macs == (CARD, OTHER_CARD)
    assert {attempt.mac for attempt in place.attempts.of(record.id)} == {CARD, OTHER_CARD}
    place.write()
    assert {attempt.record for attempt in place.history.attempts.values()} == {record.id}


class AnyOrder(RuleBasedStateMachine):
    """Requests, restarts and timeouts as they come: never two installations for one arming, never a wipe without one,
    and never a state that says otherwise than what is handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.place = self.run(_made())
        self.armings = 0
        self.wiped: list[int] = []
        self.script: int | None = None

    def run(self, work: Awaitable[T]) -> T:
        async def task() -> T:
            return await work

        return self.loop.run_until_complete(task())

    def teardown(self) -> None:
        self.loop.close()

    @rule()
    def somebody_arms_it(self) -> None:
        before = self.place.generation()
        assert self.run(self.place.ledger.arm(CARD, "admin", self.place.now))
        self.armings += self.place.generation() > before

    @rule()
    def somebody_leaves_it_to_its_disk(self) -> None:
        assert self.run(self.place.ledger.disarm(CARD, "admin", self.place.now))

    @rule()
    def it_boots_from_the_network(self) -> None:
        generation = self.place.generation()
        self.script = generation if self.run(self.place.asks()) else None

    @precondition(lambda self: self.script is not None)
    @rule(cut=st.booleans())
    def it_fetches_the_last_file_and_wipes_its_disk(self, cut: bool) -> None:
        """``cut``: netbootd dies as the last byte goes out."""
        assert self.script is not None
        if not self.run(self.place.may_have_the_last_file()):
            return
        assert self.script not in self.wiped, "one arming, two wipes"
        self.wiped.append(self.script)
        assert len(self.wiped) <= self.armings, "a wipe nobody armed it for"
        self.script = None
        if cut:
            self.restarts(lost=True)
        else:
            self.place.has_the_last_file()

    @rule(seconds=st.sampled_from([1.0, 30.0, 90.0, 700.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.place.now += seconds
        self.place.lives.look()

    @rule()
    def a_system_asks_for_an_address(self) -> None:
        self.place.silent(Reason.NOT_NETBOOT)
        self.place.lives.look()

    @rule(done=st.booleans(), ago=st.integers(0, 1))
    def the_installer_calls(self, done: bool, ago: int) -> None:
        """With the token it was given, or with one of an arming before."""
        generation = self.place.generation() - ago
        ending = self.place.lives.told(CARD, generation, done)
        if ending is not None:
            assert ago == 0
            assert self.place.state() is (State.INSTALLED if done else State.FAILED)

    @rule(lost=st.booleans())
    def restarts(self, lost: bool) -> None:
        """``lost``: what was to be written behind was not."""
        if not lost:
            self.place.write()
        self.run(_again(self.place))

    @invariant()
    def what_is_shown_is_what_is_handed_out(self) -> None:
        standing = self.place.lives.standing(CARD)
        assert standing.payload is verdict(PROFILE, self.place.ledger.stage(CARD)).netboot
        assert standing.payload <= (standing.state in (State.ARMED, State.INSTALLING))


async def _made() -> Place:
    return Place()


async def _again(place: Place) -> None:
    place.start()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)


async def test_what_is_over_is_not_looked_at_any_more(place: Place) -> None:
    """A fleet of a hundred thousand that is installed costs nothing; what may still become surer stays a while."""
    await place.installs()
    await place.ledger.arm(OTHER_CARD, "admin", place.now)
    place.lives.look()
    assert place.lives.watched == 2
    place.now += 300
    assert not await place.asks()
    place.lives.look()
    place.lives.look()
    assert place.lives.watched == 2
    place.now += LIMITS.installing
    place.lives.look()
    assert place.lives.watched == 1
    place.start()
    place.lives.look()
    assert place.lives.watched == 1
    await place.ledger.disarm(OTHER_CARD, "admin", place.now)
    place.lives.look()
    assert place.lives.watched == 0
    await place.installs()
    place.lives.look()
    assert place.lives.watched == 1


async def test_while_the_state_is_away_nothing_is_made_of_silence(place: Place) -> None:
    """Another daemon may have heard what this one did not."""
    await place.installs()
    place.now += LIMITS.installing + LIMITS.fetching
    place.journal.durable = False
    place.lives.look()
    assert place.said == []
    place.journal.durable = True
    place.lives.look()
    assert [event.change for event in place.said] == ["failed"]


async def test_history_that_is_too_old_is_taken_off_the_disk(place: Place) -> None:
    """Strangers with their boots, and old boots of those that are known; what somebody did something about stays."""
    place.offered(CARD)
    await place.installs(OTHER_CARD)
    place.now += 300
    place.silent(Reason.NOT_NETBOOT, OTHER_CARD)
    place.lives.look()
    place.write()
    assert len(place.history.records) == len(place.history.attempts) == 2
    place.now += 91 * 86400
    place.lives.prune(place.now)
    place.write()
    assert [record.macs for record in place.history.records.values()] == [(OTHER_CARD,)]
    assert place.history.attempts == {}
