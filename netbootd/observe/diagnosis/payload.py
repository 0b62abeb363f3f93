"""Causes while a payload goes out, and after it."""

from __future__ import annotations

from netbootd.fleet.lifecycle import State
from netbootd.fleet.record import Outcome, Reached, Signal, Step
from netbootd.observe.diagnosis import times
from netbootd.observe.diagnosis.model import Case, Cause, Row, Told
from netbootd.observe.diagnosis.story import Far, at, client, far, fetched, given, idle, over, seconds, told, troubles
from netbootd.observe.sentences import size_text

_CHANGED = ("short", "changed", "unreadable", "READ_FAILED")
_GUESSED = (".ipxe", ".cfg", "autoexec", "grub")
"""Names that iPXE, shim and GRUB try on their own, and go on without."""


def _bad(case: Case) -> Step | None:
    """The last file that it did not get, where it did not go on without it."""
    if far(case.attempt) not in (Far.SCRIPT, Far.FILE):
        return None
    found = [step for step in troubles(case, Reached.FILE) if _needed(case, step)]
    return max(found, key=lambda step: step.last, default=None)


def _needed(case: Case, step: Step) -> bool:
    if step.file in case.attempt.files:
        return True
    named = step.file.rsplit("/", 1)[-1].lower()
    return not any(each in named for each in _GUESSED) and over(case, times.NEXT_FILE)


def _missing(case: Case) -> Told | None:
    step = _bad(case)
    if step is None or not step.reason.startswith(("http-4", "tftp-refused")):
        return None
    by_hand = step.file.removeprefix("artifacts/")
    return told(
        case,
        f"asks for {step.file}, which is not here" if step.reason != "http-403" else f"may not read {step.file}",
        f"put {by_hand} into the directory `artifacts:` names (readable for the user netbootd), or correct its "
        "name in the profile. `netbootd check` names every file a profile misses; `netbootd bundles list` shows "
        "what was imported.",
        step.detail,
        f"asked for {step.times} time{'s' * (step.times != 1)} ({step.reason})",
        at=step.last,
    )


def _changed(case: Case) -> Told | None:
    step = _bad(case)
    if step is None or step.reason not in _CHANGED:
        return None
    size = step.transfer.size if step.transfer else 0
    return told(
        case,
        f"got {size_text(step.bytes)} of {step.file}"
        + (f", not {size_text(size)}" if size else "")
        + ": the file became another one, or shorter, while it was sent",
        "do not write into a file that is served: put the new one beside it and rename it, or import it as a bundle "
        "of its own (`netbootd import`). Then restart the machine: what it has is not to be used.",
        step.detail,
        at=step.last,
    )


def _stalled(case: Case) -> Told | None:
    step = _bad(case)
    if step is None or step.reason.startswith(("http-", "tftp-refused")) or step.reason in _CHANGED:
        return None
    if not case.attempt.told_apart:
        return None
    size = step.transfer.size if step.transfer else 0
    return told(
        case,
        f"stopped reading {step.file} after {size_text(step.bytes)}" + (f" of {size_text(size)}" if size else ""),
        "it was switched off, hangs, or its link broke: look at its screen and at the counters of its switch port. "
        f"An iPXE that runs out of memory stops so: the file takes {size_text(size)} of it. "
        "A way that is only slow: raise `http: {stall_timeout}`.",
        step.detail,
        at=step.last,
    )


def _between(case: Case) -> Told | None:
    files, whole = case.attempt.files, {step.file for step in fetched(case, Reached.FILE)}
    if far(case.attempt) is not Far.FILE or case.moving or _bad(case) or not over(case, times.NEXT_FILE):
        return None
    if not case.attempt.told_apart:
        return None
    if case.attempt.outcome not in (Outcome.RUNNING, Outcome.ABANDONED):
        return None
    left = [file for file in files if file not in whole]
    if not left or len(left) == len(files):
        return None
    had = _held(case)
    return told(
        case,
        f"fetched {len(files) - len(left)} of {len(files)} files and stopped before {left[0]}",
        f"it holds {size_text(had)} by now: an iPXE on BIOS has what lies below 4 GB, and says 'No space left on "
        f"device' or hangs. Give it more memory, or a payload that fetches the rest itself. Its screen says which "
        f"line failed; `netbootd render {case.attempt.mac}` shows them.",
        f"whole: {', '.join(file for file in files if file in whole)}",
        f"nothing asked for in {seconds(case.now - case.attempt.last)}",
    )


def _slow(case: Case) -> Told | None:
    moving = case.moving
    if moving is None or moving.seconds < times.SLOW_AFTER or not moving.sent or moving.size <= moving.sent:
        return None
    rate, left = moving.sent / moving.seconds, moving.size - moving.sent
    if rate >= times.SLOW_RATE or left / rate < times.SLOW_LEFT:
        return None
    by_tftp = (
        "TFTP sends a block and waits for its answer: have it fetched by HTTP, which iPXE can. "
        if moving.via == "tftp"
        else ""
    )
    return told(
        case,
        f"reads {moving.file} at {size_text(round(rate))} a second: "
        f"{size_text(left)} left / {size_text(round(rate))} a second = {seconds(left / rate)}",
        by_tftp + "A gigabit link gives 100 MB a second, 100 Mbit/s gives 11 MB: look at what the port negotiated "
        "(`ethtool eth0`), at duplex and errors (`ip -s link`), at a USB card or a wireless bridge between, and at "
        "how many machines load at once.",
        f"{size_text(moving.sent)} of {size_text(moving.size)} in {seconds(moving.seconds)} by {moving.via}",
        at=moving.at,
    )


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


def _likely(case: Case) -> str:
    """What silence may be, the likelier first: images this large fail for memory before anything else."""
    memory = f"Memory: {_memory(case)}."
    console = (
        "Console: it may run and show nothing; give `console=tty0` for a screen, `console=ttyS0,115200n8` (or ttyS1, "
        "ttyAMA0) for a serial line, the last one gets the messages."
    )
    reasons = [memory, console] if _held(case) >= times.LARGE else [console, memory]
    if "UEFI" in client(case):
        reasons.append(
            "Signature: under Secure Boot a kernel without one that is known is refused (iPXE's screen: 'Permission "
            "denied', 'Security Violation')."
        )
    return " ".join(reasons)


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


def _memory(case: Case) -> str:
    """The images lie in memory as they came, and unpacked beside that."""
    held = _held(case)
    return (
        f"what it fetched takes {size_text(held)}, and unpacked about twice that beside it, so that it needs "
        f"{size_text(3 * held)} and what its system wants"
    )


def _held(case: Case) -> int:
    return sum(step.bytes for step in fetched(case, Reached.FILE))


def _out(case: Case, last: Step | None) -> tuple[str, ...]:
    files = tuple(f"{step.file}, {size_text(step.bytes)}" for step in fetched(case, Reached.FILE))
    return (*files[-4:], f"all out {seconds(case.now - last.last)} ago" if last else "")


ROWS = (
    Row(
        Cause.FILE_MISSING,
        "A file its script names was refused (404, 403, TFTP ERROR), and not fetched since.",
        "Put it there, readable; `netbootd check`.",
        _missing,
    ),
    Row(
        Cause.FILE_CHANGED,
        "A transfer ended because the file had become shorter or another one.",
        "Replace files by renaming, then restart the machine.",
        _changed,
    ),
    Row(
        Cause.FILE_STALLED,
        "A transfer ended because the client took nothing more, and it was not begun anew.",
        "Its screen, its link, its memory.",
        _stalled,
    ),
    Row(
        Cause.SLOW_LINK,
        "A transfer of more than 30 s runs below 10 Mbit/s and has 5 min to go: bytes left / rate = time.",
        "The link's speed, duplex and errors; HTTP in place of TFTP.",
        _slow,
    ),
    Row(
        Cause.STOPPED_BETWEEN,
        "Some of the files its script names were fetched, and the next not asked for in 90 s.",
        "Memory; its screen.",
        _between,
    ),
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
