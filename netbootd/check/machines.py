"""The machines that are looked at, and what is known of each before it has ever booted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.chain.world import World
from netbootd.fleet.merged import machine_of
from netbootd.fleet.overlay import overlaid
from netbootd.fleet.record import Record
from netbootd.fleet.sightings import called
from netbootd.wire.mac import Mac

ANY_CARD = Mac.parse("02:00:00:00:00:01")
"""For a machine that is named without one."""


def made(world: World, records: Iterable[Record]) -> Iterator[Machine]:
    """Machines that no file lists."""
    for record in records:
        if record.macs and machine_of(world.fleet, record) is None:
            origin = f"the API ({record.origin})"
            known = overlaid(None, record, world.fleet.profiles) or Machine(record.macs, called(record), origin=origin)
            yield replace(known, serial=record.serial, uuid=record.uuid)


def facts_of(machine: Machine) -> Facts:
    """What is known of it before it has ever booted."""
    card = machine.macs[0] if machine.macs else ANY_CARD
    return Facts(mac=card, uuid=machine.uuid, serial=machine.serial, ip=machine.ip)


def facts_told(world: World, machine: Machine) -> Facts:
    """The same, and what its iPXE has said at an earlier boot."""
    return facts_of(machine).over(world.known(machine.macs[0])) if machine.macs else facts_of(machine)


def by_secret(machine: Machine) -> Machine | None:
    """The machine, where it is found by nothing but its secret."""
    return machine if machine.only_by_secret else None
