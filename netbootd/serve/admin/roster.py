"""Who there is: the machines of the files, those on record, and those that are only armed; and which one is meant.

A machine is asked for by the id of its record, by a card in any spelling, or by its name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.fleet.changes import Entry
from netbootd.fleet.identity import Conflict
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.merged import machine_of
from netbootd.fleet.record import Record
from netbootd.fleet.snapshot import Snapshot
from netbootd.serve.admin.problems import Problem
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.kept import Kept
from netbootd.serve.turns import in_turns
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac
from netbootd.wire.text import printable


@dataclass(frozen=True, slots=True)
class Seat:
    """One machine: a file's, a record's, or both; ``asked``: the card it was asked for by, which may be all there is
    of it."""

    machine: Machine | None
    record: Record | None
    asked: Mac | None = None
    conflict: str = ""
    """What several records claim of it; then it has none here."""

    @property
    def mac(self) -> Mac | None:
        """The card it is remembered by."""
        cards = self.macs
        return cards[0] if cards else None

    @property
    def macs(self) -> tuple[Mac, ...]:
        """Those of the file first."""
        listed = self.machine.macs if self.machine else ()
        shown = self.record.macs if self.record else ()
        return tuple(dict.fromkeys((*listed, *shown))) or ((self.asked,) if self.asked else ())

    @property
    def known(self) -> bool:
        """It is listed, or on record."""
        return self.machine is not None or self.record is not None


class Roster:
    """Follows reloads."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._fleet: Snapshot | None = None
        self._machines: Kept[str, Machine | None] = Kept()  # by the ids of records

    async def all(self) -> AsyncIterator[Seat]:
        """Those of the files in their order, then those on record, then those that are armed or were and nothing
        else.  Packets get their turn between."""
        fleet, records = self._services.fleet, self._services.records.all()
        if fleet is not self._fleet:
            self._fleet, self._machines = fleet, Kept()
        machines = self._machines  # of this fleet, whatever is read anew meanwhile
        of_machine: dict[int, list[Record]] = {}
        alone: list[Record] = []
        async for record in in_turns(records):
            machine = machines.of(record.id, record, partial(machine_of, fleet, record))
            (of_machine.setdefault(id(machine), []) if machine else alone).append(record)
        seated: set[Mac] = set()
        listed = [self._listed(machine, of_machine.get(id(machine), [])) for machine in fleet.machines]
        disputed = [each for found in of_machine.values() if len(found) > 1 for each in found]
        elsewhere = await self._shown_by_cards() if any(not seat.macs for seat in listed) else frozenset[int]()
        async for seat in in_turns([*listed, *(Seat(None, record) for record in (*disputed, *alone))]):
            macs = seat.macs
            if macs or id(seat.machine) not in elsewhere:
                seated.update(macs)
                yield seat
        # A card that is on no list and no record has no others.
        unseated = (entry.mac for entry in self._services.ledger.recorded() if entry.mac not in seated)
        async for mac in in_turns(sorted(unseated, key=str)):
            if (entry := self._services.ledger.entry(mac)) and _remembered(entry):
                yield self.of_card(mac)

    def find(self, text: str) -> Seat:
        """By id, card or name.  A card nobody knows is a machine all the same; raises `Problem` for other text."""
        if record := self._services.records.get(text):
            return self._of_record(record)
        try:
            return self.of_card(Mac.parse(text))
        except WireError:
            return self._named(text)

    def of_card(self, mac: Mac) -> Seat:
        """Whoever has it."""
        machine = self._machine(mac)
        found = self._records_of(machine, mac)
        if len(found) > 1:
            return Seat(machine, None, mac, f"{', '.join(record.id for record in found)} claim it")
        record = next(iter(found), None)
        return Seat(machine or (machine_of(self._services.fleet, record) if record else None), record, mac)

    def again(self, seat: Seat) -> Seat:
        """The same machine as it is now; of several records that claim a card, the same record."""
        if seat.conflict or seat.mac is None:
            return seat
        now = self.of_card(seat.mac)
        if not now.conflict or seat.record is None:
            return now
        return replace(seat, record=self._services.records.get(seat.record.id) or seat.record)

    def _named(self, text: str) -> Seat:
        for machine in self._services.fleet.machines:
            if machine.name == text:
                return self.of_card(machine.macs[0]) if machine.macs else self._cardless(machine)
        for record in self._services.records.all():
            if record.name == text:
                return self._of_record(record)
        detail = f"{printable(text, 60)!r} is not a hardware address, and no machine's id or name"
        raise Problem(HTTPStatus.NOT_FOUND, detail)

    def _cardless(self, machine: Machine) -> Seat:
        """One that is listed by what its iPXE reports."""
        fleet = self._services.fleet
        found = [record for record in self._services.records.all() if machine_of(fleet, record) is machine]
        return self._listed(machine, found)

    def _listed(self, machine: Machine, found: list[Record]) -> Seat:
        if len(found) > 1:
            return Seat(machine, None, conflict=f"{', '.join(record.id for record in found)} claim it")
        return Seat(machine, found[0] if found else None)

    def _of_record(self, record: Record) -> Seat:
        machine = machine_of(self._services.fleet, record)
        return Seat(machine, record, record.macs[0] if record.macs else None)

    def _machine(self, mac: Mac) -> Machine | None:
        """The file's, also where only what its iPXE has said tells which it is."""
        fleet = self._services.fleet
        return fleet.machine(mac) or fleet.named(self._services.known(mac))

    def _records_of(self, machine: Machine | None, mac: Mac) -> list[Record]:
        records = self._services.records
        found: dict[str, Record] = {}
        for card in dict.fromkeys((mac, *(machine.macs if machine else ()))):
            match records.identify(Facts(mac=card)):
                case Conflict(ids=ids):
                    found.update((id, each) for id in ids if (each := records.get(id)))
                case known if each := records.get(getattr(known, "id", "")):
                    found[each.id] = each
        return list(found.values())

    async def _shown_by_cards(self) -> frozenset[int]:
        """Machines of the files that cards in the ledger are known to be of."""
        ledger = self._services.ledger
        found: set[int] = set()
        async for recorded in in_turns(ledger.recorded()):
            if (entry := ledger.entry(recorded.mac)) and _remembered(entry):
                found.add(id(self._machine(entry.mac)))
        return frozenset(found)


def _remembered(entry: Entry) -> bool:
    """Those that were left to their disks and nothing else is known of are nobody's any more."""
    return entry.stage is not Stage.DISARMED
