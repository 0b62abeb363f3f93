"""The rows of the fleet: those machines that are looked for, one page of them, each as it is now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from netbootd.fleet.lifecycle import State
from netbootd.serve.admin.asked import Which
from netbootd.serve.admin.machines import fits
from netbootd.serve.admin.overview import Counts, Overview, Placed, Rank, counted, latest, rank_of
from netbootd.serve.admin.page.glance import Glance, key_of, progress_of, stage_words
from netbootd.serve.admin.roster import Roster, Seat
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.view import View
from netbootd.serve.turns import in_turns


class Filter(Enum):
    """What may be asked for beside a state; the value is the word in the address."""

    TROUBLE = "trouble"
    BOOTING = "booting"


@dataclass(frozen=True, slots=True)
class Found:
    """Some machines: one page of ``total``; ``counts`` are of all there are."""

    rows: tuple[Glance, ...]
    total: int
    counts: Counts


class Rows:
    """Follows ``overview``."""

    def __init__(self, services: ApiServices, overview: Overview) -> None:
        self._services = services
        self._overview = overview
        self._roster = Roster(services)

    async def find(self, wanted: Which, only: Filter | State | None, limit: int, offset: int) -> Found:
        """Those that this is true of, in their order."""
        placed = await self._overview.all()
        view = View(self._services)
        chosen = [each async for each in in_turns(placed) if _is(each, only) and fits(each.seat, wanted, view)]
        page = in_turns(chosen[offset : offset + limit])
        rows = tuple([self.row(self._roster.again(each.seat), view) async for each in page])
        return Found(rows, len(chosen), counted(placed))

    def row(self, seat: Seat, view: View) -> Glance:
        """One machine as it is now."""
        attempt, standing, shown = self._overview.current(seat), view.standing(seat), view.machine(seat)
        trouble, booting = self._overview.trouble(seat), self._overview.booting(attempt, standing)
        stage, detail = stage_words(attempt)
        told_apart = f"(record {seat.record.id})" if shown.conflict and seat.record else ""
        return Glance(
            key=key_of(seat),
            name=shown.name or "",
            mac=shown.mac or "",
            what=" ".join(filter(None, (shown.manufacturer, shown.product, told_apart))),
            state=standing.state,
            why=standing.why,
            rank=rank_of(standing, booting, trouble is not None or bool(shown.conflict)),
            profile=shown.profile or "",
            booting=booting,
            progress=progress_of(attempt) if booting or trouble else None,
            stage=stage,
            detail=detail,
            seen=latest(seat, attempt),
            trouble=trouble,
            conflict=shown.conflict or "",
        )


def _is(placed: Placed, only: Filter | State | None) -> bool:
    match only:
        case None:
            return True
        case Filter.TROUBLE:
            return placed.rank is Rank.TROUBLE
        case Filter.BOOTING:
            return placed.booting
        case State():
            return placed.state is only
