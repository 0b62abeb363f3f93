"""Which soft serial each machine of ours claims, found by it: nobody is installed with one that another has.

A claim is found anew for those alone that have changed, so that to ask costs the same however large the fleet is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from netbootd.boot.facts import Facts
from netbootd.boot.model import Boots, Machine
from netbootd.chain.serials import spoken
from netbootd.chain.world import World
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.merged import machine_of
from netbootd.fleet.record import Record
from netbootd.fleet.records import Records
from netbootd.fleet.sightings import called, facts_of, touched
from netbootd.fleet.soft_serials import Duplicate, duplicates
from netbootd.wire.mac import Mac

_AT_ONCE = 100  # machines looked at before packets get their turn


@dataclass(frozen=True, slots=True)
class _Claim:
    owner: str
    """The record's id, or a file's name for the machine."""
    name: str
    serial: str
    rank: tuple[int, float, str]
    """Machines of files are first, in their order; then records by age."""


class Claims:
    """Of machines that files list, and of records that are touched or armed.  ``known`` adds what a machine's iPXE
    said of it."""

    def __init__(
        self,
        world: Callable[[], World],
        records: Records,
        ledger: Ledger,
        *,
        known: Callable[[Facts], Facts] = lambda facts: facts,
    ) -> None:
        self._world = world
        self._records = records
        self._ledger = ledger
        self._known = known
        self._of: World | None = None
        self._places: dict[int, int] = {}  # of the files' machines, by identity: two may be equal
        self._by_owner: dict[str, _Claim] = {}
        self._by_serial: dict[str, dict[str, _Claim]] = {}
        self._due: dict[str, None] = {}  # ids of records
        self._listed: dict[int, Machine] = {}  # the files' machines that are due, by place
        self._armed = {entry.mac for entry in ledger.recorded() if entry.stage is not Stage.DISARMED}
        self._about: dict[str, Machine] = {}  # the files' machine that a record was about when it was looked at
        records.listen(self.changed)
        ledger.on_move(self._moved)

    def rival(self, serial: str, facts: Facts, machine: Machine | None) -> str:
        """Who else among ours has this soft serial, or ""."""
        for _ in self._look():
            pass
        record = self._world().recorded(facts)
        own = {record.id if record else "", in_file(machine)}
        found = [claim for owner, claim in self._by_serial.get(serial.lower(), {}).items() if owner not in own]
        return min(found, key=lambda claim: claim.rank).name if found else ""

    async def twice(self) -> tuple[Duplicate, ...]:
        """What two of them claim."""
        for number, _ in enumerate(self._look(), 1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
        several = (claims.values() for claims in self._by_serial.values() if len(claims) > 1)
        ranked = sorted((claim for claims in several for claim in claims), key=lambda claim: claim.rank)
        return duplicates((claim.serial, claim.name) for claim in ranked)

    def changed(self, id: str) -> None:
        """This record is another, or gone, or what is shown of it is."""
        self._due[id] = None

    def _moved(self, mac: Mac) -> None:
        entry = self._ledger.entry(mac)
        if entry is not None and entry.stage is not Stage.DISARMED:
            self._armed.add(mac)
        else:
            self._armed.discard(mac)
        for record in self._records.of_card(mac):
            self._due[record.id] = None

    def _look(self) -> Iterator[None]:
        """At all that are due, one after the other; a turn of others may come in between."""
        while True:
            self._follow()
            if self._listed:
                place = next(iter(self._listed))
                self._list(self._listed.pop(place))
            elif self._due:
                id = next(iter(self._due))
                del self._due[id]
                self._record(id)
            else:
                return
            yield

    def _follow(self) -> None:
        """After a reload all are looked at anew."""
        world = self._world()
        if world is self._of:
            return
        self._of = world
        self._by_owner, self._by_serial, self._about = {}, {}, {}
        machines = world.fleet.machines
        self._places = {id(machine): place for place, machine in enumerate(machines)}
        self._listed = dict(enumerate(machines))
        self._due = dict.fromkeys(record.id for record in self._records.all())

    def _record(self, id_: str) -> None:
        record = self._records.get(id_)
        machine = machine_of(self._world().fleet, record) if record else None
        before = self._about.pop(id_, None)
        if before is not None and before is not machine:
            self._list(before)
        if machine is not None:
            self._about[id_] = machine
            self._list(machine, record)
        ours = record is not None and (touched(record) or not self._armed.isdisjoint(record.macs))
        if record is not None and record.macs and machine is None and ours:
            facts = self._known(facts_of(record, record.macs[0]))
            self._put(record.id, called(record), facts, None, (1, record.first_seen or 0.0, record.id))
        else:
            self._take(id_)

    def _list(self, machine: Machine, shown: Record | None = None) -> None:
        """One that is named without a card is who has shown what names it."""
        place = self._places.get(id(machine))
        if place is None:
            return
        facts = self._known(Facts(mac=next(iter(machine.macs), None), uuid=machine.uuid, serial=machine.serial))
        shown = self._world().recorded(facts) or shown
        if shown and shown.macs:
            facts = self._known(facts.over(facts_of(shown, shown.macs[0])))
        self._put(in_file(machine), in_file(machine), facts, machine, (0, float(place), ""))

    def _put(self, owner: str, name: str, facts: Facts, machine: Machine | None, rank: tuple[int, float, str]) -> None:
        self._take(owner)
        world = self._world()
        assignment = world.assignment(facts, machine)
        once = assignment.profile is not None and assignment.profile.boots is Boots.ONCE
        if once and (serial := spoken(world, assignment, facts)):
            claim = _Claim(owner, name, serial, rank)
            self._by_owner[owner] = claim
            self._by_serial.setdefault(serial.lower(), {})[owner] = claim

    def _take(self, owner: str) -> None:
        claim = self._by_owner.pop(owner, None)
        if claim is None:
            return
        serial = claim.serial.lower()
        del self._by_serial[serial][owner]
        if not self._by_serial[serial]:
            del self._by_serial[serial]


def in_file(machine: Machine | None) -> str:
    """A file's name for a machine of it."""
    return f"{machine.name} of {machine.origin}" if machine else ""
