"""Which events are steps of a boot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from netbootd.boot.silence import Reason
from netbootd.fleet.happening import Happening
from netbootd.fleet.record import Asked, Reached, Transfer
from netbootd.observe.boots import happening, stage_of
from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DaemonNotice,
    DhcpAnswered,
    DhcpSilent,
    Event,
    HttpProbed,
    HttpRefused,
    InstallerSaid,
    MachineChanged,
    ScriptFailed,
    ScriptServed,
    TftpAborted,
    TftpFinished,
    TftpProbed,
    TftpRefused,
    TlsFailed,
    TransferMoved,
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
        (DhcpSilent(reason=Reason.LEASE_REQUEST.name, client="iPXE", **WHO), Reached.IPXE, 0, False),
        (DhcpSilent(reason=Reason.OTHER_SERVER.name, client="x86 BIOS PXE", **WHO), Reached.FIRMWARE, 0, False),
        (TftpProbed(file="snponly.efi", size=5, **WHO), Reached.LOADER, 0, False),
        (HttpProbed(file="firmware/snponly.efi", size=5, **WHO), Reached.LOADER, 0, False),
        (TlsFailed(reason="does not accept the certificate", **WHO), Reached.SCRIPT, 0, True),
        (InstallerSaid(text="no disk", **WHO), Reached.SAID, 0, False),
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
    assert found == Happening(
        Reached.FIRMWARE,
        5.0,
        CARD,
        "192.0.2.7",
        detail="x86-64 UEFI PXE: x.efi",
        goes_on=True,
        asked=Asked("REQUEST", 67, "x86-64 UEFI PXE", offered="x.efi"),
    )


def test_a_request_for_the_address_says_which_dhcp_server_was_chosen_and_begins_no_boot() -> None:
    silent = DhcpSilent(
        reason=Reason.LEASE_REQUEST.name,
        message="REQUEST",
        client="x86 BIOS PXE",
        arch="x86 BIOS",
        server="192.0.2.1",
        uuid=str(UUID(int=5)),
        **WHO,
    )
    found = happening(silent, 5.0)
    assert found
    assert found.asked == Asked("REQUEST", 67, "x86 BIOS PXE", "x86 BIOS", "192.0.2.1")
    assert (found.goes_on, found.reason, found.uuid) == (True, "LEASE_REQUEST", UUID(int=5))


def test_a_file_comes_with_how_it_went() -> None:
    found = happening(fetched("snponly.efi"), 5.0)
    assert found
    assert (found.file, found.transfer) == ("snponly.efi", Transfer("tftp", 5, 5, 1.0, 1428, 1))


@pytest.mark.parametrize(("ending", "reason", "trouble"), [("STALLED", "stalled", True), ("GONE", "gone", False)])
def test_a_download_that_did_not_end_says_why_and_one_that_was_left_is_no_trouble(
    ending: str, reason: str, trouble: bool
) -> None:
    """GRUB leaves a connection when it goes on reading elsewhere in the file."""
    found = happening(replace(served("artifacts/a"), reason=ending, detail="x"), 5.0)
    assert found
    assert (found.reason, found.trouble) == (reason, trouble)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (HttpRefused(file="artifacts/gone", status=404, reason="not found", **WHO), "http-404"),
        (TftpRefused(file="gone", reason="File not found", **WHO), "tftp-refused"),
        (TftpAborted(file="snponly.efi", reason="TIMED_OUT", **WHO), "TIMED_OUT"),
        (ScriptFailed(script="ipxe.cfg", reason="no kernel", **WHO), "script-failed"),
        (DhcpSilent(reason=Reason.NO_BINARY.name, **WHO), "NO_BINARY"),
        (HttpProbed(file="snponly.efi", size=5, **WHO), "probed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_went_otherwise_has_a_name_that_stays(event: Event, reason: str) -> None:
    found = happening(event, 5.0)
    assert found
    assert found.reason == reason


def test_what_was_refused_is_named_as_it_would_be_had_it_been_there() -> None:
    found = happening(HttpRefused(file="/artifacts/gone?x=1", status=404, reason="no such file", **WHO), 5.0)
    assert found
    assert (found.file, found.detail) == ("artifacts/gone", "artifacts/gone: no such file")


def test_a_script_comes_with_what_it_has_its_machine_fetch() -> None:
    found = happening(
        ScriptServed(script="ipxe.cfg", payload="linux", files=("artifacts/a", "artifacts/b"), **WHO), 5.0
    )
    assert found
    assert found.files == ("artifacts/a", "artifacts/b")


@pytest.mark.parametrize(
    "event",
    [
        DaemonNotice(text="started"),
        TftpProbed(file="ipxe.cfg", size=5, **WHO),
        TransferMoved(file="snponly.efi", via="tftp", sent=1, size=5, seconds=1.0, **WHO),
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


def test_what_netbootd_doctor_plays_is_no_boot() -> None:
    """Its offers are answered and counted as any other; the card tells."""
    played = replace(offer("x86 BIOS PXE"), mac="02:6e:62:00:00:01")
    assert happening(played, 1.0) is None
