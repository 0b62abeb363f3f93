"""The tables of records and boots, what a change does to them, and what they hold: the same for every database.

Each row is one text (`fleet.record_json`), beside what it is looked for by.  No decision to wipe a disk rests on
these; a row that cannot be read is left where it is, and counted.  What belongs to one machine alone stands in a table
of its own, so that two daemons that give it away at once are told apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Float, MetaData, Row, Select, String, Table, Text, delete, insert, select
from sqlalchemy import update as update_

from netbootd.fleet.changes import NOBODY, Ids, Refused
from netbootd.fleet.identity import Board
from netbootd.fleet.merging import merge, set_otherwise, united
from netbootd.fleet.record import Attempt, DropAttempts, DropRecord, Prune, PutAttempt, PutRecord, Record, RecordChange
from netbootd.fleet.record_json import BadRecord, attempt_text, read_attempt, read_record, record_text
from netbootd.fleet.sightings import Mark, Word, marks
from netbootd.wire.mac import Mac

HISTORY = MetaData()
RECORDS = Table(
    "records",
    HISTORY,
    Column("id", String(64), primary_key=True),
    Column("body", Text, nullable=False),
)
ATTEMPTS = Table(
    "attempts",
    HISTORY,
    Column("id", String(64), primary_key=True),
    Column("record", String(64), nullable=False, index=True),
    Column("last", Float, nullable=False, index=True),
    Column("body", Text, nullable=False),
)
CLAIMS = Table(
    "claims",
    HISTORY,
    Column("mark", String(64), primary_key=True),
    Column("record", String(64), primary_key=True, index=True),
)

_AT_ONCE = 500  # ids in one statement
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class History:
    """What is kept; ``unreadable`` rows are kept, too."""

    records: tuple[Record, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    unreadable: int = 0


def apply_history(connection: Connection, changes: Iterable[RecordChange | Prune]) -> Ids:
    """All of these, in order, in the caller's transaction.  What is now another than was asked for: see
    `fleet.merging`.  Raises `Refused`."""
    otherwise = NOBODY
    for change in changes:
        match change:
            case PutRecord(record):
                otherwise |= NOBODY if _put_record(connection, change) else Ids(frozenset((record.id,)))
            case DropRecord(id):
                otherwise |= NOBODY if _drop_record(connection, change) else Ids(frozenset((id,)))
            case PutAttempt(attempt):
                otherwise |= NOBODY if _put_attempt(connection, change) else Ids(attempts=frozenset((attempt.id,)))
            case DropAttempts(ids):
                _drop(connection, ATTEMPTS, ids)
            case Prune(before, most):
                _prune(connection, before, most)
    return otherwise


def read_history(connection: Connection, most_attempts: int, ids: Ids | None = None) -> History:
    """All records and the latest boots, or, of these ids, those there are."""
    latest = select(ATTEMPTS).order_by(ATTEMPTS.c.last.desc()).limit(most_attempts)
    records, bad = _read(_rows(connection, RECORDS, select(RECORDS), None if ids is None else ids.records), read_record)
    attempts, worse = _read(_rows(connection, ATTEMPTS, latest, None if ids is None else ids.attempts), read_attempt)
    return History(records, attempts[::-1], bad + worse)


def claims(record: Record) -> dict[str, Mark]:
    """What belongs to it alone, as it stands in the table: of one length, whatever a machine says of itself."""
    return {hashlib.sha256(_said(mark).encode("utf-8", "backslashreplace")).hexdigest(): mark for mark in marks(record)}


def _said(mark: Mark) -> str:
    match mark:
        case Mac():
            return f"card {mark}"
        case Board(uuid, serial):
            return f"board {uuid} {serial}"
        case Word(kind, text):
            return f"{kind} {text}"


def _put_record(connection: Connection, put: PutRecord) -> bool:
    """Whether it is as asked."""
    record, before = put.record, put.base
    body = connection.scalar(select(RECORDS.c.body).where(RECORDS.c.id == record.id))
    if body is None and before is not None:
        return _forgotten(put.firm)
    if body is not None and (before is None or body != record_text(before)):
        before = _readable(body)
        merged = merge(put.base, record, before) if before else None
        if merged and merged.clashes and put.firm:
            raise Refused
        record = merged.record if merged else record
    if before is None or marks(before) != marks(record):
        record = _claimed(connection, record, before, put.firm, body is not None)
    values = {"id": record.id, "body": record_text(record)}
    table = insert(RECORDS) if body is None else update_(RECORDS).where(RECORDS.c.id == record.id)
    connection.execute(table.values(values))
    return record == put.record


def _forgotten(firm: bool) -> bool:
    """What was forgotten elsewhere does not come back by what is put on top of it."""
    if firm:
        raise Refused
    return False


def _claimed(connection: Connection, record: Record, before: Record | None, firm: bool, there: bool) -> Record:
    """With what is free.  Cards and boards that others show, too, are a conflict for a person to settle, but nobody
    makes a machine of them."""
    wanted = claims(record)
    own = select(CLAIMS.c.mark).where(CLAIMS.c.record == record.id)
    held = set(connection.scalars(own)) if there else set()
    rivals = select(CLAIMS.c.mark).where(CLAIMS.c.mark.in_(wanted.keys() - held), CLAIMS.c.record != record.id)
    taken = [wanted[mark] for mark in connection.scalars(rivals)] if wanted.keys() - held else []
    words = [mark for mark in taken if isinstance(mark, Word)]
    if firm and (words or (taken and before is None)):
        raise Refused
    if any(word.kind == "name" for word in words):
        record = replace(record, name=before.name if before else None)
    if any(word.kind == "soft serial" for word in words):
        held_before = before or Record(record.id)
        record = replace(record, soft_serial=held_before.soft_serial, soft_serial_by=held_before.soft_serial_by)
    wanted = claims(record)
    if gone := held - wanted.keys():
        connection.execute(delete(CLAIMS).where(CLAIMS.c.record == record.id, CLAIMS.c.mark.in_(gone)))
    if fresh := wanted.keys() - held:
        connection.execute(insert(CLAIMS), [{"mark": mark, "record": record.id} for mark in sorted(fresh)])
    return record


def _drop_record(connection: Connection, drop: DropRecord) -> bool:
    """Whether it is gone: what somebody set since stays."""
    body = connection.scalar(select(RECORDS.c.body).where(RECORDS.c.id == drop.id))
    if body is not None and drop.base is not None and body != record_text(drop.base):
        theirs = _readable(body)
        if theirs and (set_otherwise(drop.base, theirs) or theirs.ending != drop.base.ending):
            if drop.firm:
                raise Refused
            return False
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.record == drop.id))
    connection.execute(delete(CLAIMS).where(CLAIMS.c.record == drop.id))
    _drop(connection, RECORDS, (drop.id,))
    return True


def _put_attempt(connection: Connection, put: PutAttempt) -> bool:
    """Whether it is as asked; one that was dropped elsewhere stays so."""
    attempt = put.attempt
    body = connection.scalar(select(ATTEMPTS.c.body).where(ATTEMPTS.c.id == attempt.id))
    if body is None and put.base is not None:
        return False
    if body is not None and (put.base is None or body != attempt_text(put.base)):
        with suppress(BadRecord):
            attempt = united(read_attempt(body), attempt)
    row = {"id": attempt.id, "record": attempt.record, "last": attempt.last, "body": attempt_text(attempt)}
    table = insert(ATTEMPTS) if body is None else update_(ATTEMPTS).where(ATTEMPTS.c.id == attempt.id)
    connection.execute(table.values(row))
    return attempt == put.attempt


def _drop(connection: Connection, table: Table, ids: Collection[str]) -> None:
    for part in _parts(ids):
        connection.execute(delete(table).where(table.c.id.in_(part)))


def _prune(connection: Connection, before: float, most: int) -> None:
    connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.last < before))
    surplus = select(ATTEMPTS.c.id).order_by(ATTEMPTS.c.last.desc()).offset(most)
    _drop(connection, ATTEMPTS, list(connection.scalars(surplus)))


def _rows(connection: Connection, table: Table, all_: Select[Any], ids: Collection[str] | None) -> Iterable[Row[Any]]:
    if ids is None:
        return connection.execute(all_)
    return [row for part in _parts(ids) for row in connection.execute(select(table).where(table.c.id.in_(part)))]


def _parts(ids: Collection[str]) -> Iterable[list[str]]:
    these = list(ids)
    return (these[start : start + _AT_ONCE] for start in range(0, len(these), _AT_ONCE))


def _readable(body: str) -> Record | None:
    try:
        return read_record(body)
    except BadRecord:
        return None


def _read(rows: Iterable[Row[Any]], read: Callable[[str], _T]) -> tuple[tuple[_T, ...], int]:
    found, bad = [], 0
    for row in rows:
        try:
            found.append(read(row.body))
        except BadRecord:
            bad += 1
    return tuple(found), bad
