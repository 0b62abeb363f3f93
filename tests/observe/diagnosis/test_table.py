"""Every cause of the table, by events as the daemon has them: it is named, says what to do, and comes alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netbootd.boot.silence import Reason
from netbootd.fleet.lifecycle import Standing, State
from netbootd.fleet.record import Ending, Signal
from netbootd.observe.diagnosis.model import Cause
from netbootd.observe.diagnosis.table import FAMILIES
from netbootd.observe.events import (
    ArtifactServed,
    HttpRefused,
    InstallerSaid,
    MachineChanged,
    ScriptFailed,
    ServerHeard,
    TftpAborted,
    TftpRefused,
    TlsFailed,
    TransferMoved,
)
from netbootd.wire.transfer import Outcome
from tests.support import captures
from tests.support.ailing import CARD, DHCP, FILES, SERVER, Ward

WHO: dict[str, Any] = {"mac": str(CARD)}
ARMED = Standing(State.ARMED, "a person said so")
Story = Callable[[Ward], dict[str, Any] | None]
STORIES: dict[Cause, tuple[Story, str]] = {}
"""Of each cause: what happens, and words that what is told must hold."""


def story(cause: Cause, *words: str) -> Callable[[Story], Story]:
    def kept(told: Story) -> Story:
        STORIES[cause] = told, "\n".join(words)
        return told

    return kept


def heard(ward: Ward, kind: str = "dhcp", **said: Any) -> None:
    ward.say(ServerHeard(server=said.pop("server", DHCP), kind=kind, **WHO, **said))


def lost(outcome: Outcome, sent: int = 0, blksize: int = 1468, again: int = 6) -> TftpAborted:
    return TftpAborted(
        file="snponly.efi",
        reason=outcome.name,
        sent=sent,
        size=300_000,
        seconds=30.0,
        blksize=blksize,
        windowsize=4,
        retransmits=again,
        **WHO,
    )


def cut(file: str, sent: int, reason: str) -> ArtifactServed:
    return ArtifactServed(
        file=file,
        status=200,
        size=9_000_000,
        sent=sent,
        seconds=9.0,
        complete=False,
        reason=reason,
        detail=reason,
        **WHO,
    )


def asks_in_vain(ward: Ward) -> None:
    """EDK2's four DISCOVERs."""
    for pause in (4.0, 8.0, 16.0, 4.0):
        ward.discovers()
        ward.wait(pause)


# fleet


@story(Cause.SHARED_IDENTITY, "the card 52:54:00:12:34:56 is claimed by a and b", "machines forget")
def _(ward: Ward) -> dict[str, Any]:
    ward.to_payload()
    return {"rivals": ("the card 52:54:00:12:34:56 is claimed by a and b",)}


@story(Cause.REINSTALL_LOOP, "was given rescue 4 times within 31 min", "boots: once")
def _(ward: Ward) -> dict[str, Any]:
    boots_again_and_again(ward)
    return {"installs": True}


def boots_again_and_again(ward: Ward) -> None:
    for _ in range(4):
        ward.to_payload()
        ward.wait(200.0)
        ward.system()
        ward.wait(400.0)


@story(Cause.LOCAL_LOOP, "left to its own disk 3 times within", "sanboot")
def _(ward: Ward) -> None:
    for _ in range(3):
        ward.to_ipxe()
        ward.ipxe_chooses()
        ward.gets_script("local", files=())
        ward.wait(100.0)


@story(Cause.BOOT_LOOP, "has loaded snponly.efi 3 times within", "never came back as iPXE", "Secure Boot")
def _(ward: Ward) -> None:
    for _ in range(3):
        ward.to_loader()
        ward.loads()
        ward.wait(20.0)


# refused


@story(Cause.NO_PXE, "as an installed system does", "2 plain DHCP questions", "boot from the network")
def _(ward: Ward) -> dict[str, Any]:
    ward.system()
    ward.wait(1800.0)
    ward.system()
    return {"standing": ARMED}


@story(Cause.NO_ARCHITECTURE, "no boot program exists for this architecture", "explain")
def _(ward: Ward) -> None:
    ward.silent(Reason.UNKNOWN_ARCHITECTURE.name, message="DISCOVER", client="unknown architecture PXE")


@story(Cause.NO_BINARY, "is ARM64 UEFI and no iPXE for that is installed", "undionly.kpxe, snponly.efi", "firmware:")
def _(ward: Ward) -> None:
    ward.silent(Reason.NO_BINARY.name, message="DISCOVER", client="ARM64 UEFI PXE", arch="ARM64 UEFI")
    ward.chooses(client="ARM64 UEFI PXE")


@story(Cause.TFTP_OFF, "tftp: {mode: on}")
def _(ward: Ward) -> None:
    ward.silent(Reason.TFTP_OFF.name, message="DISCOVER", client="x86 BIOS PXE")


@story(Cause.SIGNED_BOOT, "Boot Integrity Services")
def _(ward: Ward) -> None:
    ward.silent(Reason.SIGNED_BOOT.name, message="REQUEST", port=4011, client="x86 BIOS PXE")


# others


@story(Cause.ASKS_ANOTHER, "asks 10.99.0.7 on port 4011", "Windows DHCP")
def _(ward: Ward) -> None:
    ward.discovers()
    ward.chooses()
    ward.silent(Reason.OTHER_SERVER.name, message="REQUEST", port=4011, client="x86-64 UEFI PXE", server="10.99.0.7")
    ward.wait(31.0)


@story(Cause.DHCP_SAYS_PXE, "remove option 60 from the DHCP server 10.99.0.1")
def _(ward: Ward) -> None:
    ward.discovers()
    heard(ward, pxe=True)
    ward.chooses()
    ward.wait(31.0)


@story(Cause.OTHER_PROXY, "10.99.0.9 offers other.efi", "dhcp-host=52:54:00:12:34:56,ignore")
def _(ward: Ward) -> None:
    ward.discovers()
    heard(ward, "proxy", server="10.99.0.9", file="other.efi", pxe=True)
    ward.chooses()
    ward.wait(31.0)


@story(Cause.OTHER_BOOT_FILE, "boot pxelinux.0 from 10.99.0.5", "dhcp-boot=tag:!ipxe,snponly.efi,,10.99.0.2")
def _(ward: Ward) -> None:
    ward.discovers()
    heard(ward, file="pxelinux.0", next_server="10.99.0.5")
    ward.chooses()
    ward.wait(31.0)


@story(Cause.OTHER_TFTP, "10.99.0.1 names 10.99.0.5 as TFTP server", "option 66 (TFTP server, next-server) 10.99.0.2")
def _(ward: Ward) -> None:
    ward.to_loader()
    heard(ward, next_server="10.99.0.5")
    ward.wait(31.0)


# offers


@story(Cause.HTTP_BOOT_NEVER_ASKED, "TCP port 8080", "curl -I http://10.99.0.2:8080/firmware/snponly.efi")
def _(ward: Ward) -> None:
    for _ in range(3):
        ward.discovers("x86-64 UEFI HTTP", f"http://{SERVER}:8080/firmware/snponly.efi")
        ward.wait(12.0)


@story(Cause.TFTP_NEVER_ASKED, "UDP port 69", "tftp 10.99.0.2 -c get snponly.efi")
def _(ward: Ward) -> None:
    ward.to_loader()
    ward.wait(31.0)


@story(Cause.ANSWERS_LOST, "10.99.0.1 offers it an address", "DHCP snooping", "5 DISCOVERs")
def _(ward: Ward) -> None:
    ward.wait(1.0)
    ward.discovers()
    heard(ward, ip="10.99.0.77")
    asks_in_vain(ward)


@story(
    Cause.OFFER_IGNORED, "took an address from 10.99.0.1", "67 (boot file) snponly.efi", '"next-server": "10.99.0.2"'
)
def _(ward: Ward) -> None:
    ward.discovers()
    ward.wait(4.0)
    ward.chooses()
    ward.wait(31.0)


@story(Cause.NO_ADDRESS, "takes no address from anybody", "4 DISCOVERs of x86-64 UEFI PXE within 28 s", "heard: none")
def _(ward: Ward) -> None:
    asks_in_vain(ward)


# loader


@story(Cause.LOADER_MISSING, "asks for bootx64.efi, which is not here", "options 66 and 67")
def _(ward: Ward) -> None:
    ward.to_loader()
    ward.say(TftpRefused(file="bootx64.efi", reason="there is no such file", **WHO))
    ward.wait(31.0)


@story(Cause.TFTP_NO_ANSWER, "our answers do not reach it", "single_port: true")
def _(ward: Ward) -> None:
    ward.to_loader()
    ward.say(lost(Outcome.NEVER_ANSWERED))
    ward.wait(31.0)


@story(Cause.TFTP_MTU, "packets of 1500 bytes do not pass", "1468 + 4 (TFTP) + 8 (UDP) + 20 (IP) = 1500", "mtu 1492")
def _(ward: Ward) -> None:
    ward.to_loader()
    ward.say(lost(Outcome.TIMED_OUT))
    ward.wait(31.0)


@story(Cause.TFTP_STOPPED, "lost snponly.efi after 73 kB of 300 kB", "duplex")
def _(ward: Ward) -> None:
    ward.to_loader()
    ward.say(lost(Outcome.TIMED_OUT, sent=73_400))
    ward.wait(31.0)


@story(Cause.PROBED_ONLY, "asked how large snponly.efi is (300 kB)", "never reads it")
def _(ward: Ward) -> None:
    ward.to_loader()
    ward.probes()
    ward.wait(31.0)


@story(Cause.LOADER_NOT_STARTED, "got snponly.efi whole", "Secure Boot", "portfast", "ipxe.efi")
def _(ward: Ward) -> None:
    ward.to_loader()
    ward.loads()
    ward.wait(91.0)


# ipxe


@story(Cause.IPXE_NO_PROTOCOL, "neither by HTTP nor by TFTP")
def _(ward: Ward) -> None:
    ward.silent(Reason.IPXE_WITHOUT_PROTOCOL.name, message="DISCOVER", client="iPXE 1.0.0 on x86 BIOS")


@story(Cause.IPXE_NO_ADDRESS, "gets no address, though its firmware had one", "portfast", "heard: none")
def _(ward: Ward) -> None:
    no_address_in_ipxe(ward, after=35.0)


def no_address_in_ipxe(ward: Ward, after: float) -> None:
    ward.to_loader()
    ward.loads()
    ward.wait(after)
    ward.ipxe_discovers()
    for pause in (1.0, 3.0, 7.0, 10.0, 10.0):
        ward.wait(pause)
        ward.ipxe_discovers()


@story(
    Cause.IPXE_LOOP, "loads snponly.efi again", "snponly.efi was read 3 times", "dhcp-boot=tag:ipxe,http://10.99.0.2"
)
def _(ward: Ward) -> None:
    """In one boot, for the firmware is not asked again."""
    ward.to_ipxe()
    heard(ward, file="snponly.efi", next_server=SERVER)
    for _ in range(2):
        ward.ipxe_chooses()
        ward.wait(1.0)
        ward.loads()
        ward.wait(4.0)
        ward.ipxe_discovers()


@story(Cause.HTTP_NEVER_ASKED, "never asks for http://10.99.0.2:8080/ipxe.cfg", "TFTP worked", "tcp dport 8080 accept")
def _(ward: Ward) -> None:
    ward.to_ipxe()
    ward.ipxe_chooses()
    ward.wait(46.0)


@story(
    Cause.HTTP_NEVER_ASKED, "never asks for http://boot.lab/ipxe.cfg", "boot.lab is not an address", "public_url", "DNS"
)
def _(ward: Ward) -> None:
    """Where it is sent elsewhere, that comes first."""
    ward.to_ipxe()
    ward.discovers("iPXE 1.21.1 on x86-64 UEFI", "http://boot.lab/ipxe.cfg")
    ward.ipxe_chooses()
    ward.wait(46.0)


# script


@story(Cause.NO_TLS, "does not trust who has signed the certificate", "TRUST=ca.crt", "netbootd check")
def _(ward: Ward) -> None:
    ward.to_ipxe()
    ward.ipxe_chooses()
    ward.wait(2.0)
    ward.say(TlsFailed(ip="10.99.0.7", reason="does not trust who has signed the certificate", **WHO))
    ward.wait(21.0)


@story(Cause.SCRIPT_FAILED, "gets no script: no bundle named eve", "netbootd render 52:54:00:12:34:56")
def _(ward: Ward) -> None:
    ward.to_ipxe()
    ward.ipxe_chooses()
    ward.gets_entry()
    ward.wait(1.0)
    ward.say(ScriptFailed(script="machines/52-54-00-12-34-56/ipxe.cfg", reason="no bundle named eve", **WHO))


@story(Cause.OWN_SCRIPT_NEVER_ASKED, "/machines/52-54-00-12-34-56/ipxe.cfg?...")
def _(ward: Ward) -> None:
    ward.to_ipxe()
    ward.ipxe_chooses()
    ward.gets_entry()
    ward.wait(61.0)


@story(Cause.KERNEL_NEVER_ASKED, "never asks for the first file in it, artifacts/kernel", "http://10.99.0.2:8080/")
def _(ward: Ward) -> None:
    ward.to_script()
    ward.wait(91.0)


# payload


@story(Cause.FILE_MISSING, "asks for artifacts/kernel, which is not here", "put kernel into the directory", "http-404")
def _(ward: Ward) -> None:
    ward.to_script()
    ward.say(HttpRefused(file=FILES[0], status=404, reason="there is no such file", **WHO))


@story(Cause.FILE_CHANGED, "got 2.0 MB of artifacts/initrd, not 9.0 MB", "rename")
def _(ward: Ward) -> None:
    ward.to_script()
    ward.gets(FILES[0])
    ward.say(cut(FILES[1], 2_000_000, "SHORT"))


@story(Cause.FILE_STALLED, "stopped reading artifacts/initrd after 2.0 MB of 9.0 MB", "stall_timeout")
def _(ward: Ward) -> None:
    ward.to_script()
    ward.gets(FILES[0])
    ward.say(cut(FILES[1], 2_000_000, "STALLED"))


@story(Cause.SLOW_LINK, "190 MB left / 200 kB a second = 16 min", "10 MB of 200 MB in 50 s by tftp")
def _(ward: Ward) -> None:
    ward.to_script()
    ward.say(TransferMoved(file=FILES[0], via="tftp", sent=10_000_000, size=200_000_000, seconds=50.0, **WHO))


@story(Cause.STOPPED_BETWEEN, "fetched 1 of 2 files and stopped before artifacts/initrd", "it holds 8.0 MB")
def _(ward: Ward) -> None:
    ward.to_script()
    ward.gets(FILES[0])
    ward.wait(91.0)


@story(Cause.INSTALLER_FAILED, "its installation failed: no disk", "anna: no disk was found")
def _(ward: Ward) -> dict[str, Any]:
    ward.to_payload()
    ward.wait(100.0)
    ward.say(InstallerSaid(text="no disk was found", program="anna", **WHO))
    return ended(ward, Signal.TOLD, "no disk")


@story(Cause.TIME_OVER, "its time is over: it was last seen fetching", "limits:")
def _(ward: Ward) -> dict[str, Any]:
    ward.to_payload()
    ward.wait(100.0)
    return ended(ward, Signal.TIMEOUT, "it was last seen fetching")


def ended(ward: Ward, signal: Signal, detail: str) -> dict[str, Any]:
    """What `fleet.lifecycle` makes of it."""
    attempt = ward.attempts.current(str(CARD))
    assert attempt is not None
    ward.attempts.ended(attempt.id, False, ward.wall(), detail)
    return {"ending": Ending(1, False, ward.wall(), signal, detail)}


@story(Cause.NOT_STARTED, "its iPXE did not start it", "under Secure Boot", "Exec format error", "back after 22 s")
def _(ward: Ward) -> None:
    ward.to_payload()
    ward.wait(22.0)
    ward.discovers()


@story(Cause.CRASHED, "its firmware is back after 40 s", "needs 48 MB", "panic=60")
def _(ward: Ward) -> None:
    ward.to_payload()
    ward.wait(40.0)
    ward.discovers()


@story(Cause.SILENT, "nothing was heard of it in 5 min", "takes 16 MB", "console=ttyS0,115200n8", "Secure Boot")
def _(ward: Ward) -> dict[str, Any]:
    ward.to_payload()
    ward.wait(301.0)
    return {"speaks": True}


@pytest.mark.parametrize("cause", Cause, ids=lambda cause: cause.name)
def test_each_cause_is_named_alone_with_what_to_do(cause: Cause) -> None:
    happens, words = STORIES[cause]
    ward = Ward()
    more = happens(ward) or {}
    if cause in (Cause.NOT_STARTED, Cause.CRASHED):  # seen once the next boot has begun, in the one before
        before = ward.attempts.of(str(CARD))[1]
        found = ward.diagnose(before, **more)
    else:
        found = ward.diagnoses(**more)
    assert [each.cause for each in found] == [cause]
    text = "\n".join((found[0].sentence, found[0].advice, *found[0].evidence))
    assert [word for word in words.split("\n") if word not in text] == [], text
    assert found[0].evidence
    assert all("\n" not in each for each in (found[0].sentence, *found[0].evidence))
    assert found[0].at <= ward.wall()


def test_the_table_has_every_cause_once_in_the_order_of_its_enumeration() -> None:
    listed = [row.cause for family in FAMILIES for row in family.rows]
    assert sorted(listed, key=lambda cause: cause.name) == sorted(Cause, key=lambda cause: cause.name)
    assert all(row.looks.endswith(".") and row.do.endswith(".") for family in FAMILIES for row in family.rows)


@pytest.mark.parametrize(("size", "first"), [(8_000_000, "Console:"), (400_000_000, "Memory:")])
def test_of_silence_the_likelier_reason_is_named_first(size: int, first: str) -> None:
    ward = Ward()
    ward.to_script()
    for file in FILES:
        ward.wait(1.0)
        ward.gets(file, size)
    ward.wait(301.0)
    (found,) = ward.diagnoses(speaks=True)
    assert (found.cause, found.advice.split()[0]) == (Cause.SILENT, first)


@pytest.mark.parametrize(("after", "first"), [(2.0, "its questions come here at once"), (35.0, "iPXE resets the card")])
def test_a_port_that_forwards_at_once_does_not_wait_for_spanning_tree(after: float, first: str) -> None:
    ward = Ward()
    no_address_in_ipxe(ward, after)
    assert ward.one().cause is Cause.IPXE_NO_ADDRESS
    assert ward.one().advice.startswith(first)


def test_an_ipxe_that_loads_itself_is_named_in_its_second_boot_and_nothing_else_with_it() -> None:
    """Its HTTP port is not to blame."""
    ward = Ward()
    for _ in range(4):
        ward.to_ipxe()
        ward.ipxe_chooses()
        ward.wait(1.0)
        ward.loads()
        ward.wait(10.0)
    assert ward.causes() == [Cause.IPXE_LOOP]
    assert "3 of its boots before did the same" in ward.one().evidence
    _, before, *_ = ward.attempts.of(str(CARD))
    assert [each.cause for each in ward.diagnose(before)] == [Cause.IPXE_LOOP]
    ward.wait(200.0)
    assert ward.causes() == [Cause.IPXE_LOOP]


def test_what_is_more_special_goes_before_what_is_general() -> None:
    """Without another server's word the same packets mean that the offer is ignored."""
    ward = Ward()
    STORIES[Cause.OTHER_PROXY][0](ward)
    assert ward.causes() == [Cause.OTHER_PROXY]
    alone = Ward()
    alone.discovers()
    alone.chooses()
    alone.wait(31.0)
    assert alone.causes() == [Cause.OFFER_IGNORED]


def test_a_dhcp_server_that_calls_itself_the_next_one_misleads_nobody() -> None:
    """dnsmasq and many routers do, and have nothing to boot."""
    ward = Ward()
    ward.to_loader()
    heard(ward, next_server=DHCP)
    ward.wait(31.0)
    assert ward.one().cause is Cause.TFTP_NEVER_ASKED
    assert "next-server 10.99.0.1" in ward.one().evidence[-1]


async def test_captures_of_firmware_that_came_no_further() -> None:
    """Nobody answered them when they were recorded; here the DHCP server's answers are overheard, and lost."""
    for name in ("aavmf-arm64.pcap", "ovmf-http4.pcap"):
        packets = captures.read(name)
        ward = Ward(mac=type(CARD)(packets[0].payload[28:34]))
        for packet in packets:
            if {packet.sport, packet.dport} <= {67, 68}:
                ward.wait(packet.time - packets[0].time - ward.now)
                ward.hears(packet)
        ward.wait(5.0)
        wanted = Cause.HTTP_BOOT_NEVER_ASKED if "http" in name else Cause.ANSWERS_LOST
        assert ward.causes() == [wanted], name


def test_a_boot_that_was_given_up_tells_why_without_waiting() -> None:
    """It began anew seconds later: that is the proof that it came no further."""
    ward = Ward()
    ward.to_loader()
    ward.loads()
    ward.wait(5.0)
    ward.discovers()
    now, before = ward.attempts.of(str(CARD))
    assert [each.cause for each in ward.diagnose(before)] == [Cause.LOADER_NOT_STARTED]
    assert ward.diagnose(now) == ()


def test_hostile_names_of_files_stay_on_their_line() -> None:
    """What another server says has passed `printable` before it is an event."""
    ward = Ward()
    ward.discovers()
    heard(ward, file="<script>alert(1)</script>", next_server="10.99.0.5")
    ward.chooses()
    ward.wait(31.0)
    assert "<script>" in ward.one().sentence  # escaped where it is shown


def test_an_order_that_changes_nothing_is_no_trouble() -> None:
    ward = Ward()
    ward.say(MachineChanged(change="armed", **WHO))  # type: ignore[arg-type]
    assert ward.diagnoses() == ()
