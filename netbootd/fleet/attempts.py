"""The boots of each machine, put together from what happens: stages with their times and bytes.

An observer: it decides nothing, and nothing waits for it.  What happens is told as `Happening` values (`observe.boots`
makes them of events); what is to be written down is fetched with `Attempts.take`.  A happening belongs to the machine
whose card it names, by whichever of its cards, else to who was last at its address.

A boot is a new one when the machine begins from the start after it had come further, and whenever it was quiet for
long.  Room is bounded: boots that came no further than an offer go first, so that made-up cards push out nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from netbootd.boot.recent import Recent
from netbootd.fleet.happening import ALWAYS_KEPT, OVER, Happening, taken_in
from netbootd.fleet.record import Attempt, DropAttempts, Outcome, PutAttempt, Reached, RecordChange, Step
from netbootd.wire.mac import Mac

QUIET = 300.0
"""Seconds without a word after which what comes belongs to another boot."""
ON_ITS_WAY = 60.0
"""Seconds; a machine left to its disk may still try its other cards and HTTP Boot."""
_FIRST = (Reached.FIRMWARE, Reached.IPXE)
_FAR = frozenset({Reached.SCRIPT, Reached.FILE, Reached.PAYLOAD, Reached.LOCAL, Reached.SYSTEM, Reached.END})
_YOUNG = 3600.0  # seconds
_TRIES = 64  # boots looked at for one that may go, so that a flood costs the same however many may not
_SYSTEMS = 4  # times that an ordinary system shows up and it is written down


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept."""

    age: float = 90 * 86400.0
    """Seconds since something last happened."""
    per_machine: int = 20
    total: int = 5000
    steps: int = 64
    """Of one boot."""


class Attempts:
    """``owner`` gives the id of the record that has a card, or "", ``known_card`` whether somebody knows its machine;
    ``took`` is told of each boot as it was before something happened, None where it only began, and as it is now."""

    def __init__(
        self,
        known: Iterable[Attempt] = (),
        *,
        new_id: Callable[[], str],
        owner: Callable[[Mac], str] = lambda _mac: "",
        known_card: Callable[[Mac], bool] = lambda _mac: False,
        took: Callable[[Attempt | None, Attempt], None] = lambda _before, _after: None,
        limits: Limits = Limits(),
    ) -> None:
        self._new_id = new_id
        self._owner = owner
        self._known_card = known_card
        self._took = took
        self._limits = limits
        self._attempts: dict[str, Attempt] = {}  # the one begun first is first
        self._near: dict[str, None] = {}  # ids of those that came no further than an offer, in the same order
        self._of: dict[str, list[str]] = {}  # ids by machine, the latest last
        self._at: Recent[str, str] = Recent(limits.total)  # machines by address
        self._changed: dict[str, None] = {}
        self._far: dict[str, None] = {}  # and of the others
        self._dropped: list[str] = []
        self.pushed_out = 0
        """Boots that had to go soon after they began, as too many others did."""
        for attempt in sorted(known, key=lambda each: each.started):
            self._file(attempt)

    def happened(self, what: Happening) -> None:
        """Take it in; what belongs to nobody known is left out."""
        machine = self._machine(what)
        if machine is None:
            return
        shared = self._shared(machine, what)
        if what.ip:
            self._at.put(what.ip, machine)
        current = self.current(machine)
        if current is not None and what.stage is Reached.SYSTEM and not _of_interest(current, what):
            return
        if current is None or _begins_anew(current, what):
            if what.mac is None or what.joins or (what.stage in ALWAYS_KEPT and not what.awaited):
                return
            self._close(current, what)
            current = self._begin(machine, what)
        current = taken_in(current, what, self._limits.steps)
        self._store(replace(current, shared=True) if shared else current)

    def current(self, machine: str) -> Attempt | None:
        """The latest boot; ``machine`` is a record's id, or a card of none."""
        ids = self._of.get(machine)
        return self._attempts[ids[-1]] if ids else None

    def of(self, machine: str) -> tuple[Attempt, ...]:
        """All boots that are kept, the latest first."""
        return tuple(self._attempts[id] for id in reversed(self._of.get(machine, ())))

    def get(self, id: str) -> Attempt | None:
        """The boot of this id."""
        return self._attempts.get(id)

    def ended(self, id: str, done: bool, at: float, detail: str) -> None:
        """How the installation of this boot ended."""
        attempt = self._attempts.get(id)
        if attempt is None:
            return
        what = Happening(Reached.END, at, detail=detail, trouble=not done)
        outcome = Outcome.INSTALLED if done else Outcome.FAILED
        self._store(replace(taken_in(attempt, what, self._limits.steps), outcome=outcome))

    def moved(self, machine: str, to: str) -> None:
        """A record became part of another, and so do its boots."""
        for id in self._of.pop(machine, []):
            self._of.setdefault(to, []).append(id)
            self._store(replace(self._attempts[id], record=to))
        self._of.get(to, []).sort(key=lambda id: self._attempts[id].started)

    def forget(self, machine: str) -> None:
        """There is no such machine any more."""
        for id in list(self._of.get(machine, ())):
            self._drop(id)

    def learn(self, attempt: Attempt) -> None:
        """What is on disk: another daemon put it there."""
        if self._attempts.get(attempt.id) == attempt:
            return
        self.unlearn(attempt.id)
        self._file(attempt)
        self._of[attempt.record or str(attempt.mac)].sort(key=lambda id: self._attempts[id].started)

    def unlearn(self, id: str) -> None:
        """It is no longer on disk."""
        attempt = self._attempts.pop(id, None)
        if attempt is None:
            return
        self._near.pop(id, None)
        self._far.pop(id, None)
        self._changed.pop(id, None)
        machine = attempt.record or str(attempt.mac)
        self._of[machine].remove(id)
        if not self._of[machine]:
            del self._of[machine]

    def unlearn_machine(self, machine: str) -> None:
        """Nor is its record."""
        for id in list(self._of.get(machine, ())):
            self.unlearn(id)

    def twin(self, attempt: Attempt, within: float) -> Attempt | None:
        """Another boot of the same machine that began at about the same time."""
        near = (each for each in self.of(attempt.record or str(attempt.mac)) if each.id != attempt.id)
        return next((each for each in near if abs(each.started - attempt.started) <= within), None)

    def join(self, attempt: Attempt, gone: str) -> None:
        """Two turned out to be one."""
        self._drop(gone)
        self._store(attempt)

    def prune(self, now: float) -> None:
        """Close what came no further, and drop what is too old."""
        for attempt in list(self._attempts.values()):
            if now - attempt.last > self._limits.age:
                self._drop(attempt.id)
            elif attempt.outcome is Outcome.RUNNING and now - attempt.last > QUIET:
                self._store(replace(attempt, outcome=Outcome.ABANDONED))

    def take(self) -> tuple[RecordChange, ...]:
        """What has changed since this was last asked."""
        changes: list[RecordChange] = [DropAttempts(tuple(self._dropped))] if self._dropped else []
        changes += [PutAttempt(self._attempts[id]) for id in self._changed]
        self._dropped, self._changed = [], {}
        return tuple(changes)

    def __len__(self) -> int:
        return len(self._attempts)

    def _machine(self, what: Happening) -> str | None:
        if what.mac is not None:
            return self._owner(what.mac) or str(what.mac)
        return self._at.get(what.ip)

    def _shared(self, machine: str, what: Happening) -> bool:
        """Whether another machine got its script at the same address, a moment ago; that one's is shared as well.
        A DHCP packet may name any address: it says nothing of this."""
        other = self._at.get(what.ip) if what.ip and what.mac and what.stage is Reached.SCRIPT else machine
        before = self.current(other) if other and other != machine else None
        if before is None or what.at - before.last > QUIET or not _reached(before, Reached.SCRIPT):
            return False
        if not before.shared:
            self._store(replace(before, shared=True))
        return True

    def _begin(self, machine: str, what: Happening) -> Attempt:
        assert what.mac is not None, "only a card begins a boot"
        ids = self._of.get(machine, [])
        if len(ids) >= self._limits.per_machine:
            self._drop(next((id for id in ids if id in self._near), ids[0]))
        while len(self._attempts) >= self._limits.total:
            victim = self._attempts[self._victim()]
            self.pushed_out += what.at - victim.started < _YOUNG
            self._drop(victim.id)
        attempt = Attempt(self._new_id(), self._owner(what.mac), what.mac, what.at, what.at)
        self._file(attempt)
        return attempt

    def _close(self, attempt: Attempt | None, what: Happening) -> None:
        if attempt is None:
            return
        if _reached(attempt, Reached.PAYLOAD):
            attempt = taken_in(attempt, replace(what, stage=Reached.AGAIN), self._limits.steps)
        ended = Outcome.ABANDONED if attempt.outcome is Outcome.RUNNING else attempt.outcome
        self._store(replace(attempt, outcome=ended))

    def _victim(self) -> str:
        """First who only asked, and never one of a machine that somebody knows while there are others."""
        return self._stranger(self._near) or self._stranger(self._far) or next(iter(self._attempts))

    def _stranger(self, line: dict[str, None]) -> str | None:
        for _ in range(min(len(line), _TRIES)):
            id = next(iter(line))
            if not self._known_card(self._attempts[id].mac):
                return id
            del line[id]
            line[id] = None
        return None

    def _file(self, attempt: Attempt) -> None:
        self._attempts[attempt.id] = attempt
        (self._far if far(attempt) else self._near)[attempt.id] = None
        self._of.setdefault(attempt.record or str(attempt.mac), []).append(attempt.id)

    def _store(self, attempt: Attempt) -> None:
        before = self._attempts.get(attempt.id)
        self._took(before if before and before.steps else None, attempt)
        self._attempts[attempt.id] = attempt
        if far(attempt):
            self._near.pop(attempt.id, None)
            self._far[attempt.id] = None
        self._changed[attempt.id] = None

    def _drop(self, id: str) -> None:
        self.unlearn(id)
        self._dropped.append(id)


def far(attempt: Attempt) -> bool:
    """Whether more happened than an offer."""
    return any(step.stage not in _FIRST for step in attempt.steps)


def last_step(attempt: Attempt) -> Step | None:
    """What happened last, later repetitions included."""
    return max(attempt.steps[::-1], key=lambda step: step.last, default=None)


def _of_interest(attempt: Attempt, what: Happening) -> bool:
    """Whether it matters that a system shows up: where a boot was awaited, and after one that led to a system; a few
    times, for it does so for years."""
    systems = sum(step.stage is Reached.SYSTEM for step in attempt.steps)
    if what.awaited:
        return systems < _SYSTEMS
    led_to_one = _reached(attempt, Reached.PAYLOAD) or _reached(attempt, Reached.LOCAL)
    return led_to_one and not _reached(attempt, Reached.AGAIN) and systems < _SYSTEMS


def _begins_anew(attempt: Attempt, what: Happening) -> bool:
    """Whether a machine in this boot that does this has begun another."""
    idle = what.at - attempt.last
    if what.goes_on:
        return False
    match what.stage:
        case Reached.FIRMWARE | Reached.IPXE:
            if idle > QUIET:
                return True
            if attempt.outcome is Outcome.LOCAL and idle <= ON_ITS_WAY:
                return False
            loaded = what.stage is Reached.FIRMWARE and _reached(attempt, Reached.LOADER)
            return loaded or any(step.stage in _FAR for step in attempt.steps)
        case Reached.SCRIPT | Reached.LOCAL | Reached.LOADER:  # where no DHCP is seen, a boot begins with these
            return idle > QUIET or any(step.stage in OVER for step in attempt.steps)
        case Reached.SYSTEM:
            return what.awaited and idle > QUIET and any(step.stage is not Reached.SYSTEM for step in attempt.steps)
        case _:
            return False


def _reached(attempt: Attempt, stage: Reached) -> bool:
    """Really: to have asked for the size of a boot program is not to have fetched it."""
    return any(step.stage is stage and not step.trouble and (step.bytes or not step.transfer) for step in attempt.steps)
