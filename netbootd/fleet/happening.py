"""What happens in a boot, and how it becomes steps: the like of what happened is counted with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from netbootd.fleet.record import Asked, Attempt, Outcome, Reached, Step, Transfer
from netbootd.wire.mac import Mac

FOLD = 60.0
"""Seconds within which the like of what happened is counted with it."""
OVER = frozenset({Reached.PAYLOAD, Reached.SYSTEM, Reached.END})
ALWAYS_KEPT = OVER | {Reached.AGAIN}
"""There is room for these where there is for no other step."""
_RESERVED = 8
SAID = 16
"""Lines of its installer's that a boot keeps beside its other steps: the latest."""
_OUTCOMES = {Reached.PAYLOAD: Outcome.PAYLOAD, Reached.LOCAL: Outcome.LOCAL}


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing a machine did, or got; ``at`` in seconds since the epoch.  ``detail`` is one printable line."""

    stage: Reached
    at: float
    mac: Mac | None = None
    ip: str = ""
    bytes: int = 0
    detail: str = ""
    profile: str = ""
    trouble: bool = False
    goes_on: bool = False
    """It never begins a boot, as a second packet of one exchange does not."""
    joins: bool = False
    """It is part of a boot under way, or nothing: any computer does that, too."""
    file: str = ""
    reason: str = ""
    asked: Asked | None = None
    transfer: Transfer | None = None
    """These as a `Step` has them."""
    files: tuple[str, ...] = ()
    generation: int = 0
    """These as an `Attempt` has them; they go with a script."""
    uuid: UUID | None = None
    """The machine's, as it says."""
    awaited: bool = False
    """It is of interest, as its machine should be booting."""


def taken_in(attempt: Attempt, what: Happening, most: int) -> Attempt:
    """The boot with this as a step of it, of which it may have ``most``, and `SAID` lines."""
    attempt = _added(attempt, what, most)
    return _all_out(attempt, what) if what.stage is Reached.FILE and not what.trouble else attempt


def whole(step: Step) -> bool:
    """Whether the file of this step went out to its end, in one piece or in ranges."""
    size = step.transfer.size if step.transfer else 0
    return not step.trouble and step.bytes >= max(size, 1)


def _all_out(attempt: Attempt, what: Happening) -> Attempt:
    """Of what installs the ledger says when all of it went out; of what boots always the files alone do."""
    if attempt.generation or not attempt.files or any(step.stage is Reached.PAYLOAD for step in attempt.steps):
        return attempt
    out = {step.file for step in attempt.steps if step.stage is Reached.FILE and whole(step)}
    if not out.issuperset(attempt.files):
        return attempt
    return replace(
        attempt, outcome=Outcome.PAYLOAD, steps=(*attempt.steps, Step(Reached.PAYLOAD, what.at, last=what.at))
    )


def _added(attempt: Attempt, what: Happening, most: int) -> Attempt:
    attempt = replace(
        attempt,
        last=max(attempt.last, what.at),
        outcome=_outcome(attempt, what),
        profile=what.profile or attempt.profile,
        files=what.files or attempt.files,
        generation=what.generation or attempt.generation,
    )
    for place in reversed(range(len(attempt.steps))):
        if _alike(step := attempt.steps[place], what):
            return replace(attempt, steps=(*attempt.steps[:place], _more(step, what), *attempt.steps[place + 1 :]))
    if what.stage is Reached.SAID:
        return _said(attempt, _step(what))
    room = most if what.stage in ALWAYS_KEPT else most - _RESERVED
    if sum(step.stage is not Reached.SAID for step in attempt.steps) >= room:
        return replace(attempt, left_out=attempt.left_out + 1)
    return replace(attempt, steps=(*attempt.steps, _step(what)))


def _said(attempt: Attempt, step: Step) -> Attempt:
    """The last words before silence are worth more than the first."""
    before = [place for place, each in enumerate(attempt.steps) if each.stage is Reached.SAID]
    if len(before) < SAID:
        return replace(attempt, steps=(*attempt.steps, step))
    kept = (*attempt.steps[: before[0]], *attempt.steps[before[0] + 1 :], step)
    return replace(attempt, steps=kept, left_out=attempt.left_out + 1)


def _step(what: Happening) -> Step:
    return Step(
        what.stage,
        what.at,
        what.bytes,
        what.detail,
        what.at,
        trouble=what.trouble,
        file=what.file,
        reason=what.reason,
        asked=what.asked,
        transfer=what.transfer,
    )


def _more(step: Step, what: Happening) -> Step:
    return replace(
        step,
        bytes=step.bytes + what.bytes,
        last=max(step.last, what.at),
        times=step.times + 1,
        transfer=_together(step.transfer, what.transfer),
    )


def _together(before: Transfer | None, now: Transfer | None) -> Transfer | None:
    """What the latest try agreed on and got to, and what all of them took."""
    if before is None or now is None:
        return now or before
    return replace(
        now,
        size=max(before.size, now.size),
        seconds=before.seconds + now.seconds,
        retransmits=before.retransmits + now.retransmits,
    )


def _outcome(attempt: Attempt, what: Happening) -> Outcome:
    """A boot that was given up for abandoned goes on when more comes: a large file is told of when it is through."""
    if not what.trouble and what.stage in _OUTCOMES:
        return _OUTCOMES[what.stage]
    return Outcome.RUNNING if attempt.outcome is Outcome.ABANDONED and what.stage not in OVER else attempt.outcome


def _alike(step: Step, what: Happening) -> bool:
    """A file is fetched in parts for as long as it takes; how one of them ended tells it from the others."""
    if step.stage is not what.stage or step.trouble != what.trouble or step.detail != what.detail:
        return False
    same = (step.file, step.reason, step.asked) == (what.file, what.reason, what.asked)
    return same and (step.stage is Reached.FILE or what.at - step.last <= FOLD)
