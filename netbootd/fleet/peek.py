"""The boots of one machine, out of a state on disk: for commands that speak without the daemon."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from netbootd.fleet.history import ATTEMPTS
from netbootd.fleet.record import Attempt
from netbootd.fleet.record_json import BadRecord, read_attempt
from netbootd.fleet.state import StateError, parse_state, told
from netbootd.wire.mac import Mac


def peek_boots(state: str, record: str, macs: Collection[Mac], most: int = 20) -> tuple[Attempt, ...]:
    """Those of a record, or where it is "" those of cards on no record; the latest first.

    Read beside a running daemon and without changing anything; nothing where there is no state.  Raises `StateError`
    and `BadStateUrl`.
    """
    where = parse_state(state)
    if isinstance(where, Path) and not where.exists():
        return ()
    wanted = select(ATTEMPTS.c.body).where(ATTEMPTS.c.record == record).order_by(ATTEMPTS.c.last.desc()).limit(1000)
    try:
        with _connected(state) as connection:
            found = [_read(body) for (body,) in connection.execute(wanted)]
    except (OSError, SQLAlchemyError, sqlite3.Error) as error:
        raise StateError(told(error)) from error
    except ImportError:
        raise StateError("the driver of PostgreSQL is not installed") from None
    boots = [each for each in found if each and (record or each.mac in macs)]
    return tuple(sorted(boots, key=lambda each: -each.started)[:most])


@contextmanager
def _connected(state: str) -> Iterator[Connection]:
    where = parse_state(state)
    if isinstance(where, Path):
        connect = partial(sqlite3.connect, f"file:{quote(str(where.absolute()))}?mode=ro", uri=True)
        engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    else:
        engine = create_engine(where, connect_args={"connect_timeout": 5}, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def _read(body: str) -> Attempt | None:
    try:
        return read_attempt(body)
    except BadRecord:
        return None
