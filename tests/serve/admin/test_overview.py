"""The whole fleet in order: looked at anew while that is cheap, and now and then where there are thousands."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from netbootd.fleet.lifecycle import Standing, State
from netbootd.fleet.record import Approval, Attempt, Outcome
from netbootd.observe.diagnosis.model import Cause, Diagnosis
from netbootd.serve.admin.overview import Overview, Rank, is_booting, rank_of
from netbootd.wire.mac import Mac
from tests.support.crowd import FIVE, STUCK, TWINS, Site, armed, crowd


class Slow:
    """A clock that moves with each look at it, as if looking at the fleet took so long."""

    def __init__(self, seconds: float) -> None:
        self.now, self._seconds = 0.0, seconds

    def __call__(self) -> float:
        self.now += self._seconds
        return self.now


async def site() -> Site:
    return await armed(crowd(1700000000.0, 40))


async def at_their_disks(overview: Overview) -> int:
    return (await overview.counts()).states[State.LOCAL]


@pytest.mark.parametrize(
    ("state", "booting", "troubled", "rank"),
    [
        (State.INSTALLED, False, True, Rank.TROUBLE),
        (State.FAILED, False, False, Rank.TROUBLE),
        (State.DISCOVERED, True, False, Rank.BOOTING),
        (State.INSTALLING, False, False, Rank.BOOTING),
        (State.DISCOVERED, False, False, Rank.STRANGER),
        (State.ARMED, False, False, Rank.ARMED),
        (State.LOCAL, False, False, Rank.REST),
        (State.INSTALLED, False, False, Rank.REST),
    ],
)
def test_who_needs_a_person_comes_first(state: State, booting: bool, troubled: bool, rank: Rank) -> None:
    assert rank_of(Standing(state, ""), booting, troubled) is rank


def test_a_boot_goes_on_until_it_was_quiet_for_long() -> None:
    running = Attempt("1", "r", FIVE, 0.0, 10.0)
    assert is_booting(running, 200.0)
    assert not is_booting(running, 400.0)
    assert not is_booting(replace(running, outcome=Outcome.LOCAL), 11.0)
    assert not is_booting(None, 0.0)


async def test_every_machine_is_placed_and_counted_once() -> None:
    overview = Overview((await site()).services())
    placed, counts = await overview.all(), await overview.counts()
    assert len(placed) == counts.total == sum(counts.states.values()) == 46
    assert [each.rank for each in placed] == sorted(each.rank for each in placed)
    assert counts.trouble == sum(each.rank is Rank.TROUBLE for each in placed)


async def test_machines_in_trouble_are_counted_by_what_is_wrong() -> None:
    """What is worst alone; two that claim one card are in trouble, whether they boot or not."""
    overview = Overview((await site()).services())
    found = {each.seat.mac: each.cause for each in await overview.all()}
    assert (found[STUCK], found[TWINS], found[FIVE]) == (Cause.FILE_STALLED, Cause.SHARED_IDENTITY, None)
    assert (await overview.counts()).causes == Counter(filter(None, (each.cause for each in await overview.all())))


async def test_a_small_fleet_is_looked_at_each_time() -> None:
    place = await site()
    overview = Overview(place.services(), Slow(0.01))
    before = await at_their_disks(overview)
    await place.ledger.disarm(STUCK, "ada", place.now)
    assert (before, await at_their_disks(overview)) == (0, 1)


async def test_where_looking_takes_long_it_is_done_for_a_small_share_of_the_time() -> None:
    place, clock = await site(), Slow(1.0)
    overview = Overview(place.services(), clock)
    assert await at_their_disks(overview) == 0
    await place.ledger.disarm(STUCK, "ada", place.now)
    assert await at_their_disks(overview) == 0
    clock.now += 60.0
    assert await at_their_disks(overview) == 1


async def test_among_many_strangers_those_that_somebody_knows_are_looked_at_as_often_as_their_number_allows() -> None:
    """Tens of thousands of made-up cards take a minute to look at, and were not looked at again for twenty: nor was
    the machine that booted meanwhile."""
    place, clock = await site(), Slow(0.0)
    for number in range(400):
        place.saw(Mac.parse(f"0a:00:00:00:{number >> 8:02x}:{number & 255:02x}"))
    services = place.services()
    looked: list[Mac] = []

    def diagnosed(mac: Mac) -> tuple[Diagnosis, ...]:
        looked.append(mac)
        clock.now += 0.01
        return ()

    overview = Overview(replace(services, diagnosed=diagnosed), clock)
    assert await at_their_disks(overview) == 0
    everybody = len(looked)
    await place.ledger.disarm(STUCK, "ada", place.now)
    clock.now += 25.0  # of the 90 after which all are looked at again
    assert await at_their_disks(overview) == 1
    assert STUCK in looked[everybody:]
    assert len(looked) - everybody < 60


async def test_two_that_claim_one_card_stay_two_when_those_that_somebody_knows_are_looked_at_again() -> None:
    """Each became the card itself, which nobody can tell whose it is: three rows of a page were one machine."""
    place, clock = await site(), Slow(1.0)
    for record in place.records.of_card(TWINS):
        place.records.change(replace(record, approved=Approval("ada", 1.0)))
    overview = Overview(place.services(), clock)
    before = {each.seat.record.id for each in await overview.all() if each.seat.record and TWINS in each.seat.macs}
    clock.now += 15.0  # of the 20 after which all are looked at again
    found = [each.seat for each in await overview.all() if TWINS in each.seat.macs]
    assert len(before) == len(found) == 2
    assert {seat.record.id for seat in found if seat.record} == before


async def test_strangers_come_behind_those_that_somebody_knows_whatever_befalls_them() -> None:
    """Anybody can make up cards that boot and get into trouble, and newer ones than any machine's."""
    place = await site()
    for number in range(5):
        place.saw(Mac.parse(f"0a:00:00:00:00:{number:02x}"))
    placed = await Overview(replace(place.services(), diagnosed=lambda _mac: place.diagnosed(STUCK))).all()
    troubled = [each.known for each in placed if each.rank is Rank.TROUBLE]
    assert False in troubled
    assert troubled == sorted(troubled, reverse=True)
