"""What is kept of machines that boot once, the changes to it, and the `Journal` they go to.

Several daemons may share one database, so a change says what it stands on and is refused where the database holds
something else: of two daemons that would use up one arming only one is let.  What it stands on is a *generation*,
counted up for each machine by every order of a person (arm it, leave it to its disk).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from netbootd.fleet.grants import PutGrant
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import DropAttempts, DropRecord, Prune, PutAttempt, PutRecord, Record, RecordChange
from netbootd.wire.mac import Mac


@dataclass(frozen=True, slots=True)
class Entry:
    """``since`` in seconds since the epoch; ``by`` says who or what made it so."""

    mac: Mac
    stage: Stage
    since: float
    by: str
    generation: int = 1


class Keeper(Enum):
    """Who has begun to send a last file."""

    US = "this daemon"
    ANOTHER = "another daemon, which runs"
    """The payload may be out whole at any moment, and only that one knows."""
    NOBODY = "a daemon that no longer runs"


@dataclass(frozen=True, slots=True)
class Handing:
    """A machine has its script.  It has its payload when the last byte of ``file`` has gone to ``ip``."""

    mac: Mac
    ip: str
    file: str
    begun: bool = False
    keeper: Keeper = Keeper.US
    """Of one that is begun."""


@dataclass(frozen=True, slots=True)
class Order:
    """A record of a new generation, kept under each of the machine's cards.  Refused where one of them has a record of
    this generation, or of a later one, and to arm where all that have one are armed already, or somebody gave another
    order since."""

    entry: Entry
    macs: tuple[Mac, ...]
    late: bool = False
    """It could not be written when it was given: refused, too, where somebody gave another one since."""


@dataclass(frozen=True, slots=True)
class Put:
    """What became of an arming, under each card.  Refused unless this generation is recorded, none later is, and all
    the cards that have a record are armed."""

    entry: Entry
    macs: tuple[Mac, ...]


@dataclass(frozen=True, slots=True)
class Undo:
    """``failed`` may have been written all the same: where it was, the record is ``before`` again, or there is none;
    unless the machine was handed its script by then."""

    failed: Entry
    before: Entry | None
    macs: tuple[Mac, ...]


@dataclass(frozen=True, slots=True)
class Forgot:
    """There is no record of a machine."""

    macs: tuple[Mac, ...]


@dataclass(frozen=True, slots=True)
class Hand:
    """A handing, new or changed, to the machine with these cards.  Refused as a `Put` of this generation is, and while
    another daemon has begun one."""

    handing: Handing
    macs: tuple[Mac, ...]
    generation: int


@dataclass(frozen=True, slots=True)
class Unhand:
    """Handings that are over: all of these cards, or those at one address."""

    macs: tuple[Mac, ...]
    ip: str | None = None


Change = Order | Put | Undo | Forgot | Hand | Unhand | RecordChange | Prune | PutGrant
"""Those of records and boots are merged with what others did (`fleet.merging`), and refused where they are firm."""


class Refused(Exception):
    """A change stands on what is no longer so."""


@dataclass(frozen=True, slots=True)
class Ids:
    """Records and boots."""

    records: frozenset[str] = frozenset()
    attempts: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.records or self.attempts)

    def __or__(self, other: Ids) -> Ids:
        return self if not other else Ids(self.records | other.records, self.attempts | other.attempts)

    def __and__(self, other: Ids) -> Ids:
        return Ids(self.records & other.records, self.attempts & other.attempts)


NOBODY = Ids()


@dataclass(frozen=True, slots=True)
class Known:
    """What a journal holds."""

    entries: tuple[Entry, ...] = ()
    handings: tuple[Handing, ...] = ()
    records: tuple[Record, ...] = ()
    """For who reads it beside the daemon; daemons have them of `fleet.history`."""


NOTHING = Known()


class Written(Enum):
    """What became of a write; true when it is on disk."""

    YES = "on disk"
    NO = "not written"
    """And never will be, but what it would have changed may have reached the disk all the same."""
    REFUSED = "changed elsewhere"
    """What it stands on is no longer so; whoever follows the journal has been told what is."""

    def __bool__(self) -> bool:
        return self is Written.YES


Learn = Callable[[Known, Collection[Mac] | None, Collection[Mac]], None]
"""All that is held of these cards, or of everybody; but nothing is to be learned of the last ones."""


class Journal(Protocol):
    """Keeps changes in the order they are handed in, each call's changes wholly or not at all."""

    @property
    def durable(self) -> bool:
        """False when what is written now would be lost by a restart."""
        ...

    def write(self, *changes: Change) -> Awaitable[Written]:
        """Takes them at once, awaited or not."""
        ...

    def later(self, *changes: Change) -> None:
        """Write them behind, trying again until they are on disk, or refused."""
        ...

    def follow(self, learn: Learn) -> None:
        """Have it told what others changed, and what a refused change met; never while a change of those cards waits
        to be written."""
        ...


def cards(change: Change) -> tuple[Mac, ...]:
    """Whose records for booting once it is about."""
    match change:
        case PutRecord() | DropRecord() | PutAttempt() | DropAttempts() | Prune() | PutGrant():
            return ()
        case _:
            return change.macs


def ids(changes: Iterable[Change]) -> Ids:
    """Which records and boots they are about."""
    records: set[str] = set()
    attempts: set[str] = set()
    for change in changes:
        match change:
            case PutRecord(record):
                records.add(record.id)
            case DropRecord(id):
                records.add(id)
            case PutAttempt(attempt):
                attempts.add(attempt.id)
            case DropAttempts(gone):
                attempts.update(gone)
    return Ids(frozenset(records), frozenset(attempts))
