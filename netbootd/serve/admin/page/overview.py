"""The whole fleet, put in order and counted: who is in trouble, who boots, who waits, and the rest.

Looking at every machine takes a while where there are thousands, so what was found is used again for as long as
makes it a small share of the daemon's time; a small fleet is always looked at anew.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from netbootd.fleet.lifecycle import State
from netbootd.fleet.record import Attempt, Reached, Step, Transfer
from netbootd.observe.diagnosis.model import Diagnosis
from netbootd.serve.admin.asked import Which
from netbootd.serve.admin.machines import fits
from netbootd.serve.admin.page.glance import (
    Filter,
    Glance,
    Rank,
    is_booting,
    key_of,
    progress_of,
    rank_of,
    stage_words,
)
from netbootd.serve.admin.roster import Roster, Seat
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.view import View

_SHARE = 20  # times as long as it took to look, what was found is used
_ALWAYS_ANEW = 0.05  # seconds that looking may take and be done each time
_AT_ONCE = 25
"""Machines looked at before packets get their turn."""
_NEWEST_FIRST = (Rank.TROUBLE, Rank.BOOTING, Rank.STRANGER)


@dataclass(frozen=True, slots=True)
class Placed:
    """One machine in its place."""

    seat: Seat
    state: State
    rank: Rank
    booting: bool
    order: tuple[int, float, str]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are of each."""

    total: int
    trouble: int
    booting: int
    states: Counter[State]


@dataclass(frozen=True, slots=True)
class Found:
    """Some machines: one page of ``total``."""

    rows: tuple[Glance, ...]
    total: int
    counts: Counts


class Overview:
    """``clock`` is monotonic seconds."""

    def __init__(self, services: ApiServices, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._roster = Roster(services)
        self._clock = clock
        self._looking = asyncio.Lock()
        self._placed: tuple[Placed, ...] = ()
        self._good_until = float("-inf")

    async def find(self, wanted: Which, only: Filter | State | None, limit: int, offset: int) -> Found:
        """Those that this is true of, in their order."""
        placed = await self._look()
        view = View(self._services)
        chosen: list[Placed] = []
        for number, each in enumerate(placed, 1):
            if _is(each, only) and fits(each.seat, wanted, view):
                chosen.append(each)
            if number % 500 == 0:
                await asyncio.sleep(0)
        rows = tuple(self._row(each.seat, view) for each in chosen[offset : offset + limit])
        return Found(rows, len(chosen), _counts(placed))

    async def empty(self) -> bool:
        """Nobody has been seen, and nobody is listed."""
        return not await self._look()

    def glance(self, seat: Seat, view: View) -> Glance:
        """One machine as it is now."""
        now = self._services.wall()
        attempt, standing, shown = self.current(seat), view.standing(seat), view.machine(seat)
        trouble, booting = self.trouble(seat), is_booting(attempt, now)
        stage, detail, at = stage_words(attempt)
        return Glance(
            key=key_of(seat),
            name=shown.name or "",
            mac=shown.mac or "",
            what=" ".join(filter(None, (shown.manufacturer, shown.product))),
            state=standing.state,
            why=standing.why,
            rank=rank_of(standing, booting, trouble is not None or bool(shown.conflict)),
            profile=shown.profile or "",
            booting=booting or standing.state is State.INSTALLING,
            progress=progress_of(attempt) if booting or standing.state is State.INSTALLING or trouble else None,
            stage=stage,
            stage_at=at,
            detail=detail,
            seen=_latest(seat, attempt),
            trouble=trouble,
            conflict=shown.conflict or "",
        )

    def current(self, seat: Seat) -> Attempt | None:
        """Its latest boot, as `boots` has it."""
        found = filter(None, map(self._services.attempts.current, _keys(seat)))
        attempt = max(found, key=lambda each: each.started, default=None)
        return self._with_moving(attempt, seat) if attempt else None

    def boots(self, seat: Seat) -> tuple[Attempt, ...]:
        """All that are kept, the latest first; in that one what is on its way right now is a step, too."""
        found = tuple(each for key in _keys(seat) for each in self._services.attempts.of(key))
        return tuple(self._with_moving(each, seat) if place == 0 else each for place, each in enumerate(found))

    def _with_moving(self, attempt: Attempt, seat: Seat) -> Attempt:
        running = self._services.running
        moving = running.of(map(str, seat.macs))
        if moving is None:
            return attempt
        at = self._services.wall() - running.quiet(moving)
        scripted = any(step.stage is Reached.SCRIPT for step in attempt.steps)
        stage = Reached.FILE if scripted else Reached.LOADER
        transfer = Transfer(moving.via, moving.size, moving.sent, moving.seconds)
        step = Step(stage, at, moving.sent, last=at, file=moving.file, transfer=transfer)
        return replace(attempt, steps=(*attempt.steps, step), last=max(attempt.last, at))

    def trouble(self, seat: Seat) -> Diagnosis | None:
        """The worst that is wrong with its latest boot."""
        return next(iter(self._services.diagnosed(seat.mac)), None) if seat.mac else None

    def troubles(self, seat: Seat, attempt: Attempt) -> tuple[Diagnosis, ...]:
        """All that is wrong with this boot of it, the worst first."""
        kept = self._services.attempts.get(attempt.id) or attempt
        return self._services.diagnosed_boot(seat.mac or attempt.mac, kept)

    def _row(self, seat: Seat, view: View) -> Glance:
        return self.glance(self._now(seat), view)

    def _now(self, seat: Seat) -> Seat:
        """As it is now; it was placed a moment ago."""
        if seat.conflict:
            return seat
        if seat.record is not None and (record := self._services.records.get(seat.record.id)):
            return Seat(seat.machine, record, seat.asked)
        return seat

    async def _look(self) -> tuple[Placed, ...]:
        if self._clock() < self._good_until:
            return self._placed
        async with self._looking:
            if self._clock() >= self._good_until:
                began = self._clock()
                view = View(self._services)
                placed = []
                async for seat in self._roster.all():
                    placed.append(self._place(seat, view))
                    if len(placed) % _AT_ONCE == 0:
                        await asyncio.sleep(0)
                placed.sort(key=lambda each: each.order)
                taken = self._clock() - began
                self._placed = tuple(placed)
                self._good_until = self._clock() + _SHARE * taken if taken > _ALWAYS_ANEW else float("-inf")
            return self._placed

    def _place(self, seat: Seat, view: View) -> Placed:
        attempt, standing = self.current(seat), view.standing(seat)
        booting = is_booting(attempt, self._services.wall()) or standing.state is State.INSTALLING
        troubled = bool(view.conflict(seat)) or self.trouble(seat) is not None
        rank = rank_of(standing, booting, troubled)
        newest = -(_latest(seat, attempt) or 0.0) if rank in _NEWEST_FIRST else 0.0
        return Placed(seat, standing.state, rank, booting, (rank, newest, view.called(seat).lower()))


def _keys(seat: Seat) -> tuple[str, ...]:
    return (seat.record.id,) if seat.record else tuple(map(str, seat.macs))


def _latest(seat: Seat, attempt: Attempt | None) -> float | None:
    times = [attempt.last if attempt else None, seat.record.last_seen if seat.record else None]
    return max((each for each in times if each is not None), default=None)


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


def _counts(placed: Sequence[Placed]) -> Counts:
    states = Counter(each.state for each in placed)
    trouble = sum(each.rank is Rank.TROUBLE for each in placed)
    return Counts(states.total(), trouble, sum(each.booting for each in placed), states)
