"""The whole fleet in order: looked at anew while that is cheap, and now and then where there are thousands."""

from __future__ import annotations

from netbootd.fleet.lifecycle import State
from netbootd.serve.admin.asked import Which
from netbootd.serve.admin.page.glance import Filter, Rank
from netbootd.serve.admin.page.overview import Found, Overview
from tests.support.crowd import STUCK, Site, armed, crowd

ALL = Which.model_validate({})


class Slow:
    """A clock that moves with each look at it, as if looking at the fleet took so long."""

    def __init__(self, seconds: float) -> None:
        self.now, self._seconds = 0.0, seconds

    def __call__(self) -> float:
        self.now += self._seconds
        return self.now


async def found(overview: Overview, only: Filter | State | None = None) -> Found:
    return await overview.find(ALL, only, 100, 0)


async def site() -> Site:
    return await armed(crowd(1700000000.0, 40))


async def test_it_counts_all_whatever_is_asked_for() -> None:
    overview = Overview((await site()).services())
    everything, trouble = await found(overview), await found(overview, Filter.TROUBLE)
    assert everything.counts == trouble.counts
    assert everything.counts.total == everything.total == 46
    assert trouble.total == trouble.counts.trouble == sum(row.rank is Rank.TROUBLE for row in everything.rows)
    assert sum(everything.counts.states.values()) == 46


async def test_a_small_fleet_is_looked_at_each_time() -> None:
    place = await site()
    overview = Overview(place.services())
    before = (await found(overview, State.LOCAL)).total
    await place.ledger.disarm(STUCK, "ada", place.now)
    assert (before, (await found(overview, State.LOCAL)).total) == (0, 1)


async def test_where_looking_takes_long_it_is_done_for_a_small_share_of_the_time() -> None:
    """The rows that are shown are always as they are now."""
    place, clock = await site(), Slow(1.0)
    overview = Overview(place.services(), clock)
    assert (await found(overview)).counts.states[State.LOCAL] == 0
    await place.ledger.disarm(STUCK, "ada", place.now)
    later = await found(overview)
    assert later.counts.states[State.LOCAL] == 0
    assert [row.state for row in later.rows if row.mac == str(STUCK)] == [State.LOCAL]
    clock.now += 60.0
    assert (await found(overview)).counts.states[State.LOCAL] == 1
