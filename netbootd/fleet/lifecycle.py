"""May this machine have its payload now?

A profile that ``boots: always`` is handed out at every boot.  One that ``boots: once`` installs, and installing
wipes: it is handed to a machine that somebody armed, until it has been given whole, and not again.  Being listed in
a file approves a machine, it does not arm it.

    (no record) --arm--> ARMED --all of the payload fetched--> GIVEN --arm--> ARMED
         |                 |                                     |
         +--- own disk     +--- payload                          +--- own disk

``auto: true`` lets a machine without a record take the way of an armed one.  While nothing can be recorded, an armed
machine and one without a record are HELD: what is handed out then would be handed out again after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from netbootd.boot.model import Boots, Profile


class Stage(Enum):
    """Where a machine stands with a profile that boots once."""

    ARMED = "armed"
    GIVEN = "given its payload"
    DISARMED = "left to its own disk"
    HELD = "held back"
    """Never recorded: what a `Ledger` answers, armed or not, while it has no durable record to write to."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the payload is handed out, and the reason in words."""

    netboot: bool
    why: str
    waiting: bool = False
    """It would boot if somebody armed it."""


def verdict(profile: Profile, stage: Stage | None) -> Verdict:
    """Apply the picture above."""
    if profile.boots is Boots.ALWAYS:
        return Verdict(True, "the profile boots always")
    match stage:
        case Stage.ARMED:
            return Verdict(True, "armed")
        case Stage.GIVEN:
            return Verdict(False, "it has been given its payload once", waiting=True)
        case Stage.HELD:
            return Verdict(False, "its install could not be recorded, see the daemon's log", waiting=True)
        case None if profile.auto:
            return Verdict(True, "never installed before, and the profile arms by itself (auto)")
        case None | Stage.DISARMED:
            return Verdict(False, "the profile boots once and nobody armed this machine", waiting=True)
