"""Packets of real firmware, judged: what this server says to each, and that it says nothing to the other servers'."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netbootd.boot.identify import Arrival
from netbootd.boot.memory import Memory
from netbootd.boot.site import Site
from netbootd.chain.dhcp import DhcpTrace, dhcp
from netbootd.wire.dhcp import decode
from tests.support.captures import CAPTURES, Datagram, read
from tests.support.dissect import dissect
from tests.support.worlds import world

US = "10.99.0.2"
SITE = Site(US)

REPLY = "the packet is a server's reply, not a client's question"
LEASE = (
    "a REQUEST on port 67 belongs to the DHCP server that offered the address, and this one offers none (for 10.99.0.1)"
)
PROGRAM = "snponly.efi"
SCRIPT = "http://10.99.0.2:8080/ipxe.cfg"
ARM64 = "arm64-efi/snponly.efi"
HTTP = "http://10.99.0.2:8080/firmware/snponly.efi"

BINL, BYPASS, DIRECT = "on to port 4011", "file at once, 43.6=8", "file at once"
DECISIONS = {
    "aavmf-arm64.pcap": [
        f"OFFER: {ARM64} ({BINL})",
        REPLY,
        f"OFFER: {ARM64} ({BYPASS})",
        REPLY,
        f"OFFER: {ARM64} ({BINL})",
        REPLY,
        f"OFFER: {ARM64} ({BYPASS})",
        REPLY,
    ],
    "ovmf-http4.pcap": [f"OFFER: {HTTP} ({DIRECT})", REPLY] * 4,
    "ovmf-http4-boot.pcap": [
        f"OFFER: {HTTP} ({DIRECT})",
        REPLY,
        REPLY,
        LEASE,
        REPLY,
        f"OFFER: {SCRIPT} ({DIRECT})",
        REPLY,
        REPLY,
        LEASE,
        REPLY,
    ],
    "ovmf-pxe4-misled.pcap": [
        f"OFFER: {PROGRAM} ({BINL})",
        REPLY,
        REPLY,
        LEASE,
        REPLY,
        f"ACK: {PROGRAM} ({DIRECT})",
        REPLY,
        f"OFFER: {SCRIPT} ({DIRECT})",
        REPLY,
        REPLY,
        LEASE,
        REPLY,
    ],
    "ovmf-pxe4.pcap": [
        f"OFFER: {PROGRAM} ({BINL})",
        REPLY,
        REPLY,
        LEASE,
        REPLY,
        f"ACK: {PROGRAM} ({DIRECT})",
        REPLY,
        f"OFFER: {SCRIPT} ({DIRECT})",
        REPLY,
        REPLY,
        LEASE,
        REPLY,
    ],
    "seabios-undionly.pcap": [
        f"OFFER: undionly.kpxe ({BYPASS})",
        REPLY,
        REPLY,
        LEASE,
        REPLY,
        f"OFFER: {SCRIPT} ({DIRECT})",
        REPLY,
        REPLY,
        LEASE,
        REPLY,
    ],
    "seabios-ipxe-rom.pcap": [
        f"OFFER: {SCRIPT} ({DIRECT})",
        REPLY,
        f"OFFER: {SCRIPT} ({DIRECT})",
        REPLY,
        REPLY,
        REPLY,
        LEASE,
        REPLY,
        *[f"ACK: {SCRIPT} ({DIRECT})", REPLY] * 4,
    ],
}


def judged(capture: str) -> list[tuple[Datagram, DhcpTrace]]:
    """The capture's conversation, heard by a server at the address of the boot server recorded in it."""
    memory, heard = Memory(), world(unknown="menu")
    traces = []
    for datagram in read(capture):
        port = 4011 if 4011 in (datagram.dport, datagram.sport) else 67
        arrival = Arrival(port, (datagram.src, datagram.sport), US)
        traces.append((datagram, dhcp(datagram.payload, arrival, heard, SITE, memory, datagram.time)))
    return traces


def test_every_capture_is_judged() -> None:
    assert {path.name for path in CAPTURES.glob("*.pcap")} >= set(DECISIONS)


@pytest.mark.parametrize("capture", DECISIONS)
def test_each_packets_decision(capture: str) -> None:
    assert [str(trace.decision) for _, trace in judged(capture)] == DECISIONS[capture]


@pytest.mark.parametrize("capture", DECISIONS)
def test_each_questions_golden_reply(capture: str, golden: Callable[[str, str], None]) -> None:
    told = [
        f"# packet {number}, to {trace.destination.address} port {trace.destination.port}\n{dissect(trace.reply)}"
        for number, (_, trace) in enumerate(judged(capture))
        if trace.reply and trace.destination
    ]

    golden(f"dhcp/{capture.removesuffix('.pcap')}.txt", "\n".join(told))


def test_the_answer_on_4011_goes_where_the_firmware_listens() -> None:
    """OVMF asks from 4011, iPXE from 68."""
    places = [
        (trace.destination.address, trace.destination.port)
        for capture in ("ovmf-pxe4.pcap", "seabios-ipxe-rom.pcap")
        for datagram, trace in judged(capture)
        if trace.destination and datagram.dport == 4011
    ]

    assert places == [("10.99.0.168", 4011), *[("10.99.0.168", 68)] * 4]


def test_unlike_the_recorded_one_our_offer_to_the_rom_is_complete() -> None:
    """The ROM refused offers without siaddr: "complete" is siaddr and a boot file, and then it never asks 4011."""
    _, recorded = judged("seabios-ipxe-rom.pcap")[1]
    _, ours = judged("seabios-ipxe-rom.pcap")[0]

    assert recorded.packet is not None
    assert recorded.packet.siaddr == bytes(4)
    assert ours.reply is not None
    assert decode(ours.reply).siaddr == bytes((10, 99, 0, 2))
    assert decode(ours.reply).file == SCRIPT.encode()
