"""The fleet as it is shown: each machine of the files with its record, then the records no file knows.

A file is the truth for what is in it: what the API set beside that is kept, shown nowhere as valid, and `disputed`
says what to refuse.  Each value says where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar
from uuid import UUID

from netbootd.boot.args import ArgSetting, merge
from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.boot.plan import LocalMethod
from netbootd.fleet.identity import Conflict
from netbootd.fleet.record import Record
from netbootd.fleet.snapshot import Snapshot
from netbootd.wire.mac import Mac

T = TypeVar("T")


class Origin(Enum):
    """Who says so, the surest first."""

    FILE = "file"
    API = "api"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """``where``: the file and line, or who set it."""

    value: T
    origin: Origin
    where: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """One machine: what a file says of it, what is on record, or both."""

    machine: Machine | None
    record: Record | None
    name: Value[str] | None
    profile: Value[str] | None
    args: tuple[Value[ArgSetting], ...]
    """The API's are below the file's, key by key."""
    macs: tuple[Value[Mac], ...]
    uuid: Value[UUID] | None
    serial: Value[str] | None
    local: Value[LocalMethod] | None
    """Its own, whatever its profile says."""
    soft_serial: Value[str] | None
    approved: Value[str] | None
    """By whom; a file that lists a machine approves it."""


def merged(machine: Machine | None, record: Record | None) -> Merged:
    """Of one machine; at least one of the two is there."""
    where = machine.origin if machine else ""
    made_by = record.origin if record else ""
    approval = record.approved if record else None

    def chosen(in_file: T | None, by_api: T | None, seen: T | None = None) -> Value[T] | None:
        if in_file is not None:
            return Value(in_file, Origin.FILE, where)
        if by_api is not None:
            return Value(by_api, Origin.API, made_by)
        return Value(seen, Origin.SEEN) if seen is not None else None

    return Merged(
        machine,
        record,
        name=chosen(machine.name if machine else None, record.name if record else None),
        profile=chosen(machine.profile if machine else None, record.profile if record else None),
        args=_args(machine, record),
        macs=_macs(machine, record),
        uuid=chosen(machine.uuid if machine else None, None, record.uuid if record else None),
        serial=chosen(machine.serial if machine else None, None, record.serial if record else None),
        local=chosen(machine.local if machine else None, record.local if record else None),
        soft_serial=_assigned(machine, record) or chosen(None, record.soft_serial if record else None),
        approved=chosen(where if machine else None, approval.by if approval else None),
    )


def roster(fleet: Snapshot, records: Iterable[Record]) -> tuple[tuple[Merged, ...], tuple[Conflict, ...]]:
    """Everybody, and the machines of the files that more than one record is about: those stand without a record."""
    of_machine: dict[int, list[Record]] = {}
    alone: list[Record] = []
    for record in records:
        if machine := machine_of(fleet, record):
            of_machine.setdefault(id(machine), []).append(record)
        else:
            alone.append(record)
    all_: list[Merged] = []
    conflicts: list[Conflict] = []
    for machine in fleet.machines:
        found = of_machine.get(id(machine), [])
        if len(found) > 1:
            conflicts.append(Conflict(f"{machine.name} of {machine.origin}", tuple(each.id for each in found)))
            alone += found
        all_.append(merged(machine, found[0] if len(found) == 1 else None))
    return (*all_, *(merged(None, record) for record in alone)), tuple(conflicts)


def machine_of(fleet: Snapshot, record: Record) -> Machine | None:
    """The machine of the files that this record is about: by a card, else by its uuid or serial number."""
    shown = (Facts(mac=mac, uuid=record.uuid, serial=record.serial) for mac in record.macs or (None,))
    return next((machine for facts in shown if (machine := fleet.named(facts))), None)


def disputed(machine: Machine | None, before: Record | None, after: Record) -> tuple[str, ...]:
    """What a change by the API would say against the file, one sentence each; then it is refused."""
    if machine is None:
        return ()
    fixed = (
        ("name", machine.name),
        ("profile", machine.profile),
        ("local", machine.local),
        ("soft_serial", machine.soft_serial),
    )
    said = [
        f"its {field.replace('_', ' ')} is {getattr(value, 'value', value)!r} in {machine.origin}; change it there"
        for field, value in fixed
        if value is not None
        and (wanted := getattr(after, field)) not in (None, value)
        and wanted != getattr(before, field, None)
    ]
    ours = {setting.key: setting for setting in machine.args}
    known = before.args if before else ()
    said += [
        f"its argument {setting.key} is set in {ours[setting.key].origin}; change it there"
        for setting in after.args
        if setting.key in ours and setting.values != ours[setting.key].values and setting not in known
    ]
    return tuple(said)


def _assigned(machine: Machine | None, record: Record | None) -> Value[str] | None:
    """By the machine's own entry, or by its profile's range."""
    if machine and machine.soft_serial:
        return Value(machine.soft_serial, Origin.FILE, machine.origin)
    if record and record.soft_serial and record.soft_serial_by:
        return Value(record.soft_serial, Origin.FILE, record.soft_serial_by)
    return None


def _args(machine: Machine | None, record: Record | None) -> tuple[Value[ArgSetting], ...]:
    in_file = machine.args if machine else ()
    by_api = record.args if record else ()
    settings = merge(by_api, in_file)
    return tuple(Value(each, Origin.FILE if each in in_file else Origin.API, each.origin) for each in settings)


def _macs(machine: Machine | None, record: Record | None) -> tuple[Value[Mac], ...]:
    listed = machine.macs if machine else ()
    shown = tuple(mac for mac in (record.macs if record else ()) if mac not in listed)
    of_file = tuple(Value(mac, Origin.FILE, machine.origin) for mac in listed) if machine else ()
    return of_file + tuple(Value(mac, Origin.SEEN) for mac in shown)
