"""All cards of one machine: what is armed by one of them, or given to it, counts for the others.

A file says so, and so does a record, as one board has shown them.  A card that more than one record claims, as an
adapter that goes from machine to machine, is one machine's with nothing but what it says of itself: by itself alone.
"""

from __future__ import annotations

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.fleet.identity import Conflict, Match, Stranger
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import Record
from netbootd.fleet.records import Records
from netbootd.fleet.snapshot import Snapshot
from netbootd.wire.mac import Mac


def family(facts: Facts, fleet: Snapshot, records: Records) -> tuple[Mac, ...]:
    """Of the machine that says this, its card among them; those of a file first, then the one seen first."""
    assert facts.mac is not None, "a machine is remembered by a card"
    listed = fleet.machine(facts.mac)
    found = records.identify(facts)
    record = records.get(found.id) if isinstance(found, Match) else None
    if record is None:
        return listed.macs if listed else (facts.mac,)
    shown = tuple(card for card in record.macs if _alone(card, record, records))
    machines = _machines(listed, shown, fleet)
    if len(machines) > 1:  # of two machines in files no third is made
        return listed.macs if listed else (facts.mac,)
    return tuple(dict.fromkeys((*(machines[0].macs if machines else ()), *shown, facts.mac)))


def stage_of(mac: Mac, facts: Facts, ledger: Ledger, records: Records) -> Stage | None:
    """Where the machine that says this stands with a profile that boots once.  One that nobody can tell from another
    is not armed by its profile, nor by what another machine that has its card was armed for."""
    entry = ledger.entry(mac)
    if entry is None and doubtful(facts, records):
        return Stage.DISARMED
    rivals = others(facts, records) if entry and entry.stage is Stage.ARMED else ()
    armed = (known for card in rivals if (known := ledger.entry(card)))
    if entry and any((each.since, each.by) == (entry.since, entry.by) for each in armed):
        return Stage.DISARMED
    return ledger.stage(mac)


def doubtful(facts: Facts, records: Records) -> bool:
    """Whether nobody can tell which machine this is: then it has nothing that wipes unless a person armed this card."""
    return isinstance(records.identify(facts), Conflict)


def others(facts: Facts, records: Records) -> tuple[Mac, ...]:
    """Cards of machines that have this card, too, and are not the one that says this."""
    found = records.identify(facts)
    own = found.id if isinstance(found, Match) else ""
    if facts.mac is None or (not own and not isinstance(found, Stranger)):
        return ()
    rivals = (record for record in records.of_card(facts.mac) if record.id != own)
    return tuple(card for record in rivals for card in record.macs if card != facts.mac)


def _alone(card: Mac, record: Record, records: Records) -> bool:
    return all(each.id == record.id for each in records.of_card(card))


def _machines(listed: Machine | None, cards: tuple[Mac, ...], fleet: Snapshot) -> list[Machine]:
    found: list[Machine] = [listed] if listed else []
    for machine in map(fleet.machine, cards):
        if machine is not None and all(machine is not each for each in found):
            found.append(machine)
    return found
