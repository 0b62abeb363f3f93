"""What a state holds of machines, for commands that speak without the daemon: the same answers as the daemon has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from netbootd.boot.facts import Facts
from netbootd.fleet.changes import Change, Known, Learn, Written
from netbootd.fleet.family import family, stage_of
from netbootd.fleet.identity import Match
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import Record
from netbootd.fleet.records import Records
from netbootd.fleet.sightings import facts_of
from netbootd.fleet.snapshot import Snapshot
from netbootd.wire.mac import Mac


class Asked:
    """Nothing is written by it."""

    def __init__(self, fleet: Snapshot, known: Known) -> None:
        self._fleet = fleet
        self.records = Records(known.records, new_id=lambda: "new", family=self._listed)
        # What is in doubt is the daemon's to settle.
        self.ledger = Ledger(_Still(), Known(known.entries), family=self._family)

    def stage(self, mac: Mac) -> Stage | None:
        """Where this machine stands with a profile that boots once."""
        return stage_of(mac, self.known(mac), self.ledger, self.records)

    def known(self, mac: Mac) -> Facts:
        """What its iPXE said of it."""
        record = self.records.get(self.records.owner(mac))
        return facts_of(record, mac) if record else Facts(mac=mac)

    def recorded(self, facts: Facts) -> Record | None:
        """The one record of a machine that says this of itself."""
        found = self.records.identify(facts)
        return self.records.get(found.id) if isinstance(found, Match) else None

    def called(self, name: str) -> Mac | None:
        """The first card of the machine with this name."""
        found = (record for record in self.records.all() if record.name == name and record.macs)
        return next((record.macs[0] for record in found), None)

    def armed(self) -> frozenset[Mac]:
        """Cards that are armed or were."""
        return frozenset(entry.mac for entry in self.ledger.recorded() if entry.stage is not Stage.DISARMED)

    def _listed(self, mac: Mac) -> tuple[Mac, ...]:
        machine = self._fleet.machine(mac)
        return machine.macs if machine else (mac,)

    def _family(self, mac: Mac) -> tuple[Mac, ...]:
        return family(self.known(mac), self._fleet, self.records)


class _Still:
    """A journal that nothing goes to."""

    durable = True

    def write(self, *_changes: Change) -> Awaitable[Written]:
        written = asyncio.get_running_loop().create_future()
        written.set_result(Written.NO)
        return written

    def later(self, *changes: Change) -> None:
        """See `Journal`."""

    def follow(self, learn: Learn) -> None:
        """See `Journal`."""
