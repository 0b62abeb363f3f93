"""The tables of records and boots, what a change does to them, and what they hold: the same for every database.

Each row is one text (`fleet.record_json`), beside what it is looked for by.  No decision to wipe a disk rests on
these; a row that cannot be read is left where it is, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Float, MetaData, Row, String, Table, Text, delete, insert, select

from netbootd.fleet.record import Attempt, DropAttempts, DropRecord, PutAttempt, PutRecord, Record, RecordChange
from netbootd.fleet.record_json import BadRecord, attempt_text, read_attempt, read_record, record_text

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

_AT_ONCE = 500  # ids in one statement
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class History:
    """What is kept; ``unreadable`` rows are kept, too."""

    records: tuple[Record, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    unreadable: int = 0


def apply_history(connection: Connection, changes: Iterable[RecordChange]) -> None:
    """All of these, in order, in the caller's transaction."""
    for change in changes:
        match change:
            case PutRecord(record):
                _put(connection, RECORDS, {"id": record.id, "body": record_text(record)})
            case DropRecord(id):
                connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.record == id))
                _drop(connection, RECORDS, (id,))
            case PutAttempt(attempt):
                row = {"id": attempt.id, "record": attempt.record, "last": attempt.last, "body": attempt_text(attempt)}
                _put(connection, ATTEMPTS, row)
            case DropAttempts(ids):
                _drop(connection, ATTEMPTS, ids)


def read_history(connection: Connection, most_attempts: int) -> History:
    """All records, and the latest boots."""
    latest = select(ATTEMPTS).order_by(ATTEMPTS.c.last.desc()).limit(most_attempts)
    records, bad = _read(connection.execute(select(RECORDS)), read_record)
    attempts, worse = _read(connection.execute(latest), read_attempt)
    return History(records, attempts[::-1], bad + worse)


def _put(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    _drop(connection, table, (row["id"],))
    connection.execute(insert(table), row)


def _drop(connection: Connection, table: Table, ids: Collection[str]) -> None:
    these = list(ids)
    for start in range(0, len(these), _AT_ONCE):
        connection.execute(delete(table).where(table.c.id.in_(these[start : start + _AT_ONCE])))


def _read(rows: Iterable[Row[Any]], read: Callable[[str], _T]) -> tuple[tuple[_T, ...], int]:
    found, bad = [], 0
    for row in rows:
        try:
            found.append(read(row.body))
        except BadRecord:
            bad += 1
    return tuple(found), bad
