"""What a change does to the tables, and what they hold: the same for every database.

`run` must have the database to itself, in a transaction that no other writer gets between: a change is refused by what
it reads here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, insert, or_, select, true

from netbootd.fleet.changes import (
    NOBODY,
    Change,
    Entry,
    Forgot,
    Hand,
    Handing,
    Ids,
    Keeper,
    Known,
    Order,
    Put,
    Refused,
    Undo,
    Unhand,
)
from netbootd.fleet.grants import PutGrant, apply_grant
from netbootd.fleet.history import apply_history, read_history
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import DropAttempts, DropRecord, Prune, PutAttempt, PutRecord
from netbootd.fleet.state import StateError
from netbootd.fleet.tables import HANDINGS, MACHINES
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

LOOKER = -1
"""The owner of nothing: whoever reads beside the daemons."""

_STAGES = {"armed": Stage.ARMED, "given": Stage.GIVEN, "disarmed": Stage.DISARMED}
_WORDS = {stage: word for word, stage in _STAGES.items()}
_LONGEST = 200  # of what is said of who did it
_AT_ONCE = 500  # cards in one statement


def run(
    connection: Connection, changes: Iterable[Change], owner: int, otherwise: Callable[[Ids], None] = lambda _: None
) -> bool:
    """All of these changes, in order, or, where one is refused, none: then it is False.  ``otherwise`` is told of
    records and boots that are not as they were asked for."""
    try:
        with connection.begin_nested():
            for change in changes:
                otherwise(_apply(connection, change, owner))
    except Refused:
        return False
    return True


def read(connection: Connection, macs: Collection[Mac] | None, owner: int, running: Collection[int]) -> Known:
    """What is held of these cards, or of all; ``running`` are the daemons that are.  Raises `StateError`."""
    return Known(
        tuple(_entry(row) for row in _rows(connection, MACHINES, macs)),
        tuple(_handing(row, owner, running) for row in _rows(connection, HANDINGS, macs)),
    )


def look(connection: Connection, running: Collection[int] = ()) -> Known:
    """All that is held, records too, for whoever reads beside the daemons.  Raises `StateError`."""
    return replace(read(connection, None, LOOKER, running), records=read_history(connection, 0).records)


def begun_by_others(connection: Connection, owner: int) -> dict[Mac, int]:
    """Which machines' last files are on their way from another daemon, and which that is."""
    found = select(HANDINGS.c.mac, HANDINGS.c.owner).where(HANDINGS.c.begun, HANDINGS.c.owner != owner)
    return {_mac(mac): other for mac, other in connection.execute(found)}


def _rows(connection: Connection, table: Table, macs: Collection[Mac] | None) -> Iterable[Row[Any]]:
    if macs is None:
        return connection.execute(select(table))
    these = [str(mac) for mac in macs]
    parts = (these[start : start + _AT_ONCE] for start in range(0, len(these), _AT_ONCE))
    return [row for part in parts for row in connection.execute(select(table).where(table.c.mac.in_(part)))]


def _entry(row: Row[Any]) -> Entry:
    if row.stage not in _STAGES:
        raise StateError(f"it is damaged: {row.mac} has the stage {row.stage!r}")
    return Entry(_mac(row.mac), _STAGES[row.stage], row.since, row.by, row.generation)


def _handing(row: Row[Any], owner: int, running: Collection[int]) -> Handing:
    keeper = Keeper.US
    if row.begun and row.owner != owner:
        keeper = Keeper.ANOTHER if row.owner in running else Keeper.NOBODY
    return Handing(_mac(row.mac), row.ip, row.file, row.begun, keeper)


def _mac(text: str) -> Mac:
    try:
        return Mac(bytes.fromhex(text.replace(":", "")))
    except (ValueError, WireError):
        raise StateError(f"it is damaged: {text!r} is not a hardware address") from None


def _apply(connection: Connection, change: Change, owner: int) -> Ids:
    match change:
        case Order(entry, macs, late):
            rows, arms = _recorded(connection, macs), entry.stage is Stage.ARMED
            if any(row.generation >= entry.generation or ((late or arms) and row.since > entry.since) for row in rows):
                raise Refused
            if arms and rows and _all_armed(rows):  # its script may be out already
                raise Refused
            _record(connection, entry, macs)
        case Put(entry, macs):
            _must_be_armed(connection, macs, entry.generation)
            _record(connection, entry, macs)
        case Undo():
            _undo(connection, change)
        case Forgot(macs):
            _forget(connection, macs)
        case Hand(handing, macs, generation):
            _must_be_armed(connection, macs, generation)
            _hand(connection, handing, macs, owner)
        case Unhand(macs, ip):
            _unhand(connection, macs, ip, owner)
        case PutRecord() | DropRecord() | PutAttempt() | DropAttempts() | Prune():
            return apply_history(connection, (change,))
        case PutGrant():
            apply_grant(connection, change)
    return NOBODY


def _recorded(connection: Connection, macs: Sequence[Mac]) -> Sequence[Row[Any]]:
    return connection.execute(select(MACHINES).where(_these(MACHINES, macs))).all()


def _must_be_armed(connection: Connection, macs: Sequence[Mac], generation: int) -> None:
    """And no later than this."""
    rows = _recorded(connection, macs)
    if not _all_armed(rows) or max((row.generation for row in rows), default=0) != generation:
        raise Refused


def _all_armed(rows: Sequence[Row[Any]]) -> bool:
    return all(row.stage == _WORDS[Stage.ARMED] for row in rows)


def _record(connection: Connection, entry: Entry, macs: Sequence[Mac]) -> None:
    _forget(connection, macs)
    connection.execute(insert(MACHINES), [{"mac": str(mac), **_values(entry)} for mac in macs])


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "stage": _WORDS[entry.stage],
        "since": entry.since,
        "by": entry.by[:_LONGEST],
        "generation": entry.generation,
    }


def _undo(connection: Connection, undo: Undo) -> None:
    """With a generation of its own: what another daemon bases on the one that failed is refused.  One whose script is
    out already stands."""
    if connection.execute(select(HANDINGS.c.mac).where(_these(HANDINGS, undo.macs)).limit(1)).first():
        return
    failed = and_(*(MACHINES.c[name] == value for name, value in _values(undo.failed).items()))
    hit = connection.execute(delete(MACHINES).where(_these(MACHINES, undo.macs), failed)).rowcount
    if hit and undo.before:
        values = {**_values(undo.before), "generation": undo.failed.generation + 1}
        _forget(connection, undo.macs)
        connection.execute(insert(MACHINES), [{"mac": str(mac), **values} for mac in undo.macs])


def _forget(connection: Connection, macs: Sequence[Mac]) -> None:
    connection.execute(delete(MACHINES).where(_these(MACHINES, macs)))


def _hand(connection: Connection, handing: Handing, macs: Sequence[Mac], owner: int) -> None:
    theirs = select(HANDINGS.c.mac).where(_these(HANDINGS, macs), HANDINGS.c.begun, HANDINGS.c.owner != owner)
    if connection.execute(theirs.limit(1)).first():
        raise Refused
    _unhand(connection, (handing.mac,), handing.ip, owner)
    row = {"mac": str(handing.mac), "ip": handing.ip, "file": handing.file, "begun": handing.begun, "owner": owner}
    connection.execute(insert(HANDINGS), row)


def _unhand(connection: Connection, macs: Sequence[Mac], ip: str | None, owner: int) -> None:
    """That one is no longer followed is said by whoever follows it."""
    ours = or_(HANDINGS.c.begun.is_(False), HANDINGS.c.owner == owner)
    there = true() if ip is None else and_(HANDINGS.c.ip == ip, ours)
    connection.execute(delete(HANDINGS).where(_these(HANDINGS, macs), there))


def _these(table: Table, macs: Sequence[Mac]) -> ColumnElement[bool]:
    return table.c.mac.in_([str(mac) for mac in macs])
