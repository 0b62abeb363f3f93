"""The database behind a `Store`: which one, and what it has to do."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from netbootd.fleet.changes import Change, Ids, Known
from netbootd.fleet.grants import Grant
from netbootd.fleet.history import History
from netbootd.fleet.postgresql import Postgresql, peek_server
from netbootd.fleet.sqlite import Sqlite, peek_file
from netbootd.fleet.state import parse_state
from netbootd.wire.mac import Mac


class Database(Protocol):
    """Used by one thread at a time.  Every call waits for the disk, or for the server; each raises `StateError`."""

    shared: bool
    """Other daemons may use it at the same time; and one that could not be opened is tried again."""
    silence: str
    """What is said when it takes too long."""
    created: bool
    """There was no state before it was opened."""

    def open(self, patience: float) -> Known:
        """Make or migrate the tables, and read them.  Another process may hold it for ``patience`` seconds."""
        ...

    def commit(self, jobs: Sequence[Sequence[Change]]) -> list[bool]:
        """Each wholly or not at all, in order; on disk when this returns.  False for one that was refused.  Without
        any it is tried whether a write is taken.  A shared one that was lost is opened again."""
        ...

    def heard(self) -> frozenset[Mac] | None:
        """Whose records others have changed since this was last asked; None: anybody's."""
        ...

    def heard_of(self) -> Ids | None:
        """Which records and boots were so found, or are not as they were asked for; None: any."""
        ...

    def read(self, macs: Collection[Mac] | None) -> Known:
        """What is held of these cards, or of all."""
        ...

    def history(self, most_attempts: int, ids: Ids | None = None) -> History:
        """All records and the latest boots, or, of these ids, those there are."""
        ...

    def grants(self, now: float) -> tuple[Grant, ...]:
        """The tokens that have not ended at ``now``, in seconds since the epoch."""
        ...

    def grant(self, digest: str) -> Grant | None:
        """One of them, or one that has ended."""
        ...

    def fileno(self) -> int | None:
        """Becomes readable when there is something to hear."""
        ...

    def close(self) -> None:
        """Give it back; never raises."""
        ...


def database(state: str) -> Database:
    """The one that ``state`` names, not opened yet.  Raises `BadStateUrl`."""
    where = parse_state(state)
    return Sqlite(where) if isinstance(where, Path) else Postgresql(where)


def peek(state: str) -> Known:
    """What a state holds, read beside a running daemon and without changing anything; nothing where there is none.

    Raises `StateError` and `BadStateUrl`.
    """
    where = parse_state(state)
    return peek_file(where) if isinstance(where, Path) else peek_server(where)
