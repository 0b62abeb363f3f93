"""Causes that lie in what it asks: not to boot, or for what nobody here can give."""

from __future__ import annotations

from netbootd.boot.silence import Reason
from netbootd.fleet.lifecycle import State
from netbootd.fleet.record import Reached, Step
from netbootd.observe.diagnosis.model import Case, Cause, Row, Told
from netbootd.observe.diagnosis.story import Far, at, far, seconds, told

_NO_PROGRAM = (
    Reason.NO_ARCHITECTURE.name,
    Reason.UNKNOWN_ARCHITECTURE.name,
    Reason.NOT_IPXE_BOOTABLE.name,
)


def _no_pxe(case: Case) -> Told | None:
    if case.plain is None or case.standing is None or case.standing.state is not State.ARMED:
        return None
    if case.plain.last <= max(case.attempt.last, case.standing.since or 0.0):
        return None
    since = seconds(case.plain.last - case.plain.first)
    return told(
        case,
        "asks for an address as an installed system does, and not to boot from the network: "
        "it runs from its own disk, or network boot is off in its firmware",
        "restart it, and have its firmware boot from the network: the one-time boot menu (F12, F11 or Esc), or "
        "PXE/network boot enabled and first in the boot order; `ipmitool chassis bootdev pxe options=efiboot` "
        "does that from afar. On UEFI the network stack has a switch of its own.",
        f"{case.plain.times} plain DHCP questions within {since}, none with class PXEClient (option 60)",
        "an order to install it waits",
        at=case.plain.last,
    )


def _refused(case: Case, *reasons: str) -> Step | None:
    """Its last question, where that met silence for such a reason and nothing better came after."""
    # BIOS ROMs take the address all the same, and only then say that no file came (PXE-E53).
    steps = [step for step in at(case, Reached.FIRMWARE) if step.reason != Reason.LEASE_REQUEST.name]
    last = max(steps[::-1], key=lambda step: step.last, default=None)
    refused = last is not None and last.reason in reasons and far(case.attempt) <= Far.FIRMWARE
    return last if refused else None


def _no_architecture(case: Case) -> Told | None:
    if (step := _refused(case, *_NO_PROGRAM)) is None:
        return None
    return told(
        case,
        f"asks for a boot program, and there is none for it: {Reason[step.reason].value}",
        "look at it with `netbootd explain MAC`. A Raspberry Pi loads its own files by TFTP, from artifacts/; for a "
        "machine that says a wrong architecture name a program yourself: `loader:` of its profile or machine.",
        step.detail,
        at=step.last,
    )


def _no_binary(case: Case) -> Told | None:
    if (step := _refused(case, Reason.NO_BINARY.name)) is None:
        return None
    arch = step.asked.arch if step.asked else ""
    there = ", ".join(case.programs) or "none"
    return told(
        case,
        f"is {arch or 'of an architecture'} and no iPXE for that is installed",
        "install one (Debian: `apt-get install ipxe`; for arm64 and others build "
        "bin-arm64-efi/snponly.efi of ipxe.org) and put it into a directory of `firmware:`, "
        "for arm64 as arm64-snponly.efi or arm64/snponly.efi; then `systemctl reload netbootd`.",
        step.detail,
        f"boot programs there are: {there}",
        at=step.last,
    )


def _tftp_off(case: Case) -> Told | None:
    if (step := _refused(case, Reason.TFTP_OFF.name)) is None:
        return None
    return told(
        case,
        "loads by TFTP alone, and the settings say tftp: {mode: off}",
        "set `tftp: {mode: on}`, or choose HTTP Boot in its firmware.",
        step.detail,
        at=step.last,
    )


def _signed_boot(case: Case) -> Told | None:
    if (step := _refused(case, Reason.SIGNED_BOOT.name)) is None:
        return None
    return told(
        case,
        "asks for a boot image signed after Intel's Boot Integrity Services, which nobody makes any more",
        "switch BIS off in its firmware's set-up (it is not Secure Boot, which may stay on).",
        step.detail,
        at=step.last,
    )


ROWS = (
    Row(
        Cause.NO_PXE,
        "An order to install it waits, and all it asks for since are addresses, without class PXEClient (option 60).",
        "Restart it and have its firmware boot from the network.",
        _no_pxe,
    ),
    Row(
        Cause.NO_ARCHITECTURE,
        "Its question names no architecture (option 93), or one for which no iPXE exists.",
        "`netbootd explain MAC`; name a program with `loader:` where the machine says a wrong one.",
        _no_architecture,
    ),
    Row(
        Cause.NO_BINARY,
        "Its architecture is known, and no boot program for it lies in a directory of `firmware:`.",
        "Put one there, and reload.",
        _no_binary,
    ),
    Row(Cause.TFTP_OFF, "It loads by TFTP alone, and `tftp.mode` is off.", "Switch TFTP on, or HTTP Boot.", _tftp_off),
    Row(
        Cause.SIGNED_BOOT,
        "Its question has the BIS bit of PXE 2.1 in option 43.71.",
        "Switch BIS off in its set-up.",
        _signed_boot,
    ),
)
