"""Each event in words.  The machine stands before the sentence in the log, so it is the subject here."""

from __future__ import annotations

import dataclasses

import pytest

from netbootd.observe import events
from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DaemonNotice,
    DhcpAnswered,
    DhcpSilent,
    Event,
    HostileValue,
    HttpProbed,
    HttpRefused,
    InstallerSaid,
    MachineChanged,
    MachineTrouble,
    ScriptFailed,
    ScriptServed,
    ServerHeard,
    TftpAborted,
    TftpFinished,
    TftpProbed,
    TftpRefused,
    TftpStarted,
    TlsFailed,
    TransferMoved,
)
from netbootd.observe.sentences import level_of, seconds_text, sentence, size_text

OFFER = DhcpAnswered(
    message="DISCOVER", answer="OFFER", client="x86-64 UEFI PXE", file="snponly.efi", style="direct", port=67
)
KERNEL = ArtifactServed(file="kernel", status=200, size=8_123_456, sent=8_123_456, seconds=2.31, complete=True)
BOOT = ScriptServed(script="machines/52:54:00:12:34:56/ipxe.cfg", profile="rescue", payload="linux")

SENTENCES: list[tuple[Event, str]] = [
    (OFFER, "offered snponly.efi to x86-64 UEFI PXE"),
    (
        dataclasses.replace(OFFER, client="iPXE (BIOS)", file="http://192.0.2.1:8080/ipxe.cfg"),
        "offered http://192.0.2.1:8080/ipxe.cfg to iPXE (BIOS)",
    ),
    (
        dataclasses.replace(OFFER, message="REQUEST", answer="ACK", port=4011),
        "gave snponly.efi to x86-64 UEFI PXE",
    ),
    (DhcpSilent(reason="NOT_PXE"), "no answer: not pxe"),
    (DhcpSilent(reason="FOR_ANOTHER_SERVER", detail="192.0.2.9"), "no answer: for another server: 192.0.2.9"),
    (TftpStarted(file="undionly.kpxe", size=71_234), "reads undionly.kpxe by TFTP, 71 kB"),
    (
        TftpFinished(file="ipxe.efi", size=1_045_000, seconds=0.42, blksize=1468, windowsize=4, retransmits=0),
        "sent ipxe.efi, 1.0 MB in 0.4 s",
    ),
    (
        TftpFinished(file="ipxe.efi", size=1_045_000, seconds=4.0, blksize=1468, windowsize=4, retransmits=3),
        "sent ipxe.efi, 1.0 MB in 4.0 s, 3 packets sent again",
    ),
    (
        TftpAborted(file="ipxe.efi", reason="TIMED_OUT", sent=12_288, size=1_045_000, detail="no ACK of block 9"),
        "lost ipxe.efi after 12 kB of 1.0 MB: the client fell silent: no ACK of block 9",
    ),
    (TftpProbed(file="snponly.efi", size=250_000), "asked for the size of snponly.efi, 250 kB"),
    (TftpRefused(file="grub.cfg", reason="NOT_FOUND"), "was refused grub.cfg by TFTP: not found"),
    (ScriptServed(script="ipxe.cfg"), "asks for its script (ipxe.cfg)"),
    (ScriptServed(script="ipxe.cfg", via="tftp"), "asks for its script (ipxe.cfg) by TFTP"),
    (dataclasses.replace(BOOT, payload="local", profile=""), "boots its own disk"),
    (dataclasses.replace(BOOT, payload="menu", profile=""), "sees the menu"),
    (BOOT, "boots rescue (linux)"),
    (dataclasses.replace(BOOT, profile="linux"), "boots linux"),
    (dataclasses.replace(BOOT, profile=""), "boots linux"),
    (ScriptFailed(script="ipxe.cfg", reason="'bundle' is undefined"), "got no script: ipxe.cfg: 'bundle' is undefined"),
    (HostileValue(field="serial", reason="NOT_PRINTABLE"), "sent a value of serial that is not used: not printable"),
    (KERNEL, "sent kernel, 8.1 MB in 2.3 s"),
    (dataclasses.replace(KERNEL, status=206, sent=500, size=500), "sent part of kernel, 500 bytes in 2.3 s"),
    (dataclasses.replace(KERNEL, sent=0, size=0), "sent kernel, 0 bytes in 2.3 s"),
    (HttpProbed(file="firmware/snponly.efi", size=250_000), "asked for the size of firmware/snponly.efi, 250 kB"),
    (
        dataclasses.replace(KERNEL, sent=3_100_000, complete=False, detail="client went away"),
        "lost kernel after 3.1 MB of 8.1 MB: client went away",
    ),
    (HttpRefused(file="eve/kernel", status=404, reason=""), "was refused eve/kernel: 404 Not Found"),
    (HttpRefused(file="eve/kernel", status=499, reason="why"), "was refused eve/kernel: 499: why"),
    (TlsFailed(reason="does not accept the certificate"), "no TLS: does not accept the certificate"),
    (MachineChanged(change=Change.ARMED), "is armed: installs at its next boot"),
    (MachineChanged(change=Change.GIVEN), "has been given its payload"),
    (MachineChanged(change=Change.APPROVED, detail="by ada"), "approved: by ada"),
    (
        TransferMoved(file="eve/kernel", via="http", sent=3_100_000, size=8_100_000, seconds=12.0),
        "is at 3.1 MB of 8.1 MB of eve/kernel, after 12.0 s",
    ),
    (ServerHeard(server="192.0.2.1", kind="dhcp"), "was answered by the DHCP server 192.0.2.1"),
    (
        ServerHeard(server="192.0.2.2", kind="proxy", file="pxelinux.0"),
        "was answered by another PXE server 192.0.2.2, boot file pxelinux.0",
    ),
    (
        MachineTrouble(machine="node-1", cause="tftp_never_asked", reason="never asks for it", advice="let it in"),
        "never asks for it; what to do: netbootd explain node-1",
    ),
    (InstallerSaid(text="no disk", program="installer"), "says: installer: no disk"),
    (InstallerSaid(text="no disk"), "says: no disk"),
    (DaemonNotice(text="settings read again"), "settings read again"),
]


@pytest.mark.parametrize(("event", "words"), SENTENCES, ids=[words[:40] for _, words in SENTENCES])
def test_the_sentence_of(event: Event, words: str) -> None:
    assert sentence(event) == words


def test_every_event_there_is_has_a_sentence() -> None:
    known = {each for each in vars(events).values() if isinstance(each, type) and issubclass(each, Event)}
    assert known - {type(event) for event, _ in SENTENCES} == {Event}


def test_an_event_this_does_not_know_is_told_by_its_name() -> None:
    assert sentence(Event()) == "event"


def test_a_sentence_is_one_line_whatever_the_wire_said() -> None:
    hostile = HttpRefused(file="a\nFAKE LINE\x1b[31m", status=400, reason="\r")
    assert sentence(hostile) == "was refused a?FAKE LINE?[31m: 400 Bad Request: ?"
    assert len(sentence(DaemonNotice(text="x" * 10_000))) == 500


def test_an_unfinished_download_is_a_warning_and_a_notice_says_its_own_level() -> None:
    assert level_of(KERNEL) == "info"
    assert level_of(dataclasses.replace(KERNEL, complete=False)) == "warning"
    assert level_of(DaemonNotice(text="", severity="error")) == "error"
    assert level_of(DhcpSilent(reason="NOT_PXE")) == "debug"


def test_who_waits_for_a_machine_to_install_sees_that_it_asked_and_was_left_to_its_disk() -> None:
    """Of its packets one: the others of the same boot say no more."""
    left = DhcpSilent(reason="BOOT_LOCAL", message="DISCOVER", detail="nobody armed this machine")
    assert sentence(left) == "is left to its own disk: nobody armed this machine"
    assert [level_of(each) for each in (left, dataclasses.replace(left, message="REQUEST"))] == ["info", "debug"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_951, "10 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (2_400_000_000, "2.4 GB"),
        (5_000_000_000_000, "5000 GB"),
    ],
)
def test_sizes_are_said_in_two_figures(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.0402, "40 ms"), (0.0994, "99 ms"), (0.0996, "0.1 s"), (99.4, "99.4 s"), (200, "3 min 20 s")],
)
def test_durations_are_said_as_people_do(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
