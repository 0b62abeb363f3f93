"""A state in a PostgreSQL database, which several daemons may share.

Writers take turns: each transaction begins by changing the one row of the schema's table, which locks it.  So what a
change is refused by cannot move while it is written, and commits are told (NOTIFY) in the order they were made.

A daemon shows that it runs by a lock of its session, which the server lifts when the connection is gone: what it had
begun then is in doubt.  Both this and LISTEN need a connection of the daemon's own, not one of a pooler's.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from netbootd.fleet.changes import NOBODY, NOTHING, Change, Ids, Known, cards, ids
from netbootd.fleet.grants import Grant, read_grant, read_grants
from netbootd.fleet.history import History, read_history
from netbootd.fleet.migrations import check, migrate, take_turn, version
from netbootd.fleet.state import StateError, told
from netbootd.fleet.statements import begun_by_others, look, read, run
from netbootd.fleet.tables import VERSION
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

_CHANNEL = "netbootd"
_SPACE = 0x6E626F6F  # of locks: 0 in it for whoever migrates, others for the daemons that run
_LONGEST = 7000  # bytes; a notification holds less than 8000
_MOST = 20  # of them for one commit
_RECORD, _BOOT = _OF_ID = "@#"  # before an id; no hardware address begins so
_QUIET = 5  # seconds after which a connection is probed
_NO_DRIVER = "that takes a library which is not here: pip install 'netbootd[postgresql]'"
_SETTINGS = {
    "synchronous_commit": "on",
    "lock_timeout": "3s",
    "statement_timeout": "10s",
    # A daemon that hangs in a transaction must not hold the others up.
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": str(_QUIET),
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_CONNECT = {
    "application_name": "netbootd",
    "connect_timeout": 5,
    "keepalives_idle": _QUIET,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items()),
}


class Postgresql:
    """One connection; see `fleet.database.Database`."""

    shared = True
    silence = "the database does not answer"

    def __init__(self, url: URL) -> None:
        self._url = url
        self._owner = 1 + secrets.randbelow((1 << 31) - 1)
        self._connection: Connection | None = None
        self._heard: set[Mac] | None = None  # None: everything has to be read
        self._heard_of: Ids | None = None
        self.created = False

    def open(self, patience: float) -> Known:
        """See `Database`."""
        with self._told():
            connection = self._opened()
            self._heard, self._heard_of = set(), NOBODY
            return self._read(connection, None)

    def commit(self, jobs: Sequence[Sequence[Change]]) -> list[bool]:
        """See `Database`."""
        with self._told():
            connection = self._opened()
            with connection.begin():
                take_turn(connection)
                written = [run(connection, job, self._owner, self._hear_of) for job in jobs]
                done = (job for job, taken in zip(jobs, written, strict=True) if taken)
                self._notify(connection, [change for job in done for change in job])
            return written

    def heard(self) -> frozenset[Mac] | None:
        """See `Database`.  A round trip, so that a connection that is gone is found out."""
        with self._told():
            connection = self._opened()
            with connection.begin():
                begun = begun_by_others(connection, self._owner)
                running = _running(connection) if begun else set()
            self._listen(connection)
            heard, self._heard = self._heard, set()
            stopped = {mac for mac, other in begun.items() if other not in running}
            return None if heard is None else frozenset(heard | stopped)

    def heard_of(self) -> Ids | None:
        """See `Database`."""
        heard, self._heard_of = self._heard_of, NOBODY
        return heard

    def read(self, macs: Collection[Mac] | None) -> Known:
        """See `Database`."""
        with self._told():
            return self._read(self._opened(), macs)

    def history(self, most_attempts: int, ids: Ids | None = None) -> History:
        """See `Database`."""
        with self._told():
            connection = self._opened()
            with connection.begin():
                return read_history(connection, most_attempts, ids)

    def grants(self, now: float) -> tuple[Grant, ...]:
        """See `Database`."""
        with self._told():
            connection = self._opened()
            with connection.begin():
                return read_grants(connection, now)

    def grant(self, digest: str) -> Grant | None:
        """See `Database`."""
        with self._told():
            connection = self._opened()
            with connection.begin():
                return read_grant(connection, digest)

    def fileno(self) -> int | None:
        """See `Database`."""
        connection = self._connection
        try:
            return None if connection is None else int(_driver(connection).fileno())
        except Exception:  # it was lost this moment, in the thread
            return None

    def close(self) -> None:
        """See `Database`."""
        connection, self._connection = self._connection, None
        self._heard = self._heard_of = None
        try:
            if connection is not None:
                connection.close()
        except SQLAlchemyError:
            pass  # it was gone; every acknowledged commit is on disk

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Trouble in words; the next call begins with a new connection."""
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            self.close()
            raise StateError(told(error)) from error
        except ImportError:
            raise StateError(_NO_DRIVER) from None
        except StateError:
            self.close()
            raise

    def _opened(self) -> Connection:
        if self._connection is None:
            connection = create_engine(self._url, connect_args=_CONNECT, poolclass=NullPool).connect()
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: Connection) -> None:
        with connection.begin():  # daemons that start together make the tables one after the other
            connection.execute(select(func.pg_advisory_xact_lock(_SPACE, 0)))
            found = version(connection)
            check(found)
            migrate(connection, found)
            connection.execute(select(func.pg_advisory_lock_shared(_SPACE, self._owner)))
            connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
        _driver(connection).add_notify_handler(lambda told: self._hear(told.payload))
        self.created = found == 0
        self._heard = self._heard_of = None

    def _read(self, connection: Connection, macs: Collection[Mac] | None) -> Known:
        with connection.begin():
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return read(connection, macs, self._owner, _running(connection))

    def _notify(self, connection: Connection, changes: Sequence[Change]) -> None:
        macs = sorted({str(mac) for change in changes for mac in cards(change)})
        for payload in _payloads(self._owner, macs, ids(changes)):
            connection.execute(select(func.pg_notify(_CHANNEL, payload)))

    def _listen(self, connection: Connection) -> None:
        """What came with an answer the driver has told; what came behind one may be in libpq, past the socket."""
        told = _driver(connection).pgconn
        while (notification := told.notifies()) is not None:
            self._hear(notification.extra.decode())

    def _hear(self, payload: str) -> None:
        """Who it was, and whose records; without any, anybody's."""
        try:
            owner, *names = json.loads(payload)
            macs = {Mac.parse(name) for name in names if name[:1] not in _OF_ID}
            records, attempts = (frozenset(name[1:] for name in names if name[:1] == kind) for kind in _OF_ID)
        except (ValueError, TypeError, WireError):  # somebody else's
            owner, names, macs, records, attempts = 0, [], set(), frozenset(), frozenset()
        if owner != self._owner and self._heard is not None:
            self._heard = self._heard | macs if names else None
        if owner != self._owner:
            self._hear_of(Ids(records, attempts) if names else None)

    def _hear_of(self, found: Ids | None) -> None:
        self._heard_of = None if found is None or self._heard_of is None else self._heard_of | found


def peek_server(url: URL) -> Known:
    """See `fleet.database.peek`."""
    try:
        with create_engine(url, connect_args=_CONNECT, poolclass=NullPool).connect() as connection:
            found = version(connection)
            check(found)
            if found != VERSION:
                migrate(connection, found)  # and not committed
            return look(connection, _running(connection)) if found else NOTHING
    except (SQLAlchemyError, OSError) as error:
        raise StateError(told(error)) from error
    except ImportError:
        raise StateError(_NO_DRIVER) from None


def _payloads(owner: int, macs: Sequence[str], about: Ids) -> list[str]:
    """As many notifications as it takes, or one that says anybody."""
    names = [f"{_RECORD}{id}" for id in sorted(about.records)] + [f"{_BOOT}{id}" for id in sorted(about.attempts)]
    parts = [list(macs)] if macs else []
    while names:
        parts.append([])
        size = 0
        while names and (not size or size + len(names[-1]) < _LONGEST - 100):
            size += len(names[-1]) + len('"", ')
            parts[-1].append(names.pop())
    payloads = [json.dumps([owner, *part]) for part in parts]
    too_much = len(payloads) > _MOST or any(len(payload) >= _LONGEST for payload in payloads)
    return [json.dumps([owner])] if too_much else payloads


def _running(connection: Connection) -> set[int]:
    """The daemons whose sessions last."""
    here = "SELECT oid FROM pg_database WHERE datname = current_database()"
    locks = f"""SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted
        AND classid::bigint = {_SPACE} AND database = ({here})"""
    return set(connection.scalars(text(locks)))


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
