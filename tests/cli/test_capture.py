"""DHCP out of a capture: any link type, nothing but DHCP, and a reason for every file that is none."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import ARP, CookedLinux, Dot1Q, Ether
from scapy.packet import Packet, Padding, Raw
from scapy.utils import PcapNgWriter, wrpcap

from netbootd.cli.capture import NotACapture, Seen, own_address, read_capture
from netbootd.wire.dhcp import encode
from tests.support import captures
from tests.support.worlds import question

ASKED = encode(question())
DATAGRAM = IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67) / Raw(ASKED)
CARDS = Ether(src="52:54:00:12:34:56", dst="ff:ff:ff:ff:ff:ff")


@pytest.mark.parametrize("name", [path.name for path in sorted(captures.CAPTURES.glob("*.pcap"))])
def test_it_reads_what_the_plain_reader_of_the_tests_reads(name: str) -> None:
    plain = [each for each in captures.read(name) if {each.sport, each.dport} & {67, 68, 4011}]
    seen = read_capture(captures.CAPTURES / name)
    assert [(s.source, s.target, s.data) for s in seen] == [
        ((d.src, d.sport), (d.dst, d.dport), d.payload) for d in plain
    ]
    assert [s.time for s in seen] == pytest.approx([d.time - plain[0].time for d in plain], abs=1e-6)


@pytest.mark.parametrize(
    "frame",
    [CARDS / DATAGRAM, CARDS / Dot1Q(vlan=7) / DATAGRAM, CookedLinux() / DATAGRAM],
    ids=["Ethernet", "VLAN", "tcpdump -i any"],
)
def test_any_kind_of_link_will_do(tmp_path: Path, frame: Packet) -> None:
    wrpcap(str(tmp_path / "c.pcap"), [frame])
    (seen,) = read_capture(tmp_path / "c.pcap")
    assert seen == Seen(0.0, ("0.0.0.0", 68), ("255.255.255.255", 67), ASKED)
    assert seen.asks


def test_pcapng_too(tmp_path: Path) -> None:
    writer = PcapNgWriter(str(tmp_path / "c.pcapng"))
    writer.write([CARDS / DATAGRAM])
    writer.close()
    (seen,) = read_capture(tmp_path / "c.pcapng")
    assert seen.data == ASKED


def test_one_that_is_compressed_too(tmp_path: Path) -> None:
    packed = tmp_path / "c.pcap.gz"
    packed.write_bytes(gzip.compress((captures.CAPTURES / "ovmf-pxe4.pcap").read_bytes()))
    assert read_capture(packed) == read_capture(captures.CAPTURES / "ovmf-pxe4.pcap")
    packed.write_bytes(packed.read_bytes()[:100])
    with pytest.raises(NotACapture):
        read_capture(packed)


def test_other_traffic_is_passed_over(tmp_path: Path) -> None:
    other = [
        CARDS / ARP(),
        CARDS / IP() / UDP(sport=5353, dport=5353) / Raw(b"mdns"),
        Ether(b"\0" * 13 + b"\x08"),
        CARDS / DATAGRAM,
    ]
    wrpcap(str(tmp_path / "c.pcap"), other)
    assert len(read_capture(tmp_path / "c.pcap")) == 1


def test_a_frame_s_padding_is_no_part_of_the_datagram(tmp_path: Path) -> None:
    short = CARDS / IP(src="192.0.2.7", dst="192.0.2.1") / UDP(sport=68, dport=4011) / Raw(b"\1\1\6")
    wrpcap(str(tmp_path / "c.pcap"), [short / Padding(b"\xaa" * 20)])
    (seen,) = read_capture(tmp_path / "c.pcap")
    assert seen.data == b"\1\1\6"


def test_a_server_s_own_words_are_no_question(tmp_path: Path) -> None:
    reply = IP(src="192.0.2.1", dst="192.0.2.9") / UDP(sport=67, dport=67) / Raw(b"\2" + ASKED[1:])
    to_client = IP(src="192.0.2.1", dst="192.0.2.9") / UDP(sport=67, dport=68) / Raw(ASKED)
    wrpcap(str(tmp_path / "c.pcap"), [CARDS / reply, CARDS / to_client])
    assert [seen.asks for seen in read_capture(tmp_path / "c.pcap")] == [False, False]


def test_whoever_was_asked_on_4011_was_the_boot_server() -> None:
    assert own_address(read_capture(captures.CAPTURES / "ovmf-pxe4.pcap")) == "10.99.0.2"
    assert own_address(read_capture(captures.CAPTURES / "aavmf-arm64.pcap")) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"\xd4\xc3\xb2\xa1", b"#!ipxe\n" * 20, b"\x0a\x0d\x0d\x0a" + b"\0" * 8],
    ids=["empty", "cut", "text", "ng"],
)
def test_what_is_no_capture_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.pcap").write_bytes(content)
    with pytest.raises(NotACapture) as refused:
        read_capture(tmp_path / "c.pcap")
    assert str(refused.value).startswith(f"{tmp_path}/c.pcap: not a capture that can be read: ")
    assert "\n" not in str(refused.value)


def test_a_capture_that_was_cut_short_gives_what_it_holds(tmp_path: Path) -> None:
    whole = (captures.CAPTURES / "ovmf-pxe4.pcap").read_bytes()
    (tmp_path / "c.pcap").write_bytes(whole[: len(whole) // 2])
    assert 0 < len(read_capture(tmp_path / "c.pcap")) < len(read_capture(captures.CAPTURES / "ovmf-pxe4.pcap"))


def test_a_directory_or_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotACapture, match="Is a directory"):
        read_capture(tmp_path)
    with pytest.raises(NotACapture, match="No such file"):
        read_capture(tmp_path / "none")
