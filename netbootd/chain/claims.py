"""Which soft serial a machine of ours claims, found by it: nobody is installed with one that another has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass

from netbootd.boot.facts import Facts
from netbootd.boot.model import Boots, Machine
from netbootd.chain.serials import spoken
from netbootd.chain.world import World
from netbootd.fleet.merged import machine_of
from netbootd.fleet.record import Record
from netbootd.fleet.sightings import called, facts_of, touched
from netbootd.fleet.soft_serials import Duplicate, duplicates
from netbootd.wire.mac import Mac

Known = Callable[[Facts], Facts]
"""Adds what a machine's iPXE said of it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """That a machine would be installed with this soft serial."""

    owner: str
    """The record's id, or a file's name for the machine."""
    name: str
    serial: str
    rank: tuple[int, float, str]
    """Machines of files are first, in their order; then records by age."""

    @property
    def key(self) -> str:
        """Case tells nobody apart."""
        return self.serial.lower()


def of_record(world: World, record: Record, armed: Set[Mac], known: Known) -> Claim | None:
    """That of a record that no file lists, and that is touched, or ``armed`` by one of its cards."""
    if not record.macs or not (touched(record) or not armed.isdisjoint(record.macs)):
        return None
    rank = (1, record.first_seen or 0.0, record.id)
    return _claim(world, record.id, called(record), known(facts_of(record, record.macs[0])), None, rank)


def of_machine(world: World, machine: Machine, place: int, known: Known, shown: Record | None = None) -> Claim | None:
    """That of a file's machine, which is in its ``place`` among them.  One that is named without a card is who has
    ``shown`` what names it."""
    facts = known(Facts(mac=next(iter(machine.macs), None), uuid=machine.uuid, serial=machine.serial))
    shown = world.recorded(facts) or shown
    if shown and shown.macs:
        facts = known(facts.over(facts_of(shown, shown.macs[0])))
    return _claim(world, in_file(machine), in_file(machine), facts, machine, (0, float(place), ""))


def every(world: World, records: Iterable[Record], armed: Set[Mac]) -> Mapping[str, tuple[Claim, ...]]:
    """Those of a whole fleet, by `Claim.key`; ``armed`` are cards."""
    places = {id(machine): place for place, machine in enumerate(world.fleet.machines)}  # two may be equal
    found = {in_file(m): of_machine(world, m, place, _no_more) for place, m in enumerate(world.fleet.machines)}
    for record in records:
        machine = machine_of(world.fleet, record)
        if machine is None:
            found[record.id] = of_record(world, record, armed, _no_more)
        elif (place := places.get(id(machine))) is not None:
            found[in_file(machine)] = of_machine(world, machine, place, _no_more, record)
    by_serial: dict[str, tuple[Claim, ...]] = {}
    for claim in filter(None, found.values()):
        by_serial[claim.key] = (*by_serial.get(claim.key, ()), claim)
    return by_serial


def rival(claims: Iterable[Claim], world: World, facts: Facts, machine: Machine | None) -> str:
    """Who, of those that claim one serial, is another than this machine; "" for nobody."""
    record = world.recorded(facts)
    own = {record.id if record else "", in_file(machine)}
    found = [claim for claim in claims if claim.owner not in own]
    return min(found, key=lambda claim: claim.rank).name if found else ""


def twice(by_serial: Iterable[Iterable[Claim]]) -> tuple[Duplicate, ...]:
    """What two of them claim."""
    ranked = sorted((claim for claims in by_serial for claim in claims), key=lambda claim: claim.rank)
    return duplicates((claim.serial, claim.name) for claim in ranked)


def in_file(machine: Machine | None) -> str:
    """A file's name for a machine of it."""
    return f"{machine.name} of {machine.origin}" if machine else ""


def _claim(
    world: World, owner: str, name: str, facts: Facts, machine: Machine | None, rank: tuple[int, float, str]
) -> Claim | None:
    assignment = world.assignment(facts, machine)
    once = assignment.profile is not None and assignment.profile.boots is Boots.ONCE
    serial = spoken(world, assignment, facts) if once else ""
    return Claim(owner, name, serial, rank) if serial else None


def _no_more(facts: Facts) -> Facts:
    return facts
