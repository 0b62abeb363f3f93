"""What waits to be written of records and boots: the last state of each alone, and nothing of what came and went.

It knows what is on disk of each, too: a change is written as the difference to that, so that what another daemon did
to it meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice

from netbootd.fleet.changes import Ids, ids
from netbootd.fleet.record import Attempt, DropAttempts, DropRecord, PutAttempt, PutRecord, Record, RecordChange


class Behind:
    """Changes go in as they happen and come out in turns.  A flood of machines that come and go costs no writes, for
    what is dropped before it was written is neither.  ``records`` and ``attempts`` are on disk, by id."""

    def __init__(
        self, records: Mapping[str, Record] | None = None, attempts: Mapping[str, Attempt] | None = None
    ) -> None:
        self._records: dict[str, PutRecord | DropRecord] = {}
        self._attempts: dict[str, PutAttempt | DropAttempts] = {}
        self._disk = dict(records or {})
        self._attempts_on_disk: dict[str, Attempt | None] = dict(attempts or {})  # None: it went with its record

    def add(self, changes: Iterable[RecordChange]) -> None:
        """These happened, in this order."""
        for change in changes:
            match change:
                case PutRecord(record):
                    self._records[record.id] = change
                case DropRecord(id) if id in self._disk:
                    self._records[id] = change
                case DropRecord(id):
                    self._records.pop(id, None)
                case PutAttempt(attempt):
                    self._attempts[attempt.id] = change
                case DropAttempts(ids):
                    for id in ids:
                        self._drop_attempt(id)

    def take(self, most: int = 1000) -> tuple[RecordChange, ...]:
        """What waits longest, records before the boots that name them; it counts as written."""
        records = self._taken(list(islice(self._records, most)))
        attempts = list(islice(self._attempts, most - len(records)))
        return (*records, *self._taken_attempts(attempts))

    def pick(self, changes: Iterable[RecordChange]) -> tuple[RecordChange, ...]:
        """What waits of the records that these are about, in their order: what one gives up another may claim.  It
        counts as written, by somebody who waits for the answer."""
        about = dict.fromkeys(id for change in changes for id in ids((change,)).records)
        return tuple(replace(change, firm=True) for change in self._taken([id for id in about if id in self._records]))

    def put_back(self, changes: Iterable[RecordChange]) -> None:
        """They were not written after all, nor does anybody wait any longer; what happened since goes on top."""
        for change in changes:
            match change:
                case PutRecord(record=Record(id=id), base=base) | DropRecord(id, base):
                    self.known(id, base)
                    if id not in self._records and (base or isinstance(change, PutRecord)):
                        self._records[id] = replace(change, firm=False)

    def base(self, id: str) -> Record | None:
        """What is on disk of this record."""
        return self._disk.get(id)

    def boot(self, id: str) -> Attempt | None:
        """What is on disk of this boot."""
        return self._attempts_on_disk.get(id)

    def on_disk(self) -> Ids:
        """All that is."""
        return Ids(frozenset(self._disk), frozenset(self._attempts_on_disk))

    def waits(self, id: str) -> RecordChange | None:
        """What is to be written of this record, or of this boot."""
        return self._records.get(id) or self._attempts.get(id)

    def known(self, id: str, record: Record | None) -> None:
        """This is on disk of a record, whoever put it there."""
        if record:
            self._disk[id] = record
        else:
            self._disk.pop(id, None)

    def known_boot(self, id: str, attempt: Attempt | None) -> None:
        """This is on disk of a boot, whoever put it there."""
        if attempt:
            self._attempts_on_disk[id] = attempt
        else:
            self._attempts_on_disk.pop(id, None)

    def cancel(self, id: str) -> None:
        """What waits of it is not to be written."""
        self._records.pop(id, None)
        self._attempts.pop(id, None)

    def __len__(self) -> int:
        return len(self._records) + len(self._attempts)

    def _drop_attempt(self, id: str) -> None:
        if id in self._attempts_on_disk:
            self._attempts[id] = DropAttempts((id,))
        else:
            self._attempts.pop(id, None)

    def _taken(self, ids: Iterable[str]) -> list[PutRecord | DropRecord]:
        taken = [replace(change, base=self._disk.get(id)) for id in ids if (change := self._records.pop(id))]
        gone = set()
        for change in taken:
            match change:
                case PutRecord(record):
                    self._disk[record.id] = record
                case DropRecord(id):
                    self._disk.pop(id, None)
                    gone.add(id)
        if gone:  # its boots go with it; those that have become another's are then put anew
            with_it = [id for id, boot in self._attempts_on_disk.items() if boot and boot.record in gone]
            self._attempts_on_disk.update(dict.fromkeys(with_it))
        return taken

    def _taken_attempts(self, ids: Iterable[str]) -> list[RecordChange]:
        puts: list[RecordChange] = []
        gone: list[str] = []
        for id in ids:
            match self._attempts.pop(id):
                case PutAttempt(attempt):
                    puts.append(PutAttempt(attempt, self._attempts_on_disk.get(id)))
                    self._attempts_on_disk[id] = attempt
                case DropAttempts():
                    gone.append(id)
                    self._attempts_on_disk.pop(id, None)
        return [*puts, DropAttempts(tuple(sorted(gone)))] if gone else puts
