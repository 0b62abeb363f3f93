"""A disk for ledgers that commits, fails and forgets when told to."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from netbootd.fleet.ledger import Change, Entry, Forgot, Hand, Handing, Known, Put, Unhand
from netbootd.wire.mac import Mac


class Disk:
    """What is on disk: it outlives its journals."""

    def __init__(self) -> None:
        self.entries: dict[Mac, Entry] = {}
        self.handings: dict[tuple[Mac, str], Handing] = {}

    def apply(self, change: Change) -> None:
        match change:
            case Put(entry, macs):
                self.entries.update({mac: replace(entry, mac=mac) for mac in macs})
            case Forgot(macs):
                self.entries = {mac: entry for mac, entry in self.entries.items() if mac not in macs}
            case Hand(handing):
                self.handings[handing.mac, handing.ip] = handing
            case Unhand(macs, ip):
                self.handings = {
                    (mac, at): handing
                    for (mac, at), handing in self.handings.items()
                    if mac not in macs or ip not in (None, at)
                }

    def known(self) -> Known:
        return Known(tuple(self.entries.values()), tuple(self.handings.values()))


class SlowJournal:
    """Nothing is on disk before `commit`.  While ``broken`` every commit fails."""

    def __init__(self, disk: Disk, *, at_once: bool = False) -> None:
        self.disk = disk
        self.broken = False
        self.durable = True
        self._at_once = at_once
        self._jobs: list[tuple[tuple[Change, ...], asyncio.Future[bool] | None]] = []

    def write(self, *changes: Change) -> asyncio.Future[bool]:
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._add(changes, done)
        return done

    def later(self, *changes: Change) -> None:
        self._add(changes, None)

    def _add(self, changes: tuple[Change, ...], done: asyncio.Future[bool] | None) -> None:
        self._jobs.append((changes, done))
        if self._at_once:
            self.commit()

    def commit(self, reached_the_disk: bool = False) -> None:
        """All that waits.  ``reached_the_disk``: a commit that fails may be there all the same."""
        jobs, self._jobs = self._jobs, []
        for changes, done in jobs:
            if not self.broken or reached_the_disk:
                for change in changes:
                    self.disk.apply(change)
            if done is not None and not done.done():
                done.set_result(not self.broken)
            elif self.broken:
                self._jobs.append((changes, None))
        self.durable = not self.broken
