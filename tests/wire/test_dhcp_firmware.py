"""Packets of real firmware, from tests/captures, read field by field."""

from __future__ import annotations

import pytest

from netbootd.wire import options
from netbootd.wire.dhcp import NO_ADDRESS, MessageType, decode, encode
from tests.support.captures import CAPTURES, dhcp_payloads


@pytest.mark.parametrize("capture", sorted(path.name for path in CAPTURES.glob("*.pcap")))
def test_every_captured_packet_is_read_and_written_without_loss(capture: str) -> None:
    for payload in dhcp_payloads(capture):
        packet = decode(payload)

        assert decode(encode(packet)) == packet


def test_ovmf_discovers_by_pxe() -> None:
    packet = decode(dhcp_payloads("ovmf-pxe4.pcap")[0])

    assert packet.message_type is MessageType.DISCOVER
    assert (packet.op, packet.htype, packet.hops, packet.xid, packet.secs) == (1, 1, 0, 0x9D0BED5A, 0)
    assert packet.broadcast
    assert packet.chaddr.hex(":") == "52:54:00:99:00:01"
    assert {packet.ciaddr, packet.yiaddr, packet.siaddr, packet.giaddr} == {NO_ADDRESS}
    assert (packet.sname, packet.file) == (b"", b"")
    assert list(packet.options) == [53, 57, 55, 97, 94, 93, 60]
    assert packet.get(options.MAX_SIZE) == 1472
    assert packet.get(options.CLIENT_ARCH) == (7,)
    assert packet.get(options.UNDI) == (3, 0)
    assert packet.get(options.VENDOR_CLASS) == "PXEClient:Arch:00007:UNDI:003000"
    assert packet.get(options.CLIENT_UUID) is None
    assert packet.get(options.PARAMETER_LIST)[:3] == (1, 2, 3)  # type: ignore[index]


def test_ovmf_asks_port_4011_with_a_new_xid() -> None:
    discover, request, answer = (decode(dhcp_payloads("ovmf-pxe4.pcap")[at]) for at in (0, 5, 6))

    assert request.message_type is MessageType.REQUEST
    assert request.xid != discover.xid
    assert request.xid == answer.xid
    assert (request.ciaddr, request.broadcast) == (bytes((10, 99, 0, 168)), False)
    assert answer.message_type is MessageType.ACK
    assert (answer.file, answer.siaddr) == (b"ipxe.efi", bytes((10, 99, 0, 2)))
    assert answer.get(options.SERVER_ID) == "10.99.0.2"
    assert answer.options[97] == request.options[97]


def test_ipxe_asks_after_ovmf_loaded_it() -> None:
    packet = decode(dhcp_payloads("ovmf-pxe4.pcap")[7])

    assert packet.get(options.VENDOR_CLASS) == "PXEClient:Arch:00007:UNDI:003010"
    assert packet.get(options.USER_CLASS) == b"iPXE"
    assert packet.get(options.CLIENT_ID) == b"\x01" + packet.chaddr
    assert packet.secs & 0b11 == 0, "it has seen no offer yet"
    assert not packet.broadcast


def test_ovmf_discovers_by_http() -> None:
    packet = decode(dhcp_payloads("ovmf-http4.pcap")[0])

    assert packet.get(options.VENDOR_CLASS) == "HTTPClient:Arch:00016:UNDI:003000"
    assert packet.get(options.CLIENT_ARCH) == (16,)


def test_aavmf_discovers_by_pxe() -> None:
    assert decode(dhcp_payloads("aavmf-arm64.pcap")[0]).get(options.CLIENT_ARCH) == (11,)


def test_the_main_server_knows_nothing_of_booting() -> None:
    packet = decode(dhcp_payloads("aavmf-arm64.pcap")[1])

    assert packet.message_type is MessageType.OFFER
    assert packet.yiaddr == bytes((10, 99, 0, 161))
    assert packet.get(options.SERVER_ID) == "10.99.0.1"
    assert packet.get(options.LEASE_TIME) == 3600
    assert packet.get(options.SUBNET_MASK) == "255.255.255.0"
    assert packet.get(options.BOOTFILE) is None
