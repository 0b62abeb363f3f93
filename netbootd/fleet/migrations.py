"""The tables of a state, made or brought up to `VERSION`: one step for each version, in SQL that every database takes.

A step says what it did then, whatever the tables have become since; it is never changed.
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, insert, inspect, select

from netbootd.fleet.grants import GRANTS
from netbootd.fleet.history import CLAIMS, HISTORY, claims
from netbootd.fleet.record_json import BadRecord, read_record
from netbootd.fleet.state import StateError
from netbootd.fleet.tables import SCHEMA, TABLES, VERSION


def version(connection: Connection) -> int:
    """0 for an empty database.  Raises `StateError` for one that is not ours."""
    tables = set(inspect(connection).get_table_names())
    found = connection.scalar(select(SCHEMA.c.version)) if SCHEMA.name in tables else None
    if found is None and tables:
        raise StateError("it is a database, but not netbootd's")
    return int(found or 0)


def check(found: int) -> None:
    """Raises `StateError` for one of a version that is not known here."""
    if found > VERSION:
        raise StateError(f"it was written by a newer netbootd (version {found}, this one knows {VERSION})")


def migrate(connection: Connection, found: int) -> None:
    """In the caller's transaction.  Writes in any case: what may not be written is found out now, and not at the first
    installation."""
    if found == 0:
        TABLES.create_all(connection)
        HISTORY.create_all(connection)
        GRANTS.create_all(connection)
        connection.execute(insert(SCHEMA).values(version=VERSION))
        return
    for step in _STEPS[found - 1 :]:
        for statement in step:
            if isinstance(statement, str):
                connection.exec_driver_sql(statement)
            else:
                statement(connection)
    connection.execute(SCHEMA.update().values(version=VERSION))


def take_turn(connection: Connection) -> None:
    """At the beginning of a transaction that writes: it locks the row until the end, so writers come one after the
    other, and it finds out whether a write is taken.  Raises `StateError` when the tables are no longer ours."""
    taken = connection.execute(SCHEMA.update().where(SCHEMA.c.version == VERSION).values(version=VERSION))
    if taken.rowcount != 1:
        raise StateError("another netbootd has brought it to another version")


# Several daemons: each record has a generation, each handing the daemon that wrote it.
_TO_2 = (
    "ALTER TABLE machines ADD COLUMN generation INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE handings ADD COLUMN owner INTEGER NOT NULL DEFAULT 0",
)

# The records of machines and their boots.
_TO_3 = (
    "CREATE TABLE records (id VARCHAR(64) NOT NULL, body TEXT NOT NULL, PRIMARY KEY (id))",
    "CREATE TABLE attempts (id VARCHAR(64) NOT NULL, record VARCHAR(64) NOT NULL, last FLOAT NOT NULL, "
    "body TEXT NOT NULL, PRIMARY KEY (id))",
    "CREATE INDEX ix_attempts_record ON attempts (record)",
    "CREATE INDEX ix_attempts_last ON attempts (last)",
)

# What belongs to one machine alone, by the record that has it; `_fill_claims` follows.
_TO_4 = (
    "CREATE TABLE claims (mark VARCHAR(64) NOT NULL, record VARCHAR(64) NOT NULL, PRIMARY KEY (mark, record))",
    "CREATE INDEX ix_claims_record ON claims (record)",
)


def _fill_claims(connection: Connection) -> None:
    """A row that cannot be read claims nothing."""
    for id, body in connection.exec_driver_sql("SELECT id, body FROM records").all():
        with suppress(BadRecord):
            rows = [{"mark": mark, "record": id} for mark in claims(read_record(body))]
            if rows:
                connection.execute(insert(CLAIMS), rows)


# Tokens of machines that install.
_TO_5 = (
    "CREATE TABLE tokens (digest VARCHAR(64) NOT NULL, mac VARCHAR(47) NOT NULL, generation INTEGER NOT NULL, "
    "made FLOAT NOT NULL, documents FLOAT NOT NULL, ends FLOAT NOT NULL, recipe TEXT NOT NULL, PRIMARY KEY (digest))",
    "CREATE INDEX ix_tokens_mac ON tokens (mac)",
)

_STEPS = (_TO_2, _TO_3, (*_TO_4, _fill_claims), _TO_5)
