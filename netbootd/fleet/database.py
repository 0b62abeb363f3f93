"""The tables behind a `Store`, and the statements on them.  Every call waits for the disk.

One process at a time: a second daemon on the same file would keep a memory of its own and hand out what the first
one already has, so the file is locked beside its name for as long as it is open.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    select,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from netbootd.fleet.ledger import Change, Entry, Forgot, Hand, Handing, Known, Put, Unhand
from netbootd.fleet.lifecycle import Stage
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

VERSION = 1

_TABLES = MetaData()
_SCHEMA = Table("netbootd_schema", _TABLES, Column("version", Integer, primary_key=True, autoincrement=False))
_MACHINES = Table(
    "machines",
    _TABLES,
    Column("mac", String(47), primary_key=True),
    Column("stage", String(16), nullable=False),
    Column("since", Float, nullable=False),
    Column("by", String(200), nullable=False),
)
_HANDINGS = Table(
    "handings",
    _TABLES,
    Column("mac", String(47), primary_key=True),
    Column("ip", String(45), primary_key=True),
    Column("file", String, nullable=False),
    Column("begun", Boolean, nullable=False),
)

_STAGES = {"armed": Stage.ARMED, "given": Stage.GIVEN, "disarmed": Stage.DISARMED}
_WORDS = {stage: word for word, stage in _STAGES.items()}


class BadStateUrl(ValueError):
    """``state`` names no database that can be used."""


class StateError(Exception):
    """The state cannot be read or written; says why in words."""


def state_path(url: str) -> Path:
    """The file that ``state`` names.  Raises `BadStateUrl`."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        # It may hold a password, so it is not repeated.
        raise BadStateUrl("must be a database URL: sqlite:////var/lib/netbootd/state.db") from None
    if parsed.get_backend_name() != "sqlite":
        raise BadStateUrl(f"{parsed.drivername} is not supported yet: sqlite:////var/lib/netbootd/state.db")
    if not parsed.database or parsed.database == ":memory:" or parsed.query:
        raise BadStateUrl("must name a file, or a restart forgets what was installed: sqlite:////absolute/path")
    return Path(parsed.database)


class Database:
    """One open state file.  To be used in one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = None
        self._connection: Connection | None = None
        self.created = False
        """There was no state before it was opened."""

    def open(self, patience: float) -> Known:
        """Make or migrate the tables, and read them.  Another process may hold the file for ``patience`` seconds.
        Raises `StateError`; what is on disk then is as it was."""
        try:
            self._path.parent.mkdir(exist_ok=True)
            self._take_lock(patience)
            self._connection = _engine(self._path).connect()
            self._prepare(self._connection)
            return _read(self._connection)
        except (OSError, SQLAlchemyError, sqlite3.Error) as error:
            raise StateError(_told(error)) from error

    def commit(self, changes: Iterable[Change]) -> None:
        """All of them, in order, or none; on disk when this returns.  Without any it is tried whether the disk takes
        a write.  Raises `StateError`."""
        if self._connection is None:
            raise AssertionError("not open")
        try:
            with self._connection.begin():
                self._connection.execute(_SCHEMA.update().values(version=VERSION))
                for change in changes:
                    _apply(self._connection, change)
        except SQLAlchemyError as error:
            raise StateError(_told(error)) from error

    def close(self) -> None:
        """Give the file back; never raises."""
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
        found = _version(connection)
        if found > VERSION:
            raise StateError(f"it was written by a newer netbootd (version {found}, this one knows {VERSION})")
        if _pragma(connection, "journal_mode=WAL") != "wal":
            raise StateError("the file system cannot hold it: no write-ahead log there")
        with connection.begin():
            if found == 0:
                self.created = True
                _TABLES.create_all(connection)
                connection.execute(insert(_SCHEMA).values(version=VERSION))
            else:  # fails now, and not at the first install, where nothing may be written
                connection.execute(_SCHEMA.update().values(version=VERSION))
        if self.created:
            _sync(self._path.parent)


def peek(path: Path) -> Known:
    """What a state file holds, read beside a running daemon and without changing anything.  Without a file: nothing.

    Raises `StateError`.
    """
    if not path.exists():
        return Known()
    connect = partial(sqlite3.connect, f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
    try:
        with create_engine("sqlite://", creator=connect, poolclass=NullPool).connect() as connection:
            return _read(connection) if _version(connection) else Known()
    except (OSError, SQLAlchemyError, sqlite3.Error) as error:
        raise StateError(_told(error)) from error


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


def _version(connection: Connection) -> int:
    """0 for an empty database."""
    tables = set(inspect(connection).get_table_names())
    version = connection.scalar(select(_SCHEMA.c.version)) if _SCHEMA.name in tables else None
    connection.rollback()
    if version is None and tables:
        raise StateError("it is a database, but not netbootd's")
    return int(version or 0)


def _read(connection: Connection) -> Known:
    with connection.begin():
        entries = tuple(_entry(*row) for row in connection.execute(select(_MACHINES)))
        handings = tuple(
            Handing(_mac(mac), ip, file, begun) for mac, ip, file, begun in connection.execute(select(_HANDINGS))
        )
    return Known(entries, handings)


def _entry(mac: str, stage: str, since: float, by: str) -> Entry:
    if stage not in _STAGES:
        raise StateError(f"it is damaged: {mac} has the stage {stage!r}")
    return Entry(_mac(mac), _STAGES[stage], since, by)


def _mac(text: str) -> Mac:
    try:
        return Mac(bytes.fromhex(text.replace(":", "")))
    except (ValueError, WireError):
        raise StateError(f"it is damaged: {text!r} is not a hardware address") from None


def _apply(connection: Connection, change: Change) -> None:
    match change:
        case Put(entry, macs):
            _forget(connection, macs)
            values = {"stage": _WORDS[entry.stage], "since": entry.since, "by": entry.by[:200]}
            connection.execute(insert(_MACHINES), [{"mac": str(mac), **values} for mac in macs])
        case Forgot(macs):
            _forget(connection, macs)
        case Hand(handing):
            _unhand(connection, (handing.mac,), handing.ip)
            row = {"mac": str(handing.mac), "ip": handing.ip, "file": handing.file, "begun": handing.begun}
            connection.execute(insert(_HANDINGS), row)
        case Unhand(macs, ip):
            _unhand(connection, macs, ip)


def _forget(connection: Connection, macs: tuple[Mac, ...]) -> None:
    connection.execute(delete(_MACHINES).where(_MACHINES.c.mac.in_([str(mac) for mac in macs])))


def _unhand(connection: Connection, macs: tuple[Mac, ...], ip: str | None) -> None:
    over = delete(_HANDINGS).where(_HANDINGS.c.mac.in_([str(mac) for mac in macs]))
    connection.execute(over if ip is None else over.where(_HANDINGS.c.ip == ip))


def _sync(directory: Path) -> None:
    """A new file survives a power cut only when its directory's entry is on disk too."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _told(error: Exception) -> str:
    match error:
        case OSError(strerror=str() as reason):
            return reason
        case DBAPIError():
            return str(error.orig)
        case _:
            return str(error).splitlines()[0]
