"""Causes while the files of a payload go out."""

from __future__ import annotations

from netbootd.fleet.record import Outcome, Reached, Step
from netbootd.observe.diagnosis import times
from netbootd.observe.diagnosis.model import Case, Cause, Row, Told
from netbootd.observe.diagnosis.story import Far, far, fetched, held, over, seconds, told, troubles
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
    had = held(case)
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
)
