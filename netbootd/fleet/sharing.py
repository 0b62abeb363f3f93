"""What other daemons did to records and boots is taken into those in memory.

What waits to be written here stays on top of what is learned (`fleet.merging`).  Whoever learns everything takes it in
in turns, so that packets get theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from netbootd.fleet.attempts import Attempts
from netbootd.fleet.behind import Behind
from netbootd.fleet.changes import Ids
from netbootd.fleet.history import History
from netbootd.fleet.merging import merge, set_otherwise, united
from netbootd.fleet.record import Attempt, DropAttempts, DropRecord, PutAttempt, PutRecord, Record
from netbootd.fleet.records import Records

_AT_ONCE = 200  # of them in one turn
_TOGETHER = 2.0  # seconds within which a boot that two daemons saw began for both

Tell = Callable[[Record | None, Record | None], None]
"""Somebody set something elsewhere: what was here, and what is now; None: there is no such record."""


class Sharing:
    """Between what the store learns and what packets look at."""

    def __init__(
        self, records: Records, attempts: Attempts, behind: Behind, tell: Tell = lambda _before, _now: None
    ) -> None:
        self._records = records
        self._attempts = attempts
        self._behind = behind
        self._tell = tell

    async def learn(self, found: History, about: Ids | None, waiting: Callable[[], Ids]) -> None:
        """See `fleet.hearing.LearnHistory`."""
        records = {record.id: record for record in found.records}
        attempts = {attempt.id: attempt for attempt in found.attempts}
        asked = about
        if asked is None:
            here = self._behind.on_disk()
            asked = Ids(here.records | records.keys(), here.attempts | attempts.keys())
        for part in _parts(asked.records):
            but = waiting()
            for id in part - but.records:
                self._record(id, records.get(id))
            await asyncio.sleep(0)
        for part in _parts(asked.attempts):
            but = waiting()
            self._behind.add(self._attempts.take())
            for id in part - but.attempts:
                self._attempt(id, attempts.get(id))
            await asyncio.sleep(0)

    def _record(self, id: str, theirs: Record | None) -> None:
        base, ours, waits = self._behind.base(id), self._records.get(id), self._behind.waits(id)
        if theirs == base and (theirs is None or theirs == ours or waits):
            return
        self._behind.known(id, theirs)
        now = theirs
        match waits:
            case DropRecord() if theirs and not (base and set_otherwise(base, theirs)):
                return  # it goes all the same
            case PutRecord(record) if theirs:
                now = merge(base, record, theirs).record
                self._behind.add([PutRecord(now)])
            case _:
                self._behind.cancel(id)
        self._take(id, ours, now)

    def _take(self, id: str, ours: Record | None, now: Record | None) -> None:
        if now == ours:
            return
        if now is not None:
            self._records.learn(now)
        else:
            self._records.unlearn(id)
            self._attempts.unlearn_machine(id)
        if now is None or ours is None or set_otherwise(ours, now):
            self._tell(ours, now)

    def _attempt(self, id: str, theirs: Attempt | None) -> None:
        self._behind.known_boot(id, theirs)
        match self._behind.waits(id):
            case _ if theirs is None:
                self._behind.cancel(id)
                self._attempts.unlearn(id)
                return
            case PutAttempt(attempt):
                theirs = united(theirs, attempt)
                self._behind.add([PutAttempt(theirs)])
            case DropAttempts():
                return
        twin = self._attempts.twin(theirs, _TOGETHER)
        self._attempts.learn(theirs)
        if twin is not None:  # both heard the packet it began with; all agree on which of the two stays
            stays, goes = sorted((theirs, twin), key=lambda each: (each.started, each.id))
            self._attempts.join(united(goes, stays), goes.id)


def _parts(ids: frozenset[str]) -> list[frozenset[str]]:
    these = sorted(ids)
    return [frozenset(these[start : start + _AT_ONCE]) for start in range(0, len(these), _AT_ONCE)]
