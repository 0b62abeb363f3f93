"""A power cut right behind a script takes nothing of what is waited for."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from netbootd.boot.facts import Facts
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.behind import Behind
from netbootd.fleet.happening import Happening
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Limits, Stage, Standing, State, state_of
from netbootd.fleet.record import Ending, PutRecord, Reached, Signal
from netbootd.fleet.records import Records
from netbootd.serve.resuming import BEFORE, resume
from netbootd.wire.mac import Mac
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import CARD, OTHER_CARD

IP, LAST = "192.0.2.77", "artifacts/eve/rootfs.img"
LIMITS = Limits(fetching=600.0, installing=3600.0, quiet=60.0)


class Place:
    """One daemon after another on one disk, which has what is written at once and nothing of what is written behind."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.disk = Disk()
        ids = count(1)
        self.new_id = lambda: f"id-{next(ids)}"
        self.restart()

    def restart(self) -> None:
        journal = SlowJournal(self.disk, at_once=True)
        self.ledger = Ledger(journal, self.disk.known(journal.owner), wall=lambda: self.now)
        self.records = Records(new_id=self.new_id)
        self.attempts = Attempts(new_id=self.new_id, owner=self.records.owner)
        self.behind = Behind()

    def resume(self) -> None:
        resume(self.ledger, self.records, self.attempts, self.behind, self.now)

    async def handed(self, mac: Mac = CARD, ip: str = IP) -> None:
        assert await self.ledger.arm(mac, "ada", self.now)
        assert await self.ledger.handed(mac, ip, LAST, self.now)

    def standing(self, mac: Mac = CARD) -> Standing:
        record = self.records.get(self.records.owner(mac))
        attempt = self.attempts.current(record.id if record else str(mac))
        return state_of(record, self.ledger.entry(mac), attempt, self.now, limits=LIMITS)


@pytest.fixture
async def place() -> Place:
    return Place()


async def test_one_that_was_handed_its_script_fails_when_it_is_silent(place: Place) -> None:
    await place.handed()
    place.now += 86400.0
    place.restart()
    assert place.standing().state is State.ARMED
    place.resume()
    assert place.standing().state is State.INSTALLING
    assert BEFORE in place.standing().why
    place.now += LIMITS.fetching
    assert place.standing().state is State.FAILED


async def test_its_files_are_its_own_by_its_address(place: Place) -> None:
    await place.handed()
    place.restart()
    place.resume()
    place.attempts.happened(Happening(Reached.FILE, place.now, ip=IP, bytes=9, detail=LAST))
    (boot,) = place.attempts.of(place.records.owner(CARD))
    assert [step.stage for step in boot.steps] == [Reached.SCRIPT, Reached.FILE]


async def test_one_that_may_have_been_given_its_payload_has_the_time_to_install(place: Place) -> None:
    await place.handed()
    (handing,) = place.ledger.handings()
    assert await place.ledger.begin(handing)
    place.restart()
    assert place.ledger.doubted == (CARD,)
    assert place.standing().state is State.INSTALLED
    place.resume()
    assert place.standing().state is State.INSTALLING
    place.now += LIMITS.installing
    assert place.standing().state is State.FAILED


async def test_where_its_boot_was_written_nothing_is_added(place: Place) -> None:
    await place.handed()
    place.restart()
    place.resume()
    boots = place.attempts.of(place.records.owner(CARD))
    place.now += 1.0
    place.resume()
    assert place.attempts.of(place.records.owner(CARD)) == boots


async def test_nor_where_it_is_over(place: Place) -> None:
    await place.handed()
    place.restart()
    entry = place.ledger.entry(CARD)
    assert entry
    (put,) = place.records.saw(Facts(mac=CARD), IP, place.now)
    assert isinstance(put, PutRecord)
    place.records.change(replace(put.record, ending=Ending(entry.generation, True, place.now, Signal.TOLD, "")))
    place.resume()
    assert place.attempts.of(put.record.id) == ()


async def test_who_is_only_armed_or_was_given_its_payload_is_left_alone(place: Place) -> None:
    assert await place.ledger.arm(OTHER_CARD, "ada", place.now)
    await place.handed()
    place.ledger.given(CARD, "sent", place.now)
    place.restart()
    entry = place.ledger.entry(CARD)
    assert entry
    assert entry.stage is Stage.GIVEN
    place.resume()
    assert len(place.attempts) == 0
    assert place.records.all() == ()


async def test_what_is_made_up_for_it_is_written(place: Place) -> None:
    await place.handed()
    place.restart()
    place.resume()
    (change,) = place.behind.take()
    assert isinstance(change, PutRecord)
    assert change.record.macs == (CARD,)
