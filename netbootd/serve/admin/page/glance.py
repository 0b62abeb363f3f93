"""A machine at a glance: what a row of the fleet shows of it, and how far its boot has come."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from netbootd.fleet.attempts import last_step
from netbootd.fleet.lifecycle import State
from netbootd.fleet.record import Attempt, Reached, Step
from netbootd.observe.diagnosis.model import Cause, Diagnosis
from netbootd.serve.admin.overview import Rank
from netbootd.serve.admin.page.words import STAGES
from netbootd.serve.admin.roster import Seat

PHASES = ("DHCP", "boot program", "iPXE", "script", "files", "system")
"""What a boot goes through."""
_FILES = 5
_REACHED = {
    Reached.FIRMWARE: 1,
    Reached.LOADER: 2,
    Reached.IPXE: 3,
    Reached.SCRIPT: 4,
    Reached.FILE: _FILES,
    Reached.PAYLOAD: _FILES,
    Reached.SYSTEM: 6,
    Reached.SAID: 6,
    Reached.END: 6,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """``phase`` of `PHASES` that a boot has come to, and how much of it is done, from 0 to 1."""

    phase: int
    part: float
    file: str = ""

    @property
    def said(self) -> str:
        """For who cannot see it."""
        share = f", {self.part:.0%}" if 0 < self.part < 1 else ""
        return f"{self.phase} of {len(PHASES)}: {PHASES[self.phase - 1]}{share}"


@dataclass(frozen=True, slots=True)
class Glance:
    """One row."""

    key: str
    """What the machine is asked for by, fit for an address."""
    name: str
    mac: str
    what: str
    """Maker and model."""
    state: State
    why: str
    rank: Rank
    profile: str
    booting: bool
    progress: Progress | None
    stage: str
    detail: str
    seen: float | None
    trouble: Diagnosis | None
    conflict: str

    @property
    def wrong(self) -> tuple[str, ...]:
        """What is wrong with it, a sentence each."""
        found = self.trouble.sentence if self.trouble else self.why if self.state is State.FAILED else ""
        told = self.trouble is not None and self.trouble.cause is Cause.SHARED_IDENTITY
        claimed = f"two records claim one identity: {self.conflict}" if self.conflict and not told else ""
        return tuple(filter(None, (found, claimed)))

    @property
    def label(self) -> str:
        """What it is called."""
        return self.name or self.mac or self.key


def progress_of(attempt: Attempt | None) -> Progress | None:
    """How far a boot has come."""
    if attempt is None:
        return None
    phase = max((_REACHED.get(step.stage, 0) for step in attempt.steps), default=0)
    if not phase:
        return None
    moving = latest_transfer(attempt)
    part, file = (_part(moving), moving.file or moving.detail) if moving else (1.0, "")
    if phase == _FILES:
        done = any(step.stage is Reached.PAYLOAD for step in attempt.steps)
        part = 1.0 if done else _of_files(attempt, moving)
    return Progress(phase, part if phase in (2, _FILES) else 1.0, file)


def latest_transfer(attempt: Attempt) -> Step | None:
    """The file that is on its way, or went out last."""
    moved = [step for step in attempt.steps if step.stage in (Reached.LOADER, Reached.FILE)]
    return max(moved, key=lambda step: step.last, default=None)


def stage_words(attempt: Attempt | None) -> tuple[str, str]:
    """What happened last: the stage, and more of it."""
    step = last_step(attempt) if attempt else None
    if step is None:
        return "", ""
    moved, detail = step.transfer, step.file or step.detail
    if moved and 0 < moved.sent < moved.size:
        detail = f"{moved.sent / moved.size:.0%} of {detail}"
    return STAGES[step.stage], detail


def key_of(seat: Seat) -> str:
    """The id of its record, which no other claims; else its card, else its name."""
    if seat.record is not None:
        return quote(seat.record.id, safe="")
    if seat.mac is not None:
        return str(seat.mac)
    return quote(seat.machine.name if seat.machine else "", safe="")


def _of_files(attempt: Attempt, moving: Step | None) -> float:
    """Of all that its script has it fetch; each file counts the same, as sizes come late."""
    wanted = attempt.files
    if not wanted:
        return _part(moving) if moving else 0.0
    parts = {step.file: _part(step) for step in attempt.steps if step.stage is Reached.FILE and not step.trouble}
    return min(1.0, sum(parts.get(file, 0.0) for file in wanted) / len(wanted))


def _part(step: Step) -> float:
    moved = step.transfer
    if moved is None or not moved.size:
        return 1.0
    return min(1.0, max(moved.sent, 0) / moved.size)
