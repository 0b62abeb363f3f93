"""Everything a decision may look at, as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from netbootd.boot.bundle import Bundle
from netbootd.boot.facts import Facts
from netbootd.boot.firmware import Firmware
from netbootd.boot.render import Templates
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.snapshot import Snapshot
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
