"""Causes once all of a payload has gone out: its system was not started, fell over, or says nothing."""

from __future__ import annotations

from netbootd.fleet.lifecycle import State
from netbootd.fleet.record import Outcome, Reached, Signal, Step
from netbootd.observe.diagnosis import times
from netbootd.observe.diagnosis.model import Case, Cause, Row, Told
from netbootd.observe.diagnosis.story import at, client, fetched, given, held, idle, seconds, told
from netbootd.observe.sentences import size_text


def _installer_failed(case: Case) -> Told | None:
    ending = case.ending
    if ending is None or ending.done or ending.signal is not Signal.TOLD or case.attempt.outcome is not Outcome.FAILED:
        return None
    words = [step.detail for step in at(case, Reached.SAID)][-3:]
    return told(
        case,
        f"says that its installation failed{': ' + ending.detail if ending.detail else ''}",
        "its own words are the best there is; `netbootd machines show` and the page have all of them. When it is put "
        f"right: `netbootd machines install {case.attempt.mac}`.",
        *words,
        at=ending.at,
    )


def _time_over(case: Case) -> Told | None:
    ending = case.ending
    if (
        ending is None
        or ending.done
        or ending.signal is not Signal.TIMEOUT
        or case.attempt.outcome is not Outcome.FAILED
    ):
        return None
    return told(
        case,
        f"was given its payload, and its time is over: {ending.detail or 'no sign of its end'}",
        "look at its screen. If it only takes long, raise `limits: {installing: ...}` of its profile. An installer "
        "that calls back when it is done needs no guess: `boot.done_url`. "
        f"Then: `netbootd machines install {case.attempt.mac}`. Memory: {_memory(case)}.",
        *_out(case, given(case.attempt)),
        at=ending.at,
    )


def _not_started(case: Case) -> Told | None:
    found = _came_back(case)
    if found is None or not times.PROMPT <= found[1].at - found[0].last < times.PROMPT + times.PROMPT_AND_BACK:
        return None
    out, again = found
    signature = (
        "under Secure Boot a kernel without a signature that the firmware, or the shim, knows ('Permission denied', "
        "'Security Violation'): a signed one, or Secure Boot off; "
        if "UEFI" in client(case)
        else ""
    )
    return told(
        case,
        "got all of its payload, and its iPXE did not start it",
        f"its screen says why: {signature}one for another architecture or way of booting ('Exec format error'); too "
        f"little memory ('No space left on device', 'Out of resources'): {_memory(case)}. If it shows a kernel's words "
        "before it starts anew, the kernel fell over: add `panic=60` and a console to read them.",
        *_out(case, out),
        f"its firmware is back after {seconds(again.at - out.last)}: a script whose `boot` fails waits "
        f"{seconds(times.PROMPT)} for a key",
        at=again.at,
    )


def _crashed(case: Case) -> Told | None:
    found = _came_back(case)
    if found is None:
        return None
    out, again = found
    return told(
        case,
        f"started its system, and its firmware is back after {seconds(again.at - out.last)}",
        "the kernel fell over at once: kernel and initrd that do not belong together, an initrd that does not fit "
        "into memory (" + _memory(case) + "), a wrong architecture. Add `panic=60` to its arguments and a console "
        "(`console=ttyS0,115200n8 console=tty0`) to read what it says.",
        *_out(case, out),
        at=again.at,
    )


def _silent(case: Case) -> Told | None:
    out = given(case.attempt)
    if out is None or not case.speaks or case.powers_off or _spoke(case) or at(case, Reached.AGAIN):
        return None
    if not case.attempt.told_apart:
        return None
    if case.attempt.outcome not in (Outcome.PAYLOAD, Outcome.RUNNING) or idle(case) < times.SYSTEM:
        return None
    return told(
        case,
        f"got all of its payload, and nothing was heard of it in {seconds(case.now - out.last)}",
        _likely(case) + " Network: a system without its card's driver is mute, too.",
        *_out(case, out),
        at=out.last,
    )


def _spoke(case: Case) -> bool:
    """Whether its system was heard of: by a step, or by a plain question that is none."""
    out = given(case.attempt)
    asked = out is not None and case.plain is not None and case.plain.last > out.last
    said = at(case, Reached.SYSTEM, Reached.SAID)
    return asked or bool(said) or any(not step.trouble for step in at(case, Reached.END))


def _came_back(case: Case) -> tuple[Step, Step] | None:
    """The last of its payload, and its firmware that asks anew soon after, with no word of a system between."""
    out, again = given(case.attempt), at(case, Reached.AGAIN)
    if out is None or not again or _spoke(case) or again[0].at - out.last > times.CRASHED:
        return None
    if not case.attempt.told_apart:
        return None
    if case.standing is not None and case.standing.state is State.INSTALLED:
        return None
    return out, again[0]


def _likely(case: Case) -> str:
    """What silence may be, the likelier first: images this large fail for memory before anything else."""
    memory = f"Memory: {_memory(case)}."
    console = (
        "Console: it may run and show nothing; give `console=tty0` for a screen, `console=ttyS0,115200n8` (or ttyS1, "
        "ttyAMA0) for a serial line, the last one gets the messages."
    )
    reasons = [memory, console] if held(case) >= times.LARGE else [console, memory]
    if "UEFI" in client(case):
        reasons.append(
            "Signature: under Secure Boot a kernel without one that is known is refused (iPXE's screen: 'Permission "
            "denied', 'Security Violation')."
        )
    return " ".join(reasons)


def _memory(case: Case) -> str:
    """The images lie in memory as they came, and unpacked beside that."""
    had = held(case)
    return (
        f"what it fetched takes {size_text(had)}, and unpacked about twice that beside it, so that it needs "
        f"{size_text(3 * had)} and what its system wants"
    )


def _out(case: Case, last: Step | None) -> tuple[str, ...]:
    files = tuple(f"{step.file}, {size_text(step.bytes)}" for step in fetched(case, Reached.FILE))
    return (*files[-4:], f"all out {seconds(case.now - last.last)} ago" if last else "")


ROWS = (
    Row(
        Cause.INSTALLER_FAILED,
        "The installer called `boot.failed_url`.",
        "Its own words.",
        _installer_failed,
    ),
    Row(
        Cause.TIME_OVER,
        "The limits of its profile passed without a sign that it is installed.",
        "Its screen; higher `limits`; a call when it is done.",
        _time_over,
    ),
    Row(
        Cause.NOT_STARTED,
        "All of the payload went out, and its firmware asked anew 20 to 30 s after: a script whose `boot` fails waits "
        "20 s for a key.",
        "Its screen: a signature under Secure Boot, another architecture, memory.",
        _not_started,
    ),
    Row(
        Cause.CRASHED,
        "All of the payload went out, and its firmware asked anew within 60 s.",
        "Kernel and initrd that belong together, memory, a console to read.",
        _crashed,
    ),
    Row(
        Cause.SILENT,
        "All of the payload went out, its arguments need the network, and nothing came for 5 min.",
        "The console's name, memory (three times what it fetched), signatures under Secure Boot.",
        _silent,
    ),
)
