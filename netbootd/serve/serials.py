"""Soft serials of the whole fleet: the next of a profile's range for each machine of ours, and none twice.

A number is assigned once, to a machine that somebody listed, approved or armed, never to a stranger; it is kept in the
machine's record, and nobody is shown it before it is on disk.  Of daemons that share a database the second to take a
number is refused there, and takes the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.chain.serials import waits
from netbootd.chain.world import World
from netbootd.fleet.changes import Written
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.merged import machine_of
from netbootd.fleet.record import PutRecord, Record, RecordChange
from netbootd.fleet.records import Records, Taken
from netbootd.fleet.sightings import called, facts_of
from netbootd.fleet.snapshot import Assignment
from netbootd.fleet.soft_serials import Exhausted, Range
from netbootd.payloads import SOFT_SERIALS
from netbootd.serve.claims import Claims
from netbootd.serve.turns import in_turns

Keep = Callable[[tuple[RecordChange, ...]], Awaitable[Written]]
_TRIES = 64  # numbers that another daemon took a moment before


class SoftSerials:
    """``known`` is what a machine's iPXE said of it, ``keep`` writes a record down, ``tell`` says what is wrong."""

    def __init__(
        self,
        world: Callable[[], World],
        records: Records,
        ledger: Ledger,
        keep: Keep,
        *,
        known: Callable[[Facts], Facts] = lambda facts: facts,
        tell: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._world = world
        self._records = records
        self._ledger = ledger
        self._keep = keep
        self._tell = tell
        self._giving: dict[str, asyncio.Task[bool]] = {}  # by the record's id
        self._unwritten: dict[str, None] = {}
        self._claims = Claims(world, records, ledger, known=known)
        self._told: frozenset[str] = frozenset()

    def shown(self, record: Record | None) -> Record | None:
        """As decisions may know it: without a number that is not on disk yet."""
        if record is None or record.id not in self._unwritten:
            return record
        return replace(record, soft_serial=None, soft_serial_by=None)

    def rival(self, serial: str, facts: Facts, machine: Machine | None) -> str:
        """Who else among ours has this soft serial, or ""."""
        return self._claims.rival(serial, facts, machine)

    async def assign(self, facts: Facts, machine: Machine | None = None) -> bool:
        """Give this machine the number that it waits for; it is one of ours.  True when that is on disk."""
        assignment = self._world().assignment(facts, machine)
        if not waits(assignment):
            return False
        return await self._given(assignment, facts, machine, self._ranges())

    async def settle(self) -> None:
        """Give each machine of ours the number that it waits for, and tell what two claim."""
        fleet, ranges = self._world().fleet, self._ranges()
        if any(profile.soft_serial for profile in fleet.profiles.values()):
            due = [each async for each in self._due()]
            await asyncio.gather(*(self._given(*each, ranges) for each in due))
        twice = frozenset(map(str, await self._claims.twice()))
        for text in sorted(twice - self._told):
            self._tell(f"{text}: neither is installed with it")
        self._told = twice

    async def _due(self) -> AsyncIterator[tuple[Assignment, Facts, Machine | None]]:
        world = self._world()
        async for facts, machine in in_turns(self._looked_at()):
            if facts is None:
                continue
            assignment = world.assignment(facts, machine)
            if waits(assignment):
                yield assignment, facts, machine

    def _looked_at(self) -> Iterator[tuple[Facts | None, Machine | None]]:
        """Machines of files with a card, and those that are approved or armed; no facts of one that is not ours."""
        fleet, armed = self._world().fleet, self._armed()
        for machine in fleet.machines:
            if machine.macs:
                yield Facts(mac=machine.macs[0], uuid=machine.uuid, serial=machine.serial), machine
        for record in self._records.all():
            unnumbered = record.soft_serial is None or record.id in self._unwritten
            ours = record.macs and unnumbered and (record.approved or record.id in armed or machine_of(fleet, record))
            yield facts_of(record, record.macs[0]) if ours else None, None

    def _armed(self) -> frozenset[str]:
        """Ids of records with a card that is armed or was.  Asked of the ledger's few, for there may be a flood of
        strangers on record, and to ask what each of them is held the loop for seconds."""
        cards = (entry.mac for entry in self._ledger.recorded() if entry.stage is not Stage.DISARMED)
        return frozenset(record.id for mac in cards for record in self._records.of_card(mac))

    def _given(self, assignment: Assignment, facts: Facts, machine: Machine | None, ranges: _Ranges) -> Awaitable[bool]:
        record = self._record(facts, machine)
        if record is None:
            return _no()
        if record.id not in self._giving:
            task = asyncio.ensure_future(self._give(record.id, assignment, ranges))
            self._giving[record.id] = task
            task.add_done_callback(lambda _: self._giving.pop(record.id, None))
        return asyncio.shield(self._giving[record.id])

    async def _give(self, id: str, assignment: Assignment, ranges: _Ranges) -> bool:
        soft = assignment.soft_serial
        assert soft is not None, "it waits for one"
        assert soft.range is not None, "of a range"
        rule, by = soft.range, soft.origin
        for _ in range(_TRIES):
            record = self._records.get(id)
            if record is None or (record.soft_serial and id not in self._unwritten):
                return record is not None
            try:
                changes = self._numbered(record, rule, by, ranges)
            except Exhausted as error:
                self._tell(f"{called(record)} ({by}): {error}")
                return False
            written = await self._keep(changes)
            if written is not Written.REFUSED:
                if written:
                    self._shows(id)
                return bool(written)
            self._shows(id)
            self._take_back(id, changes)
        return False

    def _numbered(self, record: Record, rule: Range, by: str, ranges: _Ranges) -> tuple[RecordChange, ...]:
        if record.soft_serial:  # it could not be written before
            return (PutRecord(record),)
        for serial in ranges.upcoming(rule):
            try:
                changes = self._records.change(replace(record, soft_serial=serial, soft_serial_by=by))
            except Taken:
                continue
            self._unwritten[record.id] = None
            self._claims.changed(record.id)
            return changes
        raise Exhausted(f"all soft serials of {rule} are in use")

    def _shows(self, id: str) -> None:
        self._unwritten.pop(id, None)
        self._claims.changed(id)

    def _take_back(self, id: str, refused: tuple[RecordChange, ...]) -> None:
        """Another daemon has that number; what it made of this record is known by now."""
        record = self._records.get(id)
        tried = [change.record.soft_serial for change in refused if isinstance(change, PutRecord)]
        if record and record.soft_serial in tried:
            self._records.change(replace(record, soft_serial=None, soft_serial_by=None))

    def _record(self, facts: Facts, machine: Machine | None) -> Record | None:
        if machine and machine.macs:
            return self._records.about(machine.macs, machine.uuid, machine.serial)[0]
        return self._records.about((facts.mac,), facts.uuid, facts.serial)[0] if facts.mac else None

    def _ranges(self) -> _Ranges:
        in_files = (
            serial
            for machine in self._world().fleet.machines
            for serial in (
                machine.soft_serial,
                *(value for each in machine.args if each.key in SOFT_SERIALS for value in each.values or ()),
            )
        )
        used = [*in_files, *(record.soft_serial for record in self._records.all())]
        return _Ranges([serial for serial in used if serial])


class _Ranges:
    """What is free of each, for as many machines as ask at once."""

    def __init__(self, used: list[str]) -> None:
        self._used = used
        self._free: dict[str, Iterator[str]] = {}

    def upcoming(self, rule: Range) -> Iterator[str]:
        return self._free.setdefault(str(rule), rule.free(self._used))


async def _no() -> bool:
    return False
