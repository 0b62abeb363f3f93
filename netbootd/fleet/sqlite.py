"""A state in one SQLite file.

One process at a time: a second daemon on the same file would keep a memory of its own and hand out what the first
one already has, so the file is locked beside its name for as long as it is open.

A file that is deleted, moved or restored from a backup while it is open is written on without a word, and found by
nobody after a restart: what was installed would be armed again.  So each commit looks whether it is still there.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from netbootd.fleet.changes import NOBODY, NOTHING, Change, Ids, Known
from netbootd.fleet.grants import Grant, read_grant, read_grants
from netbootd.fleet.history import History, read_history
from netbootd.fleet.migrations import check, migrate, take_turn, version
from netbootd.fleet.state import StateError, told
from netbootd.fleet.statements import look, read, run
from netbootd.fleet.tables import VERSION
from netbootd.wire.mac import Mac

_Place = tuple[int, int]
"""Device and inode."""


class Sqlite:
    """One open state file; see `fleet.database.Database`."""

    shared = False
    silence = "the disk does not answer"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._owner = secrets.randbelow(1 << 31)  # of this life: what an earlier one has begun is in doubt
        self._lock: int | None = None
        self._connection: Connection | None = None
        self._files: dict[str, _Place] = {}
        self.created = False

    def open(self, patience: float) -> Known:
        """See `Database`.  What is on disk when this fails is as it was."""
        try:
            self._path.parent.mkdir(exist_ok=True)
            self._take_lock(patience)
            self._connection = _engine(self._path).connect()
            self._prepare(self._connection)
            known = self.read(None)
            self._files = _places(self._path)
            return known
        except (OSError, SQLAlchemyError, sqlite3.Error) as error:
            raise StateError(told(error)) from error

    def commit(self, jobs: Sequence[Sequence[Change]]) -> list[bool]:
        """See `Database`."""
        connection = self._opened()
        try:
            with connection.begin():
                take_turn(connection)
                self._find_again()
                return [run(connection, job, self._owner) for job in jobs]
        except (OSError, SQLAlchemyError) as error:
            raise StateError(told(error)) from error

    def read(self, macs: Collection[Mac] | None) -> Known:
        """See `Database`."""
        connection = self._opened()
        try:
            with connection.begin():
                return read(connection, macs, self._owner, ())
        except SQLAlchemyError as error:
            raise StateError(told(error)) from error

    def history(self, most_attempts: int, ids: Ids | None = None) -> History:
        """See `Database`."""
        connection = self._opened()
        try:
            with connection.begin():
                return read_history(connection, most_attempts, ids)
        except SQLAlchemyError as error:
            raise StateError(told(error)) from error

    def grants(self, now: float) -> tuple[Grant, ...]:
        """See `Database`."""
        connection = self._opened()
        try:
            with connection.begin():
                return read_grants(connection, now)
        except SQLAlchemyError as error:
            raise StateError(told(error)) from error

    def grant(self, digest: str) -> Grant | None:
        """See `Database`."""
        connection = self._opened()
        try:
            with connection.begin():
                return read_grant(connection, digest)
        except SQLAlchemyError as error:
            raise StateError(told(error)) from error

    def heard(self) -> frozenset[Mac]:
        """See `Database`: there is nobody else."""
        return frozenset()

    def heard_of(self) -> Ids:
        """See `Database`."""
        return NOBODY

    def fileno(self) -> int | None:
        """See `Database`."""
        return None

    def close(self) -> None:
        """See `Database`."""
        try:
            if self._connection is not None:
                self._connection.close()
        except SQLAlchemyError:
            pass  # a broken file; every acknowledged commit is on disk
        finally:
            self._connection = None
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _opened(self) -> Connection:
        if self._connection is None:
            raise AssertionError("not open")
        return self._connection

    def _find_again(self) -> None:
        """Where SQLite would not notice: it writes what it has open."""
        there = _places(self._path)
        for name, place in self._files.items():
            if there.get(name) != place:
                raise StateError(f"{name} was deleted or replaced under netbootd, which has to be started again")

    def _take_lock(self, patience: float) -> None:
        """A file beside it: to close any descriptor of the database itself would drop SQLite's own locks."""
        self._lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
        end = time.monotonic() + patience
        while True:
            try:
                return fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise StateError("another netbootd is using it") from None
                time.sleep(0.05)

    def _prepare(self, connection: Connection) -> None:
        faults = _pragma(connection, "quick_check(1)")
        if faults != "ok":
            raise StateError(f"it is damaged: {' '.join(faults.split())}")
        found = version(connection)
        connection.rollback()
        check(found)
        if _pragma(connection, "journal_mode=WAL") != "wal":
            raise StateError("the file system cannot hold it: no write-ahead log there")
        with connection.begin():
            migrate(connection, found)
        self.created = found == 0
        if self.created:
            _sync(self._path.parent)


def peek_file(path: Path) -> Known:
    """What a state file holds, read beside a running daemon and without changing anything.  Without a file: nothing.

    Raises `StateError`.
    """
    if not path.exists():
        return NOTHING
    connect = partial(sqlite3.connect, f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
    try:
        with create_engine("sqlite://", creator=connect, poolclass=NullPool).connect() as connection:
            found = version(connection)
            check(found)
            if found == VERSION:
                return look(connection)
        return _peek_older(connect, found) if found else NOTHING
    except (OSError, SQLAlchemyError, sqlite3.Error) as error:
        raise StateError(told(error)) from error


def _peek_older(connect: Callable[[], sqlite3.Connection], found: int) -> Known:
    """As it will be once the daemon has brought it up to date; that is tried on a copy."""
    with closing(connect()) as disk, create_engine("sqlite://").connect() as copy:
        disk.backup(cast(Any, copy.connection.dbapi_connection))
        migrate(copy, found)
        return look(copy)


def _places(path: Path) -> dict[str, _Place]:
    """Those of the files that hold the state, as far as they are there."""
    found: dict[str, _Place] = {}
    for each in (path, path.with_name(f"{path.name}-wal")):
        with suppress(FileNotFoundError):
            status = each.stat()
            found[each.name] = (status.st_dev, status.st_ino)
    return found


def _engine(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def connected(dbapi: Any, _record: object) -> None:
        dbapi.isolation_level = None  # the driver's own idea of where a transaction begins leaves CREATE TABLE out
        # FULL: a commit in WAL mode is on disk when it returns, not at the next checkpoint.
        for pragma in ("synchronous=FULL", "busy_timeout=3000"):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _pragma(connection: Connection, pragma: str) -> str:
    """Past SQLAlchemy, which would put it inside a transaction."""
    dbapi: Any = connection.connection.dbapi_connection
    return str(dbapi.execute(f"PRAGMA {pragma}").fetchone()[0])


def _sync(directory: Path) -> None:
    """A new file survives a power cut only when its directory's entry is on disk too."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
