"""What the API needs from the rest of netbootd; the callables follow a reload."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.chain.world import World
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.changes import Written
from netbootd.fleet.export import Row
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Standing
from netbootd.fleet.record import Attempt, RecordChange
from netbootd.fleet.records import Records
from netbootd.fleet.snapshot import Snapshot
from netbootd.observe.diagnosis.model import Diagnosis
from netbootd.observe.events import Event
from netbootd.observe.running import Running
from netbootd.serve.admin.stream import Stream
from netbootd.serve.kept import Kept
from netbootd.wire.mac import Mac

Named = tuple[Mac, str]


async def _no_number(_facts: Facts, _machine: Machine | None) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class ApiServices:
    """``keep`` writes changes of records down: see `netbootd.memory.Memory.keep`."""

    ledger: Ledger
    records: Records
    attempts: Attempts
    world: Callable[[], World]
    standing: Callable[[Mac], Standing]
    boots: Callable[[str, tuple[Mac, ...]], tuple[Attempt, ...]]
    """Of a record, "" for none, or of cards: see `netbootd.serve.lives.Lives.boots`."""
    known: Callable[[Mac], Facts]
    """What a machine's iPXE has said of it."""
    keep: Callable[[tuple[RecordChange, ...]], Awaitable[Written]]
    emit: Callable[[Event], None]
    stream: Stream
    number: Callable[[Facts, Machine | None], Awaitable[bool]] = _no_number
    """Assigns the soft serial that a machine of ours waits for, see `netbootd.serve.serials.SoftSerials.assign`."""
    diagnosed: Callable[[Mac], tuple[Diagnosis, ...]] = lambda _mac: ()
    """What is wrong with a machine's latest boot, the worst first."""
    diagnosed_boot: Callable[[Mac, Attempt], tuple[Diagnosis, ...]] = lambda _mac, _boot: ()
    """The same of one of its boots."""
    dropped: Callable[[], int] = lambda: 0
    """Machines and boots there was no room for."""
    trace: Callable[[Mac], object] = lambda _mac: object()
    """What decisions about a machine are made of, see `netbootd.serve.kept.Traces`."""
    profiles: Kept[Named, str] = field(default_factory=Kept)
    rows: Kept[Named, Row] = field(default_factory=Kept)
    """What lists say of machines, by their first cards and the ids of their records."""
    running: Running = field(default_factory=Running)
    wall: Callable[[], float] = time.time

    @property
    def fleet(self) -> Snapshot:
        """As the settings describe it now."""
        return self.world().fleet
