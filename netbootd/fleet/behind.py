"""What waits to be written of records and boots: the last state of each alone, and nothing of what came and went."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from netbootd.fleet.record import DropAttempts, DropRecord, PutAttempt, PutRecord, RecordChange


class Behind:
    """Changes go in as they happen and come out in turns.  A flood of machines that come and go costs no writes, for
    what is dropped before it was written is neither.  ``written``: ids that are on disk."""

    def __init__(self, records: Iterable[str] = (), attempts: Iterable[str] = ()) -> None:
        self._records: dict[str, RecordChange] = {}
        self._attempts: dict[str, RecordChange] = {}
        self._on_disk = {*records}
        self._attempts_on_disk = {*attempts}

    def add(self, changes: Iterable[RecordChange]) -> None:
        """These happened, in this order."""
        for change in changes:
            match change:
                case PutRecord(record):
                    self._records[record.id] = change
                case DropRecord(id):
                    _drop(self._records, id, change, id in self._on_disk)
                case PutAttempt(attempt):
                    self._attempts[attempt.id] = change
                case DropAttempts(ids):
                    for id in ids:
                        _drop(self._attempts, id, DropAttempts((id,)), id in self._attempts_on_disk)

    def take(self, most: int = 1000) -> tuple[RecordChange, ...]:
        """What waits longest, records before the boots that name them; it counts as written."""
        records = list(islice(self._records, most))
        attempts = list(islice(self._attempts, most - len(records)))
        taken = [self._records.pop(id) for id in records]
        boots = [self._attempts.pop(id) for id in attempts]
        for change in taken:
            match change:
                case PutRecord(record):
                    self._on_disk.add(record.id)
                case DropRecord(id):
                    self._on_disk.discard(id)
        gone = {id for change in boots if isinstance(change, DropAttempts) for id in change.ids}
        self._attempts_on_disk.update(change.attempt.id for change in boots if isinstance(change, PutAttempt))
        self._attempts_on_disk -= gone
        puts = [change for change in boots if isinstance(change, PutAttempt)]
        return (*taken, *puts, *([DropAttempts(tuple(sorted(gone)))] if gone else []))

    def __len__(self) -> int:
        return len(self._records) + len(self._attempts)


def _drop(waiting: dict[str, RecordChange], id: str, change: RecordChange, on_disk: bool) -> None:
    if on_disk:
        waiting[id] = change
    else:
        waiting.pop(id, None)
