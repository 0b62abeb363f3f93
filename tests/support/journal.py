"""A disk for ledgers that commits, fails, refuses and forgets when told to; several may share it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from itertools import count

from netbootd.fleet.changes import (
    Change,
    Entry,
    Forgot,
    Hand,
    Handing,
    Keeper,
    Known,
    Learn,
    Order,
    Put,
    Undo,
    Unhand,
    Written,
    cards,
)
from netbootd.fleet.lifecycle import Stage
from netbootd.wire.mac import Mac


class Refused(Exception):
    """As `fleet.statements` would."""


class Disk:
    """What is on disk: it outlives its journals."""

    def __init__(self) -> None:
        self.entries: dict[Mac, Entry] = {}
        self.handings: dict[tuple[Mac, str], tuple[Handing, int]] = {}
        """And who wrote it."""
        self.running: set[int] = set()
        self._owners = count(1)

    def owner(self) -> int:
        """A new one."""
        return next(self._owners)

    def run(self, changes: tuple[Change, ...], owner: int) -> bool:
        """All of them or none."""
        before = dict(self.entries), dict(self.handings)
        try:
            for change in changes:
                self._apply(change, owner)
        except Refused:
            self.entries, self.handings = before
            return False
        return True

    def _apply(self, change: Change, owner: int) -> None:
        match change:
            case Order(entry, macs, late):
                found = self._recorded(macs)
                self._refuse(any(each.generation >= entry.generation for each in found))
                arms = entry.stage is Stage.ARMED
                self._refuse((late or arms) and any(each.since > entry.since for each in found))
                armed = bool(found) and all(each.stage is Stage.ARMED for each in found)
                self._refuse(arms and armed)
                self._record(entry, macs)
            case Put(entry, macs):
                self._refuse(not self._is_armed(macs, entry.generation))
                self._record(entry, macs)
            case Undo(_, _, macs) if any(handing.mac in macs for handing, _ in self.handings.values()):
                pass
            case Undo(failed, before, macs):
                hit = [mac for mac in macs if self.entries.get(mac) == replace(failed, mac=mac)]
                for mac in hit:
                    del self.entries[mac]
                if hit and before:
                    self._record(replace(before, generation=failed.generation + 1), macs)
            case Forgot(macs):
                self.entries = {mac: entry for mac, entry in self.entries.items() if mac not in macs}
            case Hand(handing, macs, generation):
                theirs = (other for each, other in self.handings.values() if each.begun and each.mac in macs)
                self._refuse(not self._is_armed(macs, generation) or any(other != owner for other in theirs))
                self.handings[handing.mac, handing.ip] = handing, owner
            case Unhand(macs, ip):
                self.handings = {
                    key: (handing, other)
                    for key, (handing, other) in self.handings.items()
                    if handing.mac not in macs
                    or (ip is not None and (handing.ip != ip or (handing.begun and other != owner)))
                }

    def _refuse(self, refused: bool) -> None:
        if refused:
            raise Refused

    def _recorded(self, macs: tuple[Mac, ...]) -> list[Entry]:
        return [self.entries[mac] for mac in macs if mac in self.entries]

    def _is_armed(self, macs: tuple[Mac, ...], generation: int) -> bool:
        found = self._recorded(macs)
        armed = all(each.stage is Stage.ARMED for each in found)
        return armed and max((each.generation for each in found), default=0) == generation

    def _record(self, entry: Entry, macs: tuple[Mac, ...]) -> None:
        self.entries.update({mac: replace(entry, mac=mac) for mac in macs})

    def known(self, owner: int = 0) -> Known:
        """As this one reads it."""
        handings = (self._read(handing, other, owner) for handing, other in self.handings.values())
        return Known(tuple(self.entries.values()), tuple(handings))

    def _read(self, handing: Handing, other: int, owner: int) -> Handing:
        if not handing.begun or other == owner:
            return handing
        return replace(handing, keeper=Keeper.ANOTHER if other in self.running else Keeper.NOBODY)


class SlowJournal:
    """Nothing is on disk before `commit`.  While ``broken`` every commit fails."""

    def __init__(self, disk: Disk, *, at_once: bool = False) -> None:
        self.disk = disk
        self.broken = False
        self.durable = True
        self.owner = disk.owner()
        self._at_once = at_once
        self._jobs: list[tuple[tuple[Change, ...], asyncio.Future[Written] | None]] = []
        self._learn: Learn | None = None

    def write(self, *changes: Change) -> asyncio.Future[Written]:
        done: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._add(changes, done)
        return done

    def later(self, *changes: Change) -> None:
        self._add(changes, None)

    def follow(self, learn: Learn) -> None:
        self._learn = learn

    def _add(self, changes: tuple[Change, ...], done: asyncio.Future[Written] | None) -> None:
        self._jobs.append((changes, done))
        if self._at_once:
            self.commit()

    def commit(self, reached_the_disk: bool = False) -> None:
        """All that waits.  ``reached_the_disk``: a commit that fails may be there all the same."""
        jobs, self._jobs = self._jobs, []
        taken = [(not self.broken or reached_the_disk) and self.disk.run(changes, self.owner) for changes, _ in jobs]
        self.durable = not self.broken
        if self.broken:
            self._jobs += [(changes, None) for changes, done in jobs if done is None or done.done()]
        else:
            self._hear_back([changes for changes, _ in jobs], taken)
        for (_, done), each in zip(jobs, taken, strict=True):
            if done is not None and not done.done():
                done.set_result(Written.NO if self.broken else Written.YES if each else Written.REFUSED)

    def _hear_back(self, jobs: list[tuple[Change, ...]], taken: list[bool]) -> None:
        undone = (isinstance(change, Undo) for changes in jobs for change in changes)
        if not all(taken) or any(undone):
            self.hear({mac for changes in jobs for change in changes for mac in cards(change)})

    def hear(self, macs: Collection[Mac] | None = None) -> None:
        """What the disk holds of these, or of all."""
        if self._learn:
            waiting = {mac for changes, _ in self._jobs for change in changes for mac in cards(change)}
            known = self.disk.known(self.owner)
            entries = tuple(entry for entry in known.entries if macs is None or entry.mac in macs)
            handings = tuple(handing for handing in known.handings if macs is None or handing.mac in macs)
            self._learn(Known(entries, handings), macs, waiting)
