"""Causes while the boot program is read, and when it does not start."""

from __future__ import annotations

from netbootd.fleet.record import Reached, Step
from netbootd.observe.boots import PROBED
from netbootd.observe.diagnosis import times
from netbootd.observe.diagnosis.advice import SPANNING_TREE, smaller_mtu
from netbootd.observe.diagnosis.model import Case, Cause, Row, Told
from netbootd.observe.diagnosis.story import Far, at, client, counted, far, fetched, over, told, troubles
from netbootd.observe.sentences import size_text
from netbootd.wire.transfer import Outcome

_HEADERS = 32  # IPv4 20, UDP 8, TFTP 4
_GAVE_UP = (Outcome.TIMED_OUT.name, Outcome.ABORTED_BY_CLIENT.name, Outcome.CLIENT_GONE.name)


def _reads(case: Case) -> bool:
    """Whether it came to its boot program and no further."""
    return far(case.attempt) is Far.LOADER


def _failed(case: Case) -> Step | None:
    """The last read that failed, where none did better."""
    failed = troubles(case, Reached.LOADER)
    return failed[-1] if failed and _reads(case) and not fetched(case, Reached.LOADER) else None


def _missing(case: Case) -> Told | None:
    step = _failed(case)
    if step is None or not step.reason.startswith(("tftp-refused", "http-")) or not over(case, times.TFTP):
        return None
    return told(
        case,
        f"asks for {step.file}, which is not here",
        f"the boot programs here are {', '.join(case.programs) or 'none'}. A name that netbootd does not offer comes "
        "from options 66 and 67 of the DHCP server: correct it there, or put the file into a directory of "
        "`firmware:`. A signed shim asks for its second stage beside itself.",
        step.detail,
        at=step.last,
    )


def _no_answer(case: Case) -> Told | None:
    step = _failed(case)
    if step is None or step.reason != Outcome.NEVER_ANSWERED.name or not over(case, times.TFTP):
        return None
    return told(
        case,
        f"asked for {step.file} by TFTP, and our answers do not reach it",
        "TFTP answers from another port than 69, which a NAT or a firewall between may not let through: set "
        "`tftp: {single_port: true}`, which answers from 69 alone; or on a router that follows TFTP load "
        "nf_conntrack_tftp. On this machine let UDP from ports above 1023 out.",
        step.detail,
        f"{step.times} tr{'ies' if step.times != 1 else 'y'}, none acknowledged",
        at=step.last,
    )


def _mtu(case: Case) -> Told | None:
    step = _failed(case)
    if step is None or step.transfer is None or step.reason not in _GAVE_UP or not over(case, times.TFTP):
        return None
    blksize = step.transfer.blksize
    if step.transfer.via != "tftp" or step.transfer.sent or blksize <= 512:
        return None
    packet = blksize + _HEADERS
    return told(
        case,
        f"agreed on blocks of {blksize} bytes for {step.file}, and not one of them arrives: "
        f"packets of {packet} bytes do not pass between here and there",
        f"{blksize} + 4 (TFTP) + 8 (UDP) + 20 (IP) = {packet} bytes: {smaller_mtu(packet)}.",
        f"{counted(step.transfer.retransmits, 'packet')} sent again, none of {size_text(step.transfer.size)} arrived",
        at=step.last,
    )


def _stopped(case: Case) -> Told | None:
    step = _failed(case)
    if step is None or step.transfer is None or not step.transfer.sent or not over(case, times.TFTP):
        return None
    sent, size = step.transfer.sent, step.transfer.size
    return told(
        case,
        f"lost {step.file} after {size_text(sent)}" + (f" of {size_text(size)}" if size else ""),
        "packets get lost on the way: look at the counters of the switch port and of the card (`ip -s link`, "
        "`ethtool -S`), at the cable and at duplex. A NAT that forgets the transfer: `tftp: {single_port: true}`. "
        "Where it is always the same place, try another boot program: `loader: undionly.kpxe` or "
        "`loader: ipxe.efi`; a machine that was switched off meanwhile looks the same.",
        step.detail,
        f"{counted(step.transfer.retransmits, 'packet')} sent again, blocks of {step.transfer.blksize} bytes",
        at=step.last,
    )


def _probed_only(case: Case) -> Told | None:
    steps = at(case, Reached.LOADER)
    if not _reads(case) or not steps or any(step.reason != PROBED for step in steps) or not over(case, times.TFTP):
        return None
    step = steps[-1]
    size = step.transfer.size if step.transfer else 0
    return told(
        case,
        f"asked how large {step.file} is ({size_text(size)}), was told, and never reads it",
        "its firmware found the program too large or the answer too late: old BIOS ROMs have about 500 kB of base "
        "memory, so choose a smaller one (`loader: undionly.kpxe`); or its second request, from another port, is "
        "stopped by a firewall: `tftp: {single_port: true}`; or large blocks do not pass, which the doctor finds "
        "out on another machine of its network.",
        f"{counted(step.times, 'question')} for the size",
        at=step.last,
    )


def _not_started(case: Case) -> Told | None:
    whole = fetched(case, Reached.LOADER)
    if not _reads(case) or not whole or not over(case, times.STARTS):
        return None
    step = whole[-1]
    return told(
        case,
        f"got {step.file} whole, and no iPXE was heard of since",
        not_started(case),
        f"{size_text(step.bytes)} by {step.transfer.via if step.transfer else 'TFTP'}, then nothing",
        f"{len(before)} earlier boots ended so" if (before := _like_it(case)) else "",
        at=step.last,
    )


def not_started(case: Case) -> str:
    """What to do about a boot program that was loaded and does not start."""
    uefi = "UEFI" in client(case)
    secure = (
        "Secure Boot refuses a program without Microsoft's signature ('Security Violation', 'Access Denied'): switch "
        "it off in the set-up, or give it a signed shim (`loader: shimx64.efi`). "
    )
    other = "`loader: ipxe.efi`, which brings its own, in place of snponly.efi." if uefi else "`loader: ipxe.pxe`."
    return (
        (secure if uefi else "")
        + f"The switch port may be blocked while iPXE waits: {SPANNING_TREE}. Or this build has no driver for its "
        f"card: try {other} Its screen says which."
    )


def _like_it(case: Case) -> tuple[str, ...]:
    return tuple(each.id for each in case.earlier if far(each) is Far.LOADER)


ROWS = (
    Row(
        Cause.LOADER_MISSING,
        "Its request for a boot program was refused, none was read, and 30 s are over.",
        "Correct the name where it comes from (options 66 and 67), or install the file.",
        _missing,
    ),
    Row(
        Cause.TFTP_NO_ANSWER,
        "It asked by TFTP, and acknowledged not even the answer to its options.",
        "`tftp: {single_port: true}`, or open the ports of the transfers.",
        _no_answer,
    ),
    Row(
        Cause.TFTP_MTU,
        "Blocks of more than 512 bytes were agreed on, sent again and again, and not one was acknowledged.",
        "A smaller MTU on the card netbootd answers on; find the place that lets less through.",
        _mtu,
    ),
    Row(
        Cause.TFTP_STOPPED,
        "Some blocks were acknowledged, then none.",
        "Counters, cable, duplex, NAT; another boot program.",
        _stopped,
    ),
    Row(
        Cause.PROBED_ONLY,
        "It asked for the size of the boot program (tsize, HEAD), and did not read it for 30 s.",
        "A smaller program, single_port, the MTU.",
        _probed_only,
    ),
    Row(
        Cause.LOADER_NOT_STARTED,
        "It got a boot program whole, and neither iPXE's DISCOVER nor a script's request came for 90 s.",
        "Secure Boot, spanning tree, or a build without its card's driver.",
        _not_started,
    ),
)
