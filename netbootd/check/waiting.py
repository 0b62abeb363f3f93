"""Machines that nobody has armed yet, for advice."""

from __future__ import annotations

from collections.abc import Iterable

from netbootd.boot.model import Boots, Machine
from netbootd.chain.world import World
from netbootd.check.machines import by_secret, facts_told, made
from netbootd.fleet.record import Record

_NAMED = 8  # machines in one sentence


def waiting(world: World, records: Iterable[Record] = ()) -> tuple[Machine, ...]:
    """Machines that a file lists or somebody made or approved, whose profile boots once, and that nobody has ever armed
    or left to their disks."""
    ours = [record for record in records if record.profile or record.approved]
    return tuple(m for m in (*world.fleet.machines, *made(world, ours)) if _waits(world, m))


def waiting_told(world: World, records: Iterable[Record] = ()) -> str:
    """The same as a sentence that says how they are armed, or ""."""
    names = waiting_named(world, records)
    return f"waiting to be armed: {names}; arm one: netbootd machines install NAME" if names else ""


def waiting_named(world: World, records: Iterable[Record] = ()) -> str:
    """Their names, as many as can be read."""
    names = [machine.name for machine in waiting(world, records)]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _waits(world: World, machine: Machine) -> bool:
    """One that is named without a card is armed by the card it shows, which is not known here."""
    profile = world.assignment(facts_told(world, machine), by_secret(machine)).profile
    return (
        bool(machine.macs)
        and profile is not None
        and profile.boots is Boots.ONCE
        and not profile.auto
        and world.stage(machine.macs[0]) is None
    )
