"""The whole fleet, put in order and counted: who is in trouble, who boots, who waits, and the rest.

Looking at every machine takes a while where there are thousands, so what was found is used again for as long as
makes it a small share of the daemon's time; a small fleet is always looked at anew, and among many strangers those
that somebody knows as often as their own number allows.  The page and the metrics share what was found.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from netbootd.fleet.attempts import QUIET
from netbootd.fleet.lifecycle import Standing, State
from netbootd.fleet.record import Attempt, Outcome, Reached, Step, Transfer
from netbootd.observe.diagnosis.model import Cause, Diagnosis
from netbootd.serve.admin.roster import Roster, Seat
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.view import View
from netbootd.serve.turns import in_turns
from netbootd.wire.mac import Mac

_SHARE = 20  # times as long as it took to look, what was found is used
_ALWAYS_ANEW = 0.05  # seconds that looking may take and be done each time


class Rank(IntEnum):
    """Who comes first."""

    TROUBLE = 0
    BOOTING = 1
    STRANGER = 2
    ARMED = 3
    REST = 4


_NEWEST_FIRST = (Rank.TROUBLE, Rank.BOOTING, Rank.STRANGER)


@dataclass(frozen=True, slots=True)
class Placed:
    """One machine in its place; ``cause``: what is wrong with it, where that is known."""

    seat: Seat
    state: State
    rank: Rank
    booting: bool
    cause: Cause | None
    order: tuple[int, bool, float, str]
    """Of those in one case strangers come last: anybody can make up cards that boot, or are in trouble."""
    known: bool = True
    """A file lists it, or somebody did something about it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many there are of each.  A machine that failed long ago is in trouble and has no cause."""

    total: int
    trouble: int
    booting: int
    states: Counter[State]
    causes: Counter[Cause]

    @classmethod
    def none(cls) -> Counts:
        """Before anybody has counted."""
        return cls(0, 0, 0, Counter(), Counter())


class Overview:
    """``clock`` is monotonic seconds."""

    def __init__(self, services: ApiServices, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._roster = Roster(services)
        self._clock = clock
        self._looking = asyncio.Lock()
        self._placed: tuple[Placed, ...] = ()
        self._good_until = self._known_until = float("-inf")

    async def all(self) -> tuple[Placed, ...]:
        """Every machine, in order; packets get their turn between.  Whoever comes while a long look is taken gets what
        was found before."""
        now = self._clock()
        if now < self._known_until or (self._looking.locked() and self._good_until > float("-inf")):
            return self._placed
        async with self._looking:
            if self._clock() >= self._good_until:
                began = self._clock()
                self._placed = await self._look()
                taken = self._clock() - began
                self._good_until = self._clock() + _SHARE * taken if taken > _ALWAYS_ANEW else float("-inf")
                share = sum(each.known for each in self._placed) / max(1, len(self._placed))
                self._known_until = min(self._good_until, self._clock() + _SHARE * taken * share)
            elif self._clock() >= self._known_until:
                began = self._clock()
                self._placed = await self._known_anew()
                self._known_until = min(self._good_until, self._clock() + _SHARE * (self._clock() - began))
            return self._placed

    async def counts(self) -> Counts:
        """Of all of them."""
        return counted(await self.all())

    async def empty(self) -> bool:
        """Nobody has been seen, and nobody is listed."""
        return not await self.all()

    def current(self, seat: Seat) -> Attempt | None:
        """Its latest boot, as `boots` has it."""
        attempt = next(iter(self._kept(seat)), None)
        return self._with_moving(attempt, seat) if attempt else None

    def boots(self, seat: Seat) -> tuple[Attempt, ...]:
        """All that are kept, the latest first; in that one what is on its way right now is a step, too."""
        found = self._kept(seat)
        return (*(self._with_moving(each, seat) for each in found[:1]), *found[1:])

    def booting(self, attempt: Attempt | None, standing: Standing) -> bool:
        """Whether it boots, or its system is being installed."""
        return is_booting(attempt, self._services.wall()) or standing.state is State.INSTALLING

    def trouble(self, seat: Seat) -> Diagnosis | None:
        """The worst that is wrong with its latest boot."""
        return next(iter(self._services.diagnosed(seat.mac)), None) if seat.mac else None

    def troubles(self, seat: Seat, attempt: Attempt) -> tuple[Diagnosis, ...]:
        """All that is wrong with this boot of it, the worst first."""
        kept = self._services.attempts.get(attempt.id) or attempt
        return self._services.diagnosed_boot(seat.mac or attempt.mac, kept)

    def _kept(self, seat: Seat) -> tuple[Attempt, ...]:
        return self._services.boots(seat.record.id if seat.record else "", seat.macs)

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

    async def _look(self) -> tuple[Placed, ...]:
        view, placed = View(self._services), list[Placed]()
        async for seat in self._roster.all():
            placed.append(self._place(seat, view))
        return tuple(sorted(placed, key=lambda each: each.order))

    async def _known_anew(self) -> tuple[Placed, ...]:
        """Those that somebody knows in their places as of now, the strangers in those they had: however many cards are
        made up, a machine that boots is seen to."""
        view, strangers = View(self._services), [each for each in self._placed if not each.known]
        known = in_turns(self._roster.again(each.seat) for each in self._placed if each.known)
        placed = [self._place(seat, view) async for seat in known]
        return tuple(sorted([*strangers, *placed], key=lambda each: each.order))

    def _known(self, mac: Mac) -> bool:
        return self._services.records.known(mac) or self._services.ledger.entry(mac) is not None

    def _place(self, seat: Seat, view: View) -> Placed:
        attempt, standing, trouble = self.current(seat), view.standing(seat), self.trouble(seat)
        cause = trouble.cause if trouble else Cause.SHARED_IDENTITY if view.conflict(seat) else None
        booting = self.booting(attempt, standing)
        rank = rank_of(standing, booting, cause is not None)
        newest = -(latest(seat, attempt) or 0.0) if rank in _NEWEST_FIRST else 0.0
        known = seat.machine is not None or (seat.mac is not None and self._known(seat.mac))
        return Placed(
            seat, standing.state, rank, booting, cause, (rank, not known, newest, view.called(seat).lower()), known
        )


def counted(placed: Sequence[Placed]) -> Counts:
    """How many of these there are of each."""
    states = Counter(each.state for each in placed)
    causes = Counter(each.cause for each in placed if each.cause)
    trouble = sum(each.rank is Rank.TROUBLE for each in placed)
    return Counts(states.total(), trouble, sum(each.booting for each in placed), states, causes)


def rank_of(standing: Standing, booting: bool, troubled: bool) -> Rank:
    """Trouble first, then what moves, then who waits for a person's word."""
    if troubled or standing.state is State.FAILED:
        return Rank.TROUBLE
    if booting or standing.state is State.INSTALLING:
        return Rank.BOOTING
    if standing.state is State.DISCOVERED:
        return Rank.STRANGER
    return Rank.ARMED if standing.state is State.ARMED else Rank.REST


def is_booting(attempt: Attempt | None, now: float) -> bool:
    """Whether something happens, or happened a moment ago."""
    return attempt is not None and attempt.outcome is Outcome.RUNNING and now - attempt.last < QUIET


def latest(seat: Seat, attempt: Attempt | None) -> float | None:
    """When it was heard of last."""
    times = [attempt.last if attempt else None, seat.record.last_seen if seat.record else None]
    return max((each for each in times if each is not None), default=None)
