"""A boot's steps, as the causes ask about them."""

from __future__ import annotations

from enum import IntEnum

from netbootd.boot.silence import Reason
from netbootd.fleet.happening import whole
from netbootd.fleet.record import Attempt, Outcome, Reached, Step
from netbootd.observe.diagnosis.model import Case, Told

_SAID = (Reached.PAYLOAD, Reached.SYSTEM, Reached.SAID, Reached.END)
_CHOSE = Reason.LEASE_REQUEST.name
_ELSEWHERE = Reason.OTHER_SERVER.name


class Far(IntEnum):
    """How far a boot came."""

    NOWHERE = 0
    FIRMWARE = 1
    LOADER = 2
    IPXE = 3
    SCRIPT = 4
    FILE = 5
    PAYLOAD = 6
    LOCAL = 7


def far(attempt: Attempt) -> Far:
    """The furthest it came; a file that it only tried for counts where its script names it."""
    if attempt.outcome is Outcome.LOCAL:
        return Far.LOCAL
    if given(attempt) is not None:
        return Far.PAYLOAD
    return max((_far(step, attempt.files) for step in attempt.steps), default=Far.NOWHERE)


def given(attempt: Attempt) -> Step | None:
    """With which step all of its payload was out: as it was told of, else its last file."""
    told_of = [step for step in attempt.steps if step.stage is Reached.PAYLOAD]
    if told_of:
        return told_of[-1]
    out = {step.file: step for step in attempt.steps if step.stage is Reached.FILE and whole(step)}
    if not attempt.files or any(file not in out for file in attempt.files):
        return None
    return max((out[file] for file in attempt.files), key=lambda step: step.last)


def _far(step: Step, files: tuple[str, ...]) -> Far:
    match step.stage:
        case stage if stage in _SAID:
            return Far.PAYLOAD
        case Reached.FILE:
            return Far.FILE if step.file in files or not step.trouble else Far.NOWHERE
        case Reached.SCRIPT | Reached.LOCAL:
            return Far.SCRIPT
        case Reached.IPXE:
            return Far.IPXE
        case Reached.LOADER:
            return Far.LOADER
        case _:
            return Far.FIRMWARE


def at(case: Case, *stages: Reached) -> tuple[Step, ...]:
    """The steps of these stages, in order."""
    return tuple(step for step in case.attempt.steps if step.stage in stages)


def idle(case: Case) -> float:
    """Seconds without a sign of life; a transfer under way is one."""
    return case.now - max(case.attempt.last, case.moving.at if case.moving else 0.0)


def over(case: Case, patience: float) -> bool:
    """Whether it came no further: so much time is over, or it has begun another boot."""
    return case.attempt.outcome is Outcome.ABANDONED or idle(case) >= patience


def discovers(case: Case, stage: Reached) -> tuple[Step, ...]:
    """DISCOVERs that were answered."""
    return tuple(step for step in at(case, stage) if step.asked and step.asked.message == "DISCOVER")


def asked_in_vain(case: Case, stage: Reached, patience: float, times: int) -> bool:
    """Whether it asks for an address again and again, or has ceased to."""
    asks = discovers(case, stage)
    if not asks:
        return False
    repeated = sum(step.times for step in asks) >= times and case.now - asks[0].at >= patience
    return repeated or over(case, 2 * patience)


def chose(case: Case, stage: Reached) -> Step | None:
    """Its last REQUEST to a DHCP server."""
    return next((step for step in reversed(at(case, stage)) if step.reason == _CHOSE), None)


def elsewhere(case: Case, stage: Reached) -> Step | None:
    """Its last question on port 4011 to another server."""
    return next((step for step in reversed(at(case, stage)) if step.reason == _ELSEWHERE), None)


def on_4011(case: Case, stage: Reached) -> Step | None:
    """Its last question on port 4011 that we answered."""
    steps = reversed(at(case, stage))
    return next((step for step in steps if step.asked and step.asked.port == 4011 and step.asked.offered), None)


def fetched(case: Case, stage: Reached) -> tuple[Step, ...]:
    """What it got whole."""
    return tuple(step for step in at(case, stage) if not step.trouble and not step.reason and step.bytes)


def held(case: Case) -> int:
    """Bytes of the files of its payload that it has."""
    return sum(step.bytes for step in fetched(case, Reached.FILE))


def troubles(case: Case, stage: Reached) -> tuple[Step, ...]:
    """What went wrong and was not put right by a later try."""
    good = {step.file: step.last for step in fetched(case, stage)}
    return tuple(step for step in at(case, stage) if step.trouble and good.get(step.file, 0.0) < step.last)


def client(case: Case) -> str:
    """What its firmware is, or "its firmware"."""
    named = (step.asked.client for step in case.attempt.steps if step.asked and step.asked.client)
    return next(named, "its firmware")


def offered(case: Case, stage: Reached = Reached.FIRMWARE) -> str:
    """The boot file of our last answer."""
    files = (step.asked.offered for step in reversed(at(case, stage)) if step.asked and step.asked.offered)
    return next(files, "")


def told(case: Case, sentence: str, advice: str, *evidence: str, at: float = 0.0) -> Told:
    """Found, seen at ``at`` or at the last sign of life."""
    return Told(sentence, advice, tuple(filter(None, evidence)), at or case.attempt.last)


def counted(number: int, what: str) -> str:
    """``3 DISCOVERs``, as evidence."""
    return f"{number} {what}{'s' * (number != 1)}"


def seconds(value: float) -> str:
    """``12 s``, ``4 min``, ``2 h 5 min``."""
    whole = round(value)
    if whole < 100:
        return f"{whole} s"
    minutes = round(value / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
