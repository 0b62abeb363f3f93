"""Installations that a power cut left without the boot they go by, followed on after it.

What a machine may have is on disk before its script goes out; its boot is written behind, up to a second later.  Cut
off in between, netbootd would wait for nothing: a machine that hangs would stay armed for ever, and one that may have
been given its payload would count as installed.
"""

from __future__ import annotations

from collections.abc import Iterator

from netbootd.boot.facts import Facts
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.behind import Behind
from netbootd.fleet.changes import Entry
from netbootd.fleet.happening import Happening
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage, ending_of
from netbootd.fleet.record import Reached
from netbootd.fleet.records import Records

BEFORE = "before netbootd was started again"


def resume(ledger: Ledger, records: Records, attempts: Attempts, behind: Behind, now: float) -> None:
    """Begin a boot for each of them; ``now`` is seconds since the epoch."""
    for entry, ip, at in _under_way(ledger, now):
        record = records.get(records.owner(entry.mac))
        boots = attempts.of(record.id if record else str(entry.mac))
        if ending_of(record, entry) or any(boot.generation == entry.generation for boot in boots):
            continue
        behind.add(records.saw(Facts(mac=entry.mac), ip, at))
        script = Happening(Reached.SCRIPT, at, entry.mac, ip, detail=BEFORE, generation=entry.generation)
        attempts.happened(script)


def _under_way(ledger: Ledger, now: float) -> Iterator[tuple[Entry, str, float]]:
    """With the address it was handed its script at, and when that counts from: one that fetches has its time from now
    on, and one that may have been given its payload from then on."""
    for handing in ledger.handings():
        entry = ledger.entry(handing.mac)
        if entry is not None and entry.stage is Stage.ARMED:
            yield entry, handing.ip, now
    for mac in ledger.doubted:
        entry = ledger.entry(mac)
        if entry is not None and entry.stage is Stage.GIVEN:
            yield entry, "", entry.since
