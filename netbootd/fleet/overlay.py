"""What somebody set for a machine by the API, laid under what a file says of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from netbootd.boot.args import ArgSetting, merge
from netbootd.boot.model import Machine
from netbootd.fleet.record import Record
from netbootd.fleet.sightings import called


def overlaid(machine: Machine | None, record: Record | None, profiles: Collection[str]) -> Machine | None:
    """The machine as it counts: of a file, of a record somebody set something in, of both, or of neither.

    A profile that the settings no longer have is none.
    """
    if record is None or not (record.name or record.profile or record.args or record.local):
        return machine
    args, profile = _args(record), record.profile if record.profile in profiles else None
    if machine is None:
        origin = f"the API ({record.origin})"
        return Machine(record.macs, called(record), profile, args, record.local, uuid=record.uuid, origin=origin)
    return replace(
        machine,
        profile=machine.profile or profile,
        args=merge_all(args, machine.args),
        local=machine.local or record.local,
    )


def merge_all(below: tuple[ArgSetting, ...], above: tuple[ArgSetting, ...]) -> tuple[ArgSetting, ...]:
    """As `merge`, but what takes an inherited argument away stays, as there are more layers below."""
    gone = [each for each in (*below, *above) if each.values is None]
    kept = merge(below, above)
    last = {each.key: each for each in (*below, *above)}
    return (*kept, *(each for each in gone if last[each.key] is each))


def _args(record: Record) -> tuple[ArgSetting, ...]:
    """With an origin that says whose they are, as those of a file do."""
    who = called(record)
    return tuple(replace(each, origin=f"machine {who}, by the API ({each.origin})") for each in record.args)
