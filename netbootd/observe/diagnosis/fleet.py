"""Causes that one boot alone does not show: identities that are shared, and loops."""

from __future__ import annotations

from netbootd.fleet.record import Attempt, Outcome, Reached
from netbootd.observe.diagnosis import times
from netbootd.observe.diagnosis.advice import ONE_IDENTITY
from netbootd.observe.diagnosis.ipxe import reloaded
from netbootd.observe.diagnosis.loader import not_started
from netbootd.observe.diagnosis.model import Case, Cause, Row, Told
from netbootd.observe.diagnosis.script import ENTRY
from netbootd.observe.diagnosis.story import Far, far, fetched, given, seconds, told


def _shared(case: Case) -> Told | None:
    if not case.rivals:
        return None
    return told(
        case,
        "cannot be told from another machine: " + "; ".join(case.rivals),
        ONE_IDENTITY,
        *case.rivals,
    )


def _reinstalls(case: Case) -> Told | None:
    boots = [each for each in (case.attempt, *case.earlier) if case.now - each.started <= times.INSTALLS_WITHIN]
    out = [each for each in boots if each.told_apart and given(each) and each.profile == case.attempt.profile]
    if len(out) < times.INSTALLS:
        return None
    within = seconds(out[0].started - out[-1].started)
    armed = sorted({each.generation for each in out if each.generation})
    if len(armed) < 2 and not case.installs:  # a diskless machine, or one that tests run on
        return None
    again = (
        "Somebody arms it each time: the API's log names who. "
        if len(armed) > 1
        else "Its profile boots always: an installer wants `boots: once`, which hands it out to a machine that was "
        "armed, and then not again. "
    )
    return told(
        case,
        f"was given {case.attempt.profile or 'its payload'} {len(out)} times within {within}",
        again + "Then put its disk before the network in the boot order, or have the installer call "
        "`boot.done_url`; `netbootd machines local` leaves it to its disk now.",
        f"payloads handed out: {len(out)}, armings: {len(armed)}",
    )


def _loops(case: Case, wanted: Far) -> tuple[Attempt, ...]:
    """This boot and those right before it that ended as it does, with no word of a system between."""
    boots = (case.attempt, *case.earlier)
    found: list[Attempt] = []
    for each in boots:
        if case.attempt.started - each.started > times.LOOP_WITHIN or not _ended(each, wanted):
            break
        found.append(each)
    return tuple(found)


def _ended(boot: Attempt, wanted: Far) -> bool:
    if not boot.told_apart or far(boot) is not wanted:
        return False
    if wanted is Far.LOCAL:  # a person may restart a system as often as they like
        return not any(step.stage in (Reached.SYSTEM, Reached.SAID) for step in boot.steps)
    return wanted is not Far.SCRIPT or _goes_on(boot)


def _goes_on(boot: Attempt) -> bool:
    """Whether its last script is one that more is to come after: a menu waits for a person, and who is sent to another
    server is heard of no more."""
    scripts = [step for step in reversed(boot.steps) if step.stage is Reached.SCRIPT]
    last = max(scripts, key=lambda step: step.last, default=None)
    return bool(boot.files) or last is None or last.trouble or last.file == ENTRY


def _disk_loops(case: Case) -> Told | None:
    boots = _loops(case, Far.LOCAL)
    scripted = [each for each in boots if any(step.stage is Reached.IPXE for step in each.steps)]
    if len(scripted) < times.LOOPS:
        return None
    within = seconds(scripted[0].started - scripted[-1].started)
    return told(
        case,
        f"was left to its own disk {len(scripted)} times within {within}, and comes back each time",
        "its disk does not boot, or its firmware comes back to the network instead of going on: try another way for "
        "it, `local: sanboot`, `local: exit 1` or `local: chain` of its profile or machine (Dell EFI needs one of "
        "the last two). Nothing on the disk yet? `netbootd machines install NAME`.",
        f"{len(scripted)} boots that ended with its own disk",
    )


def _boot_loops(case: Case) -> Told | None:
    if reloaded(case.attempt):  # which is told by a cause of its own
        return None
    for reached in (Far.SCRIPT, Far.IPXE, Far.LOADER):
        boots = _loops(case, reached)
        if len(boots) >= times.LOOPS and all(each.outcome is Outcome.ABANDONED for each in boots[1:]):
            return _looping(case, boots, reached)
    return None


def _looping(case: Case, boots: tuple[Attempt, ...], reached: Far) -> Told:
    within = seconds(boots[0].started - boots[-1].started)
    if reached is Far.LOADER and (whole := fetched(case, Reached.LOADER)):
        return told(
            case,
            f"has loaded {whole[-1].file} {len(boots)} times within {within}, and never came back as iPXE",
            not_started(case),
            f"{len(boots)} boots in a row",
        )
    where = {
        Far.SCRIPT: "its script",
        Far.IPXE: "iPXE",
        Far.LOADER: "its boot program",
    }[reached]
    return told(
        case,
        f"has started {len(boots)} times within {within}, and came to {where} each time and no further",
        "each of these boots has its own cause, shown with it, and its screen says more. A machine whose iPXE loads "
        "iPXE again takes its boot file from the DHCP server: there iPXE (user class iPXE, or option 175) must get "
        f"{case.base_url}/ipxe.cfg and no boot program. A script that ends in `exit` brings some firmware back: see "
        "`local:`.",
        f"{len(boots)} boots in a row",
    )


ROWS = (
    Row(
        Cause.SHARED_IDENTITY,
        "Two records, or two machines of the settings, claim one MAC, board or soft serial.",
        "Forget the one that is gone; give clones identities of their own.",
        _shared,
    ),
    Row(
        Cause.REINSTALL_LOOP,
        "An installer of one profile was given to it four times within two hours, or an order each time.",
        "`boots: once`; the disk first in the boot order; who arms it.",
        _reinstalls,
    ),
    Row(
        Cause.LOCAL_LOOP,
        "iPXE left it to its own disk three times within half an hour, and it came back.",
        "Another `local:` method, or a system on the disk.",
        _disk_loops,
    ),
    Row(
        Cause.BOOT_LOOP,
        "Three boots in a row within half an hour came to the same stage before a payload and no further.",
        "The cause of each; a DHCP server that gives iPXE a boot program again.",
        _boot_loops,
    ),
)
