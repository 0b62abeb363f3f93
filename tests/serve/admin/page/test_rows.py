"""The rows of the fleet: who is looked for, in the order of the fleet, each as it is at this moment."""

from __future__ import annotations

from netbootd.fleet.lifecycle import State
from netbootd.serve.admin.asked import Which
from netbootd.serve.admin.overview import Overview, Rank
from netbootd.serve.admin.page.rows import Filter, Found, Rows
from tests.support.crowd import STUCK, Site, armed, crowd

ALL = Which.model_validate({})


class Slow:
    """A clock after which looking at the fleet takes a second."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


async def site() -> Site:
    return await armed(crowd(1700000000.0, 40))


async def found(rows: Rows, only: Filter | State | None = None) -> Found:
    return await rows.find(ALL, only, 100, 0)


async def test_it_counts_all_whatever_is_asked_for() -> None:
    services = (await site()).services()
    rows = Rows(services, Overview(services))
    everything, trouble = await found(rows), await found(rows, Filter.TROUBLE)
    assert everything.counts == trouble.counts
    assert everything.counts.total == everything.total == 46
    assert trouble.total == trouble.counts.trouble == sum(row.rank is Rank.TROUBLE for row in everything.rows)


async def test_a_row_is_as_its_machine_is_now_also_where_the_order_is_that_of_a_moment_ago() -> None:
    place = await site()
    services = place.services()
    rows = Rows(services, Overview(services, Slow()))
    before = await found(rows)
    await place.ledger.disarm(STUCK, "ada", place.now)
    later = await found(rows)
    assert later.counts == before.counts
    assert [row.state for row in later.rows if row.mac == str(STUCK)] == [State.LOCAL]
