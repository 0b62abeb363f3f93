"""What was made of a machine, kept for as long as nothing it was made of is another.

A list of twenty thousand machines is looked at whole each time, and what is to be said of one takes a hundred times as
long to find out as whether it could be anything else by now.  Nobody has to tell of a change, so none can be missed:
what a machine is made of is gathered each time and compared.  `Traces` does that, `Kept` is where what was made lies.

All that decisions ask of a machine they look up by its cards, by the other cards a file or a record says are its own,
and by its board; so these, and what lies there, are its trace.  What depends on time, or on anything beside, must not
be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from netbootd.boot.facts import Facts
from netbootd.boot.recent import Recent
from netbootd.chain.world import World
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.identity import board
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.records import Records
from netbootd.fleet.sightings import Mark, facts_of
from netbootd.wire.mac import Mac

K = TypeVar("K")
V = TypeVar("V")

ROOM = 32768
"""Machines it is kept of; more than there are records."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The very same object for as long as all of this is the same."""

    marks: tuple[Mark, ...]
    """All that its records are looked up by."""
    cards: tuple[Mac, ...]
    """Those of these that may be in the ledger."""
    found: tuple[object, ...]
    """What lies there, and all the rest."""


class Traces:
    """``known`` is what a machine's iPXE said of it."""

    def __init__(
        self,
        world: Callable[[], World],
        records: Records,
        ledger: Ledger,
        attempts: Attempts,
        known: Callable[[Mac], Facts],
        room: int = ROOM,
    ) -> None:
        self._world = world
        self._records = records
        self._ledger = ledger
        self._attempts = attempts
        self._known = known
        self._traces: Recent[Mac, Trace] = Recent(room)
        self._seen: World | None = None
        self._loads = 0

    def of(self, mac: Mac) -> Trace:
        """Of the machine with this card: another one than before where anything may be otherwise now."""
        before = self._traces.get(mac)
        if before is not None and before.found == self._found(mac, before.marks, before.cards):
            return before
        made = self._made(mac)
        self._traces.put(mac, made)
        return made

    def _made(self, mac: Mac) -> Trace:
        facts = self._known(mac)
        shown = board(facts)
        near = self._records.marked(*self._listed(mac), shown)
        shown_by = (mac, *(card for record in near for card in record.macs))
        cards = tuple(dict.fromkeys(card for each in shown_by for card in self._listed(each)))
        told = (board(each) for record in near for each in (record, facts.over(facts_of(record, mac))))
        boards = dict.fromkeys(each for each in (shown, *told) if each)
        marks: tuple[Mark, ...] = (*cards, *boards) if boards else cards
        return Trace(marks, cards, self._found(mac, marks, cards))

    def _found(self, mac: Mac, marks: tuple[Mark, ...], cards: tuple[Mac, ...]) -> tuple[object, ...]:
        """Of the same files, facts and records come the same marks, so these need not be in it.  One flat tuple: the
        garbage collector holds the loop for each object there is."""
        records = self._records.marked(*marks)
        boots = [self._attempts.current(record.id) for record in records]
        found = (*records, *boots, self._attempts.current(str(mac)), *self._ledger.traced(cards))
        return (self._loaded(), self._known(mac), len(records), *found)

    def _loaded(self) -> int:
        """Which world it is: to keep one that was is to keep all its files."""
        if (world := self._world()) is not self._seen:
            self._seen, self._loads = world, self._loads + 1
        return self._loads

    def _listed(self, mac: Mac) -> tuple[Mac, ...]:
        machine = self._world().fleet.machine(mac)
        return machine.macs if machine else (mac,)


class Kept(Generic[K, V]):
    """``lasts`` says of a value whether it may be kept at all: one that time makes another must not."""

    def __init__(self, lasts: Callable[[V], bool] = lambda _value: True, room: int = ROOM) -> None:
        self._lasts = lasts
        self._kept: Recent[K, tuple[object, V]] = Recent(room)

    def of(self, key: K, trace: object, make: Callable[[], V]) -> V:
        """What was made of it while its trace was this one, else what is made of it now."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] == trace:
            return kept[1]
        made = make()
        if self._lasts(made):
            self._kept.put(key, (trace, made))
        return made
