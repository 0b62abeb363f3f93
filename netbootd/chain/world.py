"""Everything a decision may look at, as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from netbootd.boot.bundle import Bundle
from netbootd.boot.facts import Facts
from netbootd.boot.firmware import Firmware
from netbootd.boot.model import Machine
from netbootd.boot.render import Templates
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.numbered import numbered
from netbootd.fleet.overlay import overlaid
from netbootd.fleet.record import Record
from netbootd.fleet.snapshot import Assignment, Snapshot
from netbootd.payloads import PAYLOADS
from netbootd.wire.mac import Mac


@dataclass(frozen=True, slots=True)
class World:
    """Everything a decision may look at; made at start and at reload, never changed."""

    fleet: Snapshot
    firmware: Firmware
    templates: Templates
    stage: Callable[[Mac], Stage | None] = lambda _mac: None
    """Where a machine stands with a profile that boots once, from memory."""
    known: Callable[[Mac], Facts] = lambda mac: Facts(mac=mac)
    """What this machine's iPXE said of it at an earlier boot, from memory."""
    left: Callable[[Mac], bool] = lambda _mac: False
    """Whether it was sent to its own disk a moment ago."""
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    """What bundles there are, by name, digest and directory."""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What payloads name in their ``files``."""
    recorded: Callable[[Facts], Record | None] = lambda _facts: None
    """What is on record of the machine that says this, from memory."""

    rival: Callable[[str, Facts, Machine | None], str] = lambda _serial, _facts, _machine: ""
    """Who else has this soft serial, from memory; "" for nobody."""
    called: Callable[[str], Mac | None] = lambda _name: None
    """The card of the machine that only its record gives this name, for commands."""

    def assignment(self, facts: Facts, known: Machine | None = None) -> Assignment:
        """Which profile a machine has, and why: as `Snapshot.lookup`, and where files leave it open as somebody set
        it by the API."""
        found = self.fleet.lookup(facts, known)
        record = None if found.withheld else self.recorded(_remembered(facts, known))
        machine = overlaid(found.machine, record, self.fleet.profiles)
        if machine is not found.machine:
            # A machine that a file may yet turn out to name goes on to say who it is.
            found = replace(self.fleet.lookup(facts, machine), undecided=found.undecided)
        soft = numbered(found.machine, record, found.profile)
        if soft is None:
            return found
        key = PAYLOADS[found.profile.payload].soft_serial if found.profile else ""
        return replace(found, args=soft.laid(found.args, key), soft_serial=soft)


def _remembered(facts: Facts, known: Machine | None) -> Facts:
    """One that came by its secret is on record under the card it is remembered by, whatever card it shows."""
    return replace(facts, mac=known.macs[0]) if known and known.secret and known.macs else facts
