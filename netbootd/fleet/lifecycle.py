"""The life of a machine: where it stands, what it gets there, how long that may last, and what moves it on.

                      approve, or            install            its script
    (it shows up)     a file lists it                           goes out
         |                  |                   |                   |
         +--> DISCOVERED ---+---> APPROVED -----+----> ARMED -------+---> INSTALLING ---+--> INSTALLED
                                                         ^                              |
                        LOCAL, FAILED, INSTALLED --------+ install                      +--> FAILED

    state         what it gets                        how long       what ends it
    ------------  ----------------------------------  -------------  -------------------------------------------------
    DISCOVERED    what ``unknown`` says; nothing      no limit       somebody approves it, or arms it
                  that wipes
    APPROVED      its own disk                        no limit       ``install``
    ARMED         its payload; also where it never    no limit: it   its script goes out
                  was installed and its profile       may be racked
                  says ``auto: true``                 next month
    INSTALLING    its payload, until the last byte    `Limits`       a `Signal`, the surest first: the installer's own
                  of it has gone out; from then on                   call, with its token; silence and then an ordinary
                  its own disk                                       DHCP request; silence and then its firmware anew;
                                                                     its time is over
    INSTALLED     its own disk                        no limit       ``install``; where that was a guess, its
                                                                     installer's call: FAILED
    FAILED        its own disk                        no limit       ``install``: a person looks at it first; where
                                                                     that was a guess, its installer's call: INSTALLED
    LOCAL         its own disk                        no limit       ``install``; ``local`` leads here from anywhere

This is about profiles that install (``boots: once``).  One that ``boots: always`` is handed out at every boot to
whoever has it, and its machines are DISCOVERED or APPROVED for ever.  Being listed in a file approves a machine, it
does not arm it.

What a machine may have is decided by `verdict` alone, on the `Stage` that a `Ledger` keeps on disk in the order it
says; ARMED and INSTALLING here are its ARMED, then its GIVEN without an `Ending`.  A state is derived anew each time,
so it cannot get out of step, and an `Ending` only ever takes: whoever records one while the stage is still ARMED has
the ledger use the arming up (`spends`).  No signal arms anybody.  A surer signal goes before a less sure one, but no
guess turns a failure into a success: a hung machine somebody switched off and on again asks for addresses, too.

While nothing can be recorded, an armed machine and one without a record are HELD: what is handed out then would be
handed out again after a restart.  So is a machine whose last file another daemon has begun to send.

Who may have its payload may still be refused its script: for arguments that will not do (`chain.ordering`), and as
long as the soft serial it is to have is not on disk, or another's (`chain.serials`).  It stays ARMED.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol

from netbootd.boot.model import Boots, Profile
from netbootd.fleet.record import Attempt, Ending, Reached, Record, Signal, Step


class Stage(Enum):
    """Where a machine stands with a profile that boots once."""

    ARMED = "armed"
    GIVEN = "given its payload"
    DISARMED = "left to its own disk"
    HELD = "held back"
    """Never recorded: what a `Ledger` answers, armed or not, while it has no durable record to write to, no room for
    one more, or another daemon has begun."""


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
            return Verdict(False, "its install cannot be recorded here now, see the daemon's log", waiting=True)
        case None if profile.auto:
            return Verdict(True, "never installed before, and the profile arms by itself (auto)")
        case None | Stage.DISARMED:
            return Verdict(False, "the profile boots once and nobody armed this machine", waiting=True)


class State(Enum):
    """Where a machine stands in its life."""

    DISCOVERED = "discovered"
    APPROVED = "approved"
    ARMED = "armed"
    INSTALLING = "installing"
    INSTALLED = "installed"
    FAILED = "failed"
    LOCAL = "local"


class Confidence(Enum):
    """How sure it is that an installation ended so."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"
    """Its firmware asked anew: so does one whose installer gave up."""
    ASSUMED = "assumed"
    """Nobody said anything."""


_CONFIDENCE = {
    Signal.TOLD: Confidence.CERTAIN,
    Signal.PLAIN_DHCP: Confidence.LIKELY,
    Signal.PXE_AGAIN: Confidence.POSSIBLE,
    Signal.TIMEOUT: Confidence.ASSUMED,
}
_SUREST_FIRST = tuple(Signal)
AUTO = "auto"
"""Who armed a machine of a profile that arms by itself."""
_BY_ITSELF = "its profile arms by itself"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an installation may take; in seconds.  One for each profile."""

    fetching: float = 1800.0
    """Without any request, before all of the payload has gone out."""
    installing: float = 7200.0
    """After that, until a sign that it is over."""
    quiet: float = 60.0
    """What is asked for sooner after the last byte is the installer's own request."""
    powers_off: bool = False
    """It says nothing at its end, as an installer that switches the machine off: silence then is a success."""


class Arming(Protocol):
    """What a ledger knows of a machine (`Entry`)."""

    @property
    def stage(self) -> Stage: ...
    @property
    def since(self) -> float: ...
    @property
    def by(self) -> str: ...
    @property
    def generation(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """A state, and what there is to say of it."""

    state: State
    why: str
    since: float | None = None
    until: float | None = None
    """When it fails unless something happens."""
    payload: bool = False
    """It gets its payload if it asks now."""
    confidence: Confidence | None = None
    """Of INSTALLED and FAILED."""
    ending: Ending | None = None
    """Of these, too: what they are made of, recorded yet or not."""
    timed: bool = field(default=False, compare=False)
    """Time alone may make another of it."""


def state_of(
    record: Record | None,
    arming: Arming | None,
    attempt: Attempt | None,
    now: float,
    *,
    listed: bool = False,
    auto: bool = False,
    held: bool = False,
    limits: Limits = Limits(),
) -> Standing:
    """Where a machine stands at ``now``.  ``attempt`` is its latest boot, ``listed``: a file names it, ``auto``: its
    profile arms by itself, ``held``: an installation cannot be recorded here now (`Stage.HELD`)."""
    standing = _standing(record, arming, attempt, now, listed, auto, limits)
    if held and standing.payload:
        return replace(standing, payload=False, why=f"{standing.why}; held back, as that cannot be recorded here now")
    return standing


def learned(
    record: Record | None, arming: Arming | None, attempt: Attempt | None, now: float, limits: Limits = Limits()
) -> Ending | None:
    """The ending that what was seen amounts to, if it is news; whoever gets one records it."""
    if arming is None or attempt is None or arming.stage not in (Stage.ARMED, Stage.GIVEN):
        return None
    before = ending_of(record, arming)
    guess = _guess(arming, attempt, now, limits)
    if guess is None or (before and (not before.done or not _surer(guess, before))):
        return None
    return guess


def told(
    record: Record | None, arming: Arming | None, generation: int, done: bool, at: float, detail: str = ""
) -> Ending | None:
    """The installer called, with a token made for this generation.  None: there is no such installation, or it has
    said otherwise before; the same ending again is the same answer."""
    if arming is None or arming.generation != generation or arming.stage not in (Stage.ARMED, Stage.GIVEN):
        return None
    before = ending_of(record, arming)
    if before and before.signal is Signal.TOLD:
        return before if before.done is done else None
    return Ending(generation, done, at, Signal.TOLD, detail)


def ending_of(record: Record | None, arming: Arming) -> Ending | None:
    """How the installation of this arming ended, as far as that is recorded."""
    ending = record.ending if record else None
    return ending if ending and ending.generation == arming.generation else None


def is_over(record: Record | None, arming: Arming, attempt: Attempt | None, now: float, limits: Limits) -> bool:
    """Whether nothing that may be seen from now on makes another ending of this arming; only an installer's call."""
    ending = ending_of(record, arming)
    if arming.stage is not Stage.GIVEN:
        return False
    if ending and (not ending.done or ending.signal in (Signal.TOLD, Signal.PLAIN_DHCP)):
        return True
    return now >= arming.since + limits.installing and (ending is not None or attempt is None)


def spends(record: Record | None, arming: Arming | None) -> bool:
    """Whether an arming is still there whose installation is over: then the ledger has to use it up."""
    return arming is not None and arming.stage is Stage.ARMED and ending_of(record, arming) is not None


def _standing(
    record: Record | None,
    arming: Arming | None,
    attempt: Attempt | None,
    now: float,
    listed: bool,
    auto: bool,
    limits: Limits,
) -> Standing:
    if arming is None:
        return Standing(State.ARMED, _BY_ITSELF, payload=True) if auto else _unarmed(record, listed)
    if arming.stage is Stage.DISARMED:
        return Standing(State.LOCAL, f"by {arming.by}", arming.since)
    recorded = ending_of(record, arming)
    if ending := recorded or learned(record, arming, attempt, now, limits):
        state = State.INSTALLED if ending.done else State.FAILED
        why = ": ".join(filter(None, (ending.signal.value, ending.detail)))
        confidence = _CONFIDENCE[ending.signal]
        return Standing(state, why, ending.at, confidence=confidence, ending=ending, timed=recorded is None)
    if arming.stage is Stage.ARMED:
        script = _script(arming, attempt)
        if script is None or attempt is None:
            why = _BY_ITSELF if arming.by == AUTO else f"by {arming.by}"
            return Standing(State.ARMED, why, arming.since, payload=True)
        until = attempt.last + limits.fetching
        return Standing(State.INSTALLING, _last_seen(attempt), script.at, until, payload=True, timed=True)
    if attempt is None:  # it was given its payload before boots were recorded
        return Standing(State.INSTALLED, arming.by, arming.since, confidence=Confidence.ASSUMED)
    return Standing(State.INSTALLING, arming.by, arming.since, arming.since + limits.installing, timed=True)


def _unarmed(record: Record | None, listed: bool) -> Standing:
    if listed:
        return Standing(State.APPROVED, "a file lists it")
    if record and record.approved:
        return Standing(State.APPROVED, f"by {record.approved.by}", record.approved.at)
    return Standing(State.DISCOVERED, "nobody approved it", record.first_seen if record else None)


def _guess(arming: Arming, attempt: Attempt, now: float, limits: Limits) -> Ending | None:
    """Silence, and what came after it."""
    generation, seen = arming.generation, _last_seen(attempt)
    if arming.stage is Stage.ARMED:
        if _script(arming, attempt) is None or now - attempt.last < limits.fetching:
            return None
        return Ending(generation, False, attempt.last + limits.fetching, Signal.TIMEOUT, seen)
    end = arming.since + limits.installing
    if (at := _system(arming, attempt, limits)) is not None and at < end:
        return Ending(generation, True, at, Signal.PLAIN_DHCP)
    if (at := _again(arming, attempt, limits)) is not None and at < end:
        return Ending(generation, True, at, Signal.PXE_AGAIN)
    return Ending(generation, limits.powers_off, end, Signal.TIMEOUT, seen) if now >= end else None


def _script(arming: Arming, attempt: Attempt | None) -> Step | None:
    """The script it was handed since it was armed."""
    steps = attempt.steps if attempt else ()
    scripts = (step for step in steps if step.stage is Reached.SCRIPT and not step.trouble)
    return next((step for step in scripts if step.last >= arming.since), None)


def _system(arming: Arming, attempt: Attempt, limits: Limits) -> float | None:
    """When an ordinary system asked for an address, after silence: directly before, or before its firmware asked anew
    and was left to its disk, which then takes seconds to a system that asks."""
    left = _left(arming, attempt, limits)
    for step in attempt.steps:
        if step.stage is Reached.SYSTEM:
            before = (other.last for other in attempt.steps if other is not step and other.last <= step.at)
            silence = step.at - max(before, default=arming.since) >= limits.quiet <= step.at - arming.since
            if silence or (left is not None and left <= step.at):
                return step.at
    return None


def _left(arming: Arming, attempt: Attempt, limits: Limits) -> float | None:
    """When it was left to its own disk, in a boot that began after silence."""
    anew = _again(arming, attempt, limits)
    if anew is None:
        return None
    left = (step.at for step in attempt.steps if step.stage is Reached.LOCAL and not step.trouble)
    return next((at for at in left if at >= anew), None)


def _again(arming: Arming, attempt: Attempt, limits: Limits) -> float | None:
    """When its firmware asked anew, after silence: in this boot, or with it."""
    began = [step.at for step in attempt.steps if step.stage is Reached.AGAIN]
    return next((at for at in (*began, attempt.started) if at - arming.since >= limits.quiet), None)


def _last_seen(attempt: Attempt) -> str:
    step = max(attempt.steps[::-1], key=lambda each: each.last, default=None)
    return " ".join(filter(None, (step.stage.value, f"({step.detail})" if step.detail else ""))) if step else ""


def _surer(one: Ending, other: Ending) -> bool:
    return _SUREST_FIRST.index(one.signal) < _SUREST_FIRST.index(other.signal)
