"""What the API needs from the rest of netbootd; the callables follow a reload."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from netbootd.boot.facts import Facts
from netbootd.chain.world import World
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.changes import Written
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Standing
from netbootd.fleet.record import RecordChange
from netbootd.fleet.records import Records
from netbootd.fleet.snapshot import Snapshot
from netbootd.observe.events import Event
from netbootd.observe.running import Running
from netbootd.serve.admin.stream import Stream
from netbootd.wire.mac import Mac


@dataclass(frozen=True, slots=True)
class ApiServices:
    """``keep`` writes changes of records down: see `netbootd.memory.Memory.keep`."""

    ledger: Ledger
    records: Records
    attempts: Attempts
    world: Callable[[], World]
    standing: Callable[[Mac], Standing]
    known: Callable[[Mac], Facts]
    """What a machine's iPXE has said of it."""
    keep: Callable[[tuple[RecordChange, ...]], Awaitable[Written]]
    emit: Callable[[Event], None]
    stream: Stream
    seeming: Callable[[str], tuple[Mac, ...]] = lambda _record: ()
    """Cards whose boots are shown with those of a record, see `netbootd.serve.lives.Lives.seeming`."""
    running: Running = field(default_factory=Running)
    wall: Callable[[], float] = time.time

    @property
    def fleet(self) -> Snapshot:
        """As the settings describe it now."""
        return self.world().fleet
