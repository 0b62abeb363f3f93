"""What is kept of each machine, and in which order it reaches the disk."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from netbootd.fleet.changes import Entry, Handing, Known
from netbootd.fleet.ledger import IN_DOUBT, Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.wire.mac import Mac
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import CARD, OTHER_CARD

THIRD = Mac.parse("52:54:00:12:34:58")
IP = "192.0.2.77"
LAST = "artifacts/eve/rootfs.img"


@pytest.fixture
def disk() -> Disk:
    return Disk()


def ledger(disk: Disk, **more: object) -> Ledger:
    """As after a restart, on a disk that writes at once."""
    return Ledger(SlowJournal(disk, at_once=True), disk.known(), **more)  # type: ignore[arg-type]


def two_cards(mac: Mac) -> tuple[Mac, ...]:
    return (CARD, OTHER_CARD) if mac in (CARD, OTHER_CARD) else (mac,)


async def handed(book: Ledger, mac: Mac = CARD, ip: str = IP) -> Handing:
    assert await book.handed(mac, ip, LAST, 2.0)
    return next(handing for handing in book.handings_at(ip) if handing.mac == mac)


async def test_a_machine_goes_from_armed_to_given_and_stays_there_over_restarts(disk: Disk) -> None:
    book = ledger(disk)
    assert book.stage(CARD) is None
    assert await book.arm(CARD, "a person", 1.0)
    assert ledger(disk).stage(CARD) is Stage.ARMED
    assert book.given(CARD, "all of it was fetched", 2.0)
    assert ledger(disk).entries() == (Entry(CARD, Stage.GIVEN, 2.0, "all of it was fetched"),)


async def test_what_a_machine_was_not_armed_for_it_cannot_be_given(disk: Disk) -> None:
    book = ledger(disk)
    assert not book.given(CARD, "?", 1.0)
    assert book.entries() == ()


async def test_a_disarmed_machine_is_left_to_its_disk_whatever_it_still_fetches(disk: Disk) -> None:
    book = ledger(disk)
    await book.arm(CARD, "a person", 1.0)
    await handed(book)
    assert await book.disarm(CARD, "a person", 3.0)
    assert not book.given(CARD, "?", 4.0)
    assert ledger(disk).stage(CARD) is Stage.DISARMED
    assert ledger(disk).handings() == ()


class TestOrder:
    """What is on disk before what."""

    async def test_an_arming_counts_once_it_is_on_disk(self, disk: Disk) -> None:
        journal = SlowJournal(disk)
        book = Ledger(journal)
        arming = asyncio.ensure_future(book.arm(CARD, "a person", 1.0))
        await asyncio.sleep(0)
        assert book.stage(CARD) is None
        journal.commit()
        assert await arming
        assert book.stage(CARD) is Stage.ARMED

    async def test_an_arming_that_cannot_be_written_changes_nothing(self, disk: Disk) -> None:
        """Not even when the failed commit had reached the disk: that is taken back as soon as it can be."""
        journal = SlowJournal(disk)
        book = Ledger(journal)
        arming = asyncio.ensure_future(book.arm(CARD, "a person", 1.0))
        await asyncio.sleep(0)
        journal.broken = True
        journal.commit(reached_the_disk=True)
        assert not await arming
        assert book.entries() == ()
        journal.broken = False
        journal.commit()
        assert disk.entries == {}

    async def test_arming_a_given_machine_in_vain_leaves_it_given(self, disk: Disk) -> None:
        entry = Entry(CARD, Stage.GIVEN, 1.0, "x")
        disk.entries[CARD] = entry
        journal = SlowJournal(disk)
        book = Ledger(journal, disk.known())
        arming = asyncio.ensure_future(book.arm(CARD, "a person", 2.0))
        await asyncio.sleep(0)
        journal.broken = True
        journal.commit(reached_the_disk=True)
        assert not await arming
        journal.broken = False
        journal.commit()
        assert book.entry(CARD) == disk.entries[CARD] == replace(entry, generation=3)

    async def test_a_disarming_counts_at_once_and_is_written_as_soon_as_it_can_be(self, disk: Disk) -> None:
        journal = SlowJournal(disk, at_once=True)
        book = Ledger(journal)
        await book.arm(CARD, "a person", 1.0)
        journal.broken = True
        assert not await book.disarm(CARD, "a person", 2.0)
        assert book.stage(CARD) is Stage.DISARMED
        journal.broken = False
        journal.commit()
        assert disk.entries[CARD].stage is Stage.DISARMED

    async def test_a_machine_disarmed_while_its_arming_was_being_written_ends_disarmed(self, disk: Disk) -> None:
        journal = SlowJournal(disk)
        book = Ledger(journal)
        arming = asyncio.ensure_future(book.arm(CARD, "one person", 1.0))
        await asyncio.sleep(0)
        disarming = asyncio.ensure_future(book.disarm(CARD, "another", 2.0))
        await asyncio.sleep(0)
        journal.commit()
        assert await arming
        assert await disarming
        assert book.stage(CARD) is disk.entries[CARD].stage is Stage.DISARMED

    async def test_arming_an_armed_machine_does_not_lose_what_it_is_being_handed(self, disk: Disk) -> None:
        book = ledger(disk)
        await book.arm(CARD, "a person", 1.0)
        handing = await handed(book)
        assert await book.arm(CARD, "an impatient person", 2.0)
        assert book.handings() == ledger(disk).handings() == (handing,)


class TestHanding:
    """A script is out; the payload is not, yet."""

    async def test_a_machine_that_arms_by_itself_has_its_record_with_its_script(self, disk: Disk) -> None:
        book = ledger(disk)
        await handed(book)
        assert ledger(disk).entry(CARD) == Entry(CARD, Stage.ARMED, 2.0, "auto")

    async def test_after_a_restart_it_is_followed_on(self, disk: Disk) -> None:
        """The last file had not been asked for, so the payload cannot be complete."""
        book = ledger(disk)
        await book.arm(CARD, "a person", 1.0)
        handing = await handed(book)
        again = ledger(disk)
        assert again.stage(CARD) is Stage.ARMED
        assert again.handings_at(IP) == (handing,)
        assert again.doubted == ()

    async def test_one_whose_last_file_was_on_its_way_counts_as_given_after_a_restart(self, disk: Disk) -> None:
        """Whether it went out whole is not known: doubt never wipes."""
        book = ledger(disk)
        await book.arm(CARD, "a person", 1.0)
        assert await book.begin(await handed(book))
        again = ledger(disk, wall=lambda: 9.0)
        assert again.doubted == (CARD,)
        assert again.entry(CARD) == disk.entries[CARD] == Entry(CARD, Stage.GIVEN, 9.0, IN_DOUBT)
        assert ledger(disk).doubted == ()

    async def test_without_a_restart_it_stays_armed_until_the_file_went_out_whole(self, disk: Disk) -> None:
        book = ledger(disk)
        await book.arm(CARD, "a person", 1.0)
        await book.begin(await handed(book))
        assert book.stage(CARD) is Stage.ARMED

    async def test_a_machine_that_asks_for_its_script_again_begins_anew(self, disk: Disk) -> None:
        book = ledger(disk)
        await book.arm(CARD, "a person", 1.0)
        await book.begin(await handed(book))
        await handed(book)
        assert ledger(disk).doubted == ()

    async def test_a_payload_that_cannot_be_followed_is_spent_with_its_script(self, disk: Disk) -> None:
        book = ledger(disk)
        await book.arm(CARD, "a person", 1.0)
        assert await book.spend(CARD, "its script", 2.0)
        assert ledger(disk).stage(CARD) is Stage.GIVEN

    async def test_what_could_not_be_written_is_not_spent(self, disk: Disk) -> None:
        journal = SlowJournal(disk, at_once=True)
        book = Ledger(journal)
        await book.arm(CARD, "a person", 1.0)
        journal.broken = True
        assert not await book.spend(CARD, "its script", 2.0)
        journal.broken = False
        journal.commit()
        assert book.stage(CARD) is disk.entries[CARD].stage is Stage.ARMED

    async def test_one_forgotten_leaves_the_machine_armed(self, disk: Disk) -> None:
        book = ledger(disk)
        await book.arm(CARD, "a person", 1.0)
        elsewhere = await handed(book, ip="192.0.2.78")
        book.forget_handing(await handed(book))
        assert book.stage(CARD) is Stage.ARMED
        assert ledger(disk).handings() == (elsewhere,)

    async def test_handing_to_a_machine_nobody_armed_is_a_fault_of_ours(self, disk: Disk) -> None:
        book = ledger(disk)
        await book.disarm(CARD, "a person", 1.0)
        with pytest.raises(AssertionError):
            book.handed(CARD, IP, LAST, 2.0)


class TestHeld:
    """Without a durable record nothing that installs is handed out."""

    async def test_armed_machines_and_new_ones_are_held_and_the_others_stand_where_they_stood(self, disk: Disk) -> None:
        journal = SlowJournal(disk, at_once=True)
        book = Ledger(journal)
        await book.arm(CARD, "a person", 1.0)
        await book.arm(OTHER_CARD, "a person", 1.0)
        book.given(OTHER_CARD, "x", 2.0)
        journal.durable = False
        assert book.stage(CARD) is book.stage(THIRD) is Stage.HELD
        assert book.stage(OTHER_CARD) is Stage.GIVEN
        journal.durable = True
        assert book.stage(CARD) is Stage.ARMED
        assert book.stage(THIRD) is None

    async def test_made_up_addresses_do_not_fill_the_disk(self, disk: Disk) -> None:
        book = ledger(disk, room=1)
        await handed(book)
        assert book.stage(OTHER_CARD) is Stage.HELD
        assert await book.arm(OTHER_CARD, "a person", 1.0)
        assert book.stage(OTHER_CARD) is Stage.ARMED


class TestSeveralCards:
    """A machine with several cards stands at one stage."""

    async def test_every_card_speaks_for_the_machine(self, disk: Disk) -> None:
        book = ledger(disk, family=two_cards)
        await book.arm(OTHER_CARD, "a person", 1.0)
        assert book.stage(CARD) is book.stage(OTHER_CARD) is Stage.ARMED
        assert [entry.mac for entry in book.entries()] == [CARD]
        await handed(book, mac=OTHER_CARD)
        assert book.given(CARD, "x", 2.0)
        assert book.stage(OTHER_CARD) is Stage.GIVEN
        assert book.handings() == ()

    async def test_a_card_added_by_a_reload_belongs_to_the_record(self, disk: Disk) -> None:
        await ledger(disk).arm(CARD, "a person", 1.0)
        ledger(disk).given(CARD, "x", 2.0)
        assert ledger(disk, family=two_cards).stage(OTHER_CARD) is Stage.GIVEN

    async def test_a_card_that_is_left_after_another_was_taken_out_still_has_it(self, disk: Disk) -> None:
        """Else a machine that arms by itself would be installed again after a change of its first card."""
        book = ledger(disk, family=two_cards)
        await book.arm(CARD, "a person", 1.0)
        book.given(CARD, "x", 2.0)
        assert ledger(disk).stage(OTHER_CARD) is Stage.GIVEN

    async def test_of_two_machines_that_become_one_the_record_that_wipes_nothing_wins(self, disk: Disk) -> None:
        book = ledger(disk)
        await book.arm(CARD, "a person", 5.0)
        await book.arm(OTHER_CARD, "a person", 1.0)
        book.given(OTHER_CARD, "x", 2.0)
        assert ledger(disk, family=two_cards).stage(CARD) is Stage.GIVEN


def test_it_begins_with_what_is_known() -> None:
    entry = Entry(CARD, Stage.ARMED, 1.0, "x")
    handing = Handing(CARD, IP, LAST)
    book = Ledger(SlowJournal(Disk()), Known((entry,), (handing,)))
    assert book.entries() == (entry,)
    assert book.handings() == (handing,)
    assert replace(handing, begun=True) not in book.handings()


async def test_a_script_is_not_sent_to_a_machine_disarmed_while_the_disk_was_busy() -> None:
    journal = SlowJournal(Disk())
    book = Ledger(journal)
    arming = asyncio.ensure_future(book.arm(CARD, "a person", 1.0))
    await asyncio.sleep(0)
    journal.commit()
    assert await arming
    handed = book.handed(CARD, IP, LAST, 2.0)
    disarmed = asyncio.ensure_future(book.disarm(CARD, "a person", 3.0))
    armed_again = asyncio.ensure_future(book.arm(CARD, "a person", 4.0))
    await asyncio.sleep(0)
    journal.commit()
    assert await disarmed
    assert await armed_again
    assert not await handed, "the disarming dropped what would follow it"


async def test_whoever_looks_after_installations_is_told_which_to_look_at(disk: Disk) -> None:
    """The armed ones of the start first, in parts; then what changed, once."""
    for n, stage in enumerate((Stage.GIVEN, Stage.ARMED)):
        mac = (CARD, OTHER_CARD)[n]
        disk.entries[mac] = Entry(mac, stage, 1.0, "x")
    book = ledger(disk)
    assert book.moved(1) == (OTHER_CARD,)
    assert book.moved(9) == (CARD,)
    assert book.moved(9) == ()
    await book.arm(THIRD, "a person", 1.0)
    assert book.moved(9) == (THIRD,)
    assert book.given(OTHER_CARD, "x", 2.0)
    assert await book.disarm(THIRD, "a person", 3.0)
    assert set(book.moved(9)) == {OTHER_CARD, THIRD}


async def test_to_arm_comes_after_what_is_known_whatever_the_clock_says(disk: Disk) -> None:
    """That of another daemon may be ahead; where it counted as later, nothing could be armed until it was caught up."""
    ahead, behind = (Ledger(SlowJournal(disk, at_once=True)) for _ in range(2))
    assert await ahead.disarm(CARD, "ada", 7200.0)
    behind.learn(disk.known(0))
    assert await behind.arm(CARD, "bob", 1.0)
    assert disk.entries[CARD].stage is Stage.ARMED


async def test_to_leave_a_machine_to_its_disk_comes_after_what_is_known_whatever_the_clock_says(disk: Disk) -> None:
    """Where the arming counted as later, it would stand once the disk writes again, and the machine be wiped."""
    journal = SlowJournal(disk, at_once=True)
    book = Ledger(journal)
    assert await book.arm(CARD, "ada", 7200.0)
    journal.broken = True
    assert not await book.disarm(CARD, "bob", 1.0)  # the clock was set back meanwhile
    journal.broken = False
    journal.commit()
    assert book.stage(CARD) is disk.entries[CARD].stage is Stage.DISARMED
