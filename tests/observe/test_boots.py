"""Which events are steps of a boot."""

from __future__ import annotations

from typing import Any

import pytest

from netbootd.boot.silence import Reason
from netbootd.fleet.happening import Happening
from netbootd.fleet.record import Reached
from netbootd.observe.boots import happening, stage_of
from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DaemonNotice,
    DhcpAnswered,
    DhcpSilent,
    Event,
    HttpRefused,
    MachineChanged,
    ScriptFailed,
    ScriptServed,
    TftpAborted,
    TftpFinished,
    TftpProbed,
)
from netbootd.wire.mac import Mac

CARD = Mac.parse("52:54:00:12:34:56")
WHO: dict[str, Any] = {"mac": str(CARD), "ip": "192.0.2.7"}


def offer(client: str, message: str = "DISCOVER") -> DhcpAnswered:
    return DhcpAnswered(message=message, answer="OFFER", client=client, file="x.efi", style="file", port=67, **WHO)


def fetched(file: str) -> TftpFinished:
    return TftpFinished(file=file, size=5, seconds=1.0, blksize=1428, windowsize=1, retransmits=0, **WHO)


def served(file: str, status: int = 200) -> ArtifactServed:
    return ArtifactServed(file=file, status=status, size=9, sent=7, seconds=1.0, complete=False, **WHO)


@pytest.mark.parametrize(
    ("event", "stage", "size", "trouble"),
    [
        (offer("x86-64 UEFI PXE"), Reached.FIRMWARE, 0, False),
        (offer("iPXE 1.21.1 on x86 BIOS"), Reached.IPXE, 0, False),
        (fetched("snponly.efi"), Reached.LOADER, 5, False),
        (TftpAborted(file="snponly.efi", reason="GAVE_UP", sent=3, **WHO), Reached.LOADER, 3, True),
        (served("boot/ipxe.efi"), Reached.LOADER, 7, False),
        (served("artifacts/eve/rootfs.img", 206), Reached.FILE, 7, False),
        (served("artifacts/eve/EFI/BOOT/BOOTX64.EFI"), Reached.FILE, 7, False),
        (HttpRefused(file="artifacts/gone", status=404, reason="not found", **WHO), Reached.FILE, 0, True),
        (ScriptServed(script="ipxe.cfg", payload="linux", profile="rescue", **WHO), Reached.SCRIPT, 0, False),
        (ScriptServed(script="ipxe.cfg", payload="local", **WHO), Reached.LOCAL, 0, False),
        (ScriptFailed(script="ipxe.cfg", reason="no kernel", **WHO), Reached.SCRIPT, 0, True),
        (DhcpSilent(reason=Reason.BOOT_LOCAL.name, **WHO), Reached.LOCAL, 0, False),
        (DhcpSilent(reason=Reason.NO_BINARY.name, **WHO), Reached.FIRMWARE, 0, True),
        (DhcpSilent(reason=Reason.NOT_NETBOOT.name, **WHO), Reached.SYSTEM, 0, False),
        (MachineChanged(change=Change.GIVEN, **WHO), Reached.PAYLOAD, 0, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Event) else "",
)  # fmt: skip
def test_steps_of_a_boot(event: Event, stage: Reached, size: int, trouble: bool) -> None:
    found = happening(event, 5.0)
    assert found is not None
    assert (found.stage, found.at, found.mac, found.bytes, found.trouble) == (stage, 5.0, CARD, size, trouble)


def test_a_request_at_port_4011_goes_on_with_a_boot() -> None:
    found = happening(offer("x86-64 UEFI PXE", "REQUEST"), 5.0)
    assert found == Happening(Reached.FIRMWARE, 5.0, CARD, "192.0.2.7", detail="x86-64 UEFI PXE: x.efi", goes_on=True)


@pytest.mark.parametrize(
    "event",
    [
        DaemonNotice(text="started"),
        TftpProbed(file="snponly.efi", size=5, **WHO),
        fetched("ipxe.cfg"),
        served("artifacts/gone", 416),
        DhcpSilent(reason=Reason.OTHER_SERVER.name, **WHO),
        MachineChanged(change=Change.ARMED, **WHO),
        HttpRefused(file="", status=400, reason="BadRequest", ip="192.0.2.7"),
    ],
    ids=lambda event: event.name,
)
def test_everything_else_is_no_step(event: Event) -> None:
    assert happening(event, 5.0) is None


def test_a_card_that_cannot_be_read_is_nobody() -> None:
    found = happening(ScriptFailed(mac="nonsense", script="x", reason="y"), 5.0)
    assert found is not None
    assert found.mac is None


def test_scripts_are_told_of_by_their_own_event() -> None:
    assert stage_of("machines/52-54-00-12-34-56/grub.cfg") is None
