"""Causes in a script: it cannot be written, or stops before its first file."""

from __future__ import annotations

from netbootd.fleet.record import Reached, Step
from netbootd.observe.boots import NO_TLS
from netbootd.observe.diagnosis import times
from netbootd.observe.diagnosis.model import Case, Cause, Row, Told
from netbootd.observe.diagnosis.story import Far, at, far, fetched, over, seconds, told

ENTRY = "ipxe.cfg"


def _last(case: Case) -> Step | None:
    """The last script, where it came no further."""
    steps = at(case, Reached.SCRIPT)
    return max(steps[::-1], key=lambda step: step.last) if steps and far(case.attempt) is Far.SCRIPT else None


def _failed(case: Case) -> Told | None:
    step = _last(case)
    if step is None or not step.trouble or step.reason != "script-failed":
        return None
    why = step.detail.removeprefix(f"{step.file}: ")
    return told(
        case,
        f"gets no script: {why}",
        f"its screen says so too. `netbootd render {case.attempt.mac}` shows the script and the line of the settings "
        "that is wrong; correct it, `systemctl reload netbootd`, and restart the machine.",
        step.detail,
        at=step.last,
    )


def _no_tls(case: Case) -> Told | None:
    step = _last(case)
    if step is None or step.reason != NO_TLS or not over(case, times.TLS):
        return None
    return told(
        case,
        f"comes by https, and that comes to nothing: {step.detail.partition(';')[0]}",
        "iPXE trusts one root of its own and whom that has signed anew: it fetches this from http://ca.ipxe.org/auto, "
        "which the machine must reach (`set crosscert URL` names a mirror). An authority of your own has to be built "
        "into it (`TRUST=ca.crt`). Then: an RSA key of 2048 bits, intermediate certificates in the file, the machine's "
        "clock. `netbootd check` says what of that is wrong here. Or have it come by http: plain HTTP is always there.",
        step.detail,
        f"{step.times} time{'s' * (step.times != 1)}, and no script since",
        at=step.last,
    )


def _own_never_asked(case: Case) -> Told | None:
    step = _last(case)
    if step is None or step.trouble or step.file != ENTRY or fetched(case, Reached.FILE):
        return None
    if not over(case, times.OWN_SCRIPT):
        return None
    mac = case.attempt.mac.hexhyp
    return told(
        case,
        "fetched the first script and never asks for its own",
        f"the line it stopped at is `chain ... {case.base_url}/machines/{mac}/ipxe.cfg?...`, whose query says all of "
        "its SMBIOS. Look at its screen: 'Operation not supported' or 'Invalid argument' is an iPXE too old for that "
        "line (load a newer one: `loader:`); a proxy between may refuse a long URL. "
        f"Try `curl '{case.base_url}/machines/{mac}/ipxe.cfg'`.",
        f"{step.times} time{'s' * (step.times != 1)} {ENTRY}, last {seconds(case.now - step.last)} ago",
        at=step.last,
    )


def _kernel_never_asked(case: Case) -> Told | None:
    step, files = _last(case), case.attempt.files
    if step is None or step.trouble or not files or step.file == ENTRY or case.moving or not case.attempt.told_apart:
        return None
    if not over(case, times.NEXT_FILE):
        return None
    return told(
        case,
        f"got its script, and never asks for the first file in it, {files[0]}",
        f"the script stopped at the line that fetches `{case.base_url}/{files[0]}`, or before it: its screen says "
        f"why. `netbootd render {case.attempt.mac}` shows the lines. An iPXE without memory for it ends so, one whose "
        "card lost its link, and one that cannot reach that name: `public_url` must be an address it can resolve.",
        step.detail,
        f"{len(files)} file{'s' * (len(files) != 1)} to fetch, none asked for in {seconds(case.now - step.last)}",
        at=step.last,
    )


ROWS = (
    Row(
        Cause.NO_TLS,
        "It came by https and ended the handshake (`tls.failed`), and fetched no script in the 20 s since.",
        "A certificate that its iPXE trusts and can use; ca.ipxe.org within reach; the clock.",
        _no_tls,
    ),
    Row(
        Cause.SCRIPT_FAILED,
        "The machine's script could not be rendered; nothing was handed out since.",
        "`netbootd render MAC` names the setting.",
        _failed,
    ),
    Row(
        Cause.OWN_SCRIPT_NEVER_ASKED,
        "The entry script was fetched, and the machine's own was not asked for in 60 s.",
        "Its screen; a newer iPXE; a proxy that refuses long URLs.",
        _own_never_asked,
    ),
    Row(
        Cause.KERNEL_NEVER_ASKED,
        "The machine's script went out, and none of the files it names was asked for in 90 s.",
        "`netbootd render MAC` shows the line; its screen says why it failed.",
        _kernel_never_asked,
    ),
)
