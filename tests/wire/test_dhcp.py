"""DHCP packets: bytes to values and back, checked against scapy; test_dhcp_firmware.py has real firmware."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP

from netbootd.wire import dhcp, options
from netbootd.wire.dhcp import NO_ADDRESS, MessageType, Op, Packet, decode, encode
from netbootd.wire.errors import WireError
from tests.support.captures import dhcp_payloads

REASONS = {
    *(dhcp.SHORT_PACKET, dhcp.BAD_OP, dhcp.BAD_HLEN),
    *(dhcp.NOT_DHCP, dhcp.TRUNCATED_OPTION, dhcp.BAD_OPTION),
}

OFFER = Packet(
    op=Op.REPLY,
    htype=1,
    hops=0,
    xid=0x3A1EA832,
    secs=4,
    flags=0x8000,
    ciaddr=NO_ADDRESS,
    yiaddr=NO_ADDRESS,
    siaddr=bytes((10, 99, 0, 2)),
    giaddr=bytes((10, 98, 0, 1)),
    chaddr=bytes.fromhex("525400123456"),
    sname=b"10.99.0.2",
    file=b"undionly.kpxe",
    options={
        82: b"\x01\x04eth0",
        60: b"PXEClient",
        53: b"\x02",
        54: bytes((10, 99, 0, 2)),
    },
)

ADDRESS = st.binary(min_size=4, max_size=4)
NAME = st.binary(max_size=63).map(lambda raw: raw.replace(b"\0", b"/"))
PACKETS = st.builds(
    Packet,
    op=st.sampled_from(Op),
    htype=st.integers(0, 255),
    hops=st.integers(0, 255),
    xid=st.integers(0, 2**32 - 1),
    secs=st.integers(0, 65535),
    flags=st.integers(0, 65535),
    ciaddr=ADDRESS,
    yiaddr=ADDRESS,
    siaddr=ADDRESS,
    giaddr=ADDRESS,
    chaddr=st.binary(max_size=16),
    sname=NAME,
    file=NAME,
    options=st.dictionaries(st.integers(1, 254).filter(lambda code: code != 52), st.binary(max_size=700), max_size=12),
)


def datagram(
    area: bytes,
    *,
    sname: bytes = b"",
    file: bytes = b"",
    op: int = 1,
    hlen: int = 6,
    cookie: bytes = b"\x63\x82\x53\x63",
) -> bytes:
    """A request written by hand, with ``area`` as its options field."""
    return (
        bytes((op, 1, hlen, 0))
        + b"\x12\x34\x56\x78"  # xid
        + b"\x00\x04"  # secs
        + b"\x80\x00"  # flags: broadcast
        + bytes(4 * 4)  # ciaddr, yiaddr, siaddr, giaddr
        + b"\x52\x54\x00\x12\x34\x56".ljust(16, b"\0")
        + sname.ljust(64, b"\0")
        + file.ljust(128, b"\0")
        + cookie
        + area
    )


def refusal(data: bytes) -> str:
    with pytest.raises(WireError) as caught:
        decode(data)
    return caught.value.reason


def outcome(data: bytes) -> str:
    try:
        assert str(decode(data)).isprintable()
    except WireError as error:
        return error.reason
    return "decoded"


class TestDecode:
    def test_the_header_is_read_field_by_field(self) -> None:
        packet = decode(datagram(b"\x35\x01\x01\xff", file=b"boot\0garbage", sname=b"server"))

        assert packet == Packet(
            op=Op.REQUEST,
            htype=1,
            hops=0,
            xid=0x12345678,
            secs=4,
            flags=0x8000,
            ciaddr=NO_ADDRESS,
            yiaddr=NO_ADDRESS,
            siaddr=NO_ADDRESS,
            giaddr=NO_ADDRESS,
            chaddr=bytes.fromhex("525400123456"),
            sname=b"server",
            file=b"boot",
            options={53: b"\x01"},
        )
        assert packet.message_type is MessageType.DISCOVER
        assert packet.broadcast

    def test_a_name_may_fill_its_field_without_a_nul(self) -> None:
        assert decode(datagram(b"\xff", file=b"f" * 128)).file == b"f" * 128

    @pytest.mark.parametrize("hlen", [0, 1, 16])
    def test_hardware_addresses_of_up_to_16_octets_are_taken(self, hlen: int) -> None:
        """EDK2 can be told to send the machine's GUID as its hardware address."""
        assert len(decode(datagram(b"\xff", hlen=hlen)).chaddr) == hlen

    def test_a_missing_end_is_accepted_when_everything_was_consumed(self) -> None:
        """Decided once, for firmware that leaves it out."""
        assert decode(datagram(b"\x35\x01\x01")).options == {53: b"\x01"}

    @pytest.mark.parametrize("area", [b"\x35", b"\x35\x01", b"\x35\x01\x01\x3c\x20PXEClient"])
    def test_a_truncated_option_is_refused(self, area: bytes) -> None:
        assert refusal(datagram(area)) == dhcp.TRUNCATED_OPTION

    def test_a_packet_cut_within_its_header_is_refused(self) -> None:
        assert refusal(b"") == dhcp.SHORT_PACKET
        assert refusal(datagram(b"")[:235]) == dhcp.SHORT_PACKET

    def test_plain_bootp_is_refused(self) -> None:
        assert refusal(datagram(b"")[:236]) == dhcp.NOT_DHCP
        assert refusal(datagram(b"\xff", cookie=bytes(4)).ljust(300, b"\0")) == dhcp.NOT_DHCP

    @pytest.mark.parametrize("op", [0, 3, 255])
    def test_an_op_that_is_neither_request_nor_reply_is_refused(self, op: int) -> None:
        assert refusal(datagram(b"\xff", op=op)) == dhcp.BAD_OP

    def test_a_hardware_address_longer_than_its_field_is_refused(self) -> None:
        assert refusal(datagram(b"\xff", hlen=17)) == dhcp.BAD_HLEN

    @given(st.binary(max_size=600))
    @settings(deadline=None)
    def test_no_options_do_anything_but_decode_or_raise_a_listed_reason(self, area: bytes) -> None:
        self.check(datagram(area))

    @given(st.binary(max_size=600))
    @settings(deadline=None)
    def test_no_octets_do_anything_but_decode_or_raise_a_listed_reason(self, data: bytes) -> None:
        self.check(data)

    @given(st.data())
    @settings(deadline=None)
    def test_no_damage_to_a_real_packet_does_anything_but_decode_or_raise_a_listed_reason(
        self, data: st.DataObject
    ) -> None:
        real = bytearray(data.draw(st.sampled_from(dhcp_payloads("ovmf-pxe4.pcap"))))
        for _ in range(data.draw(st.integers(1, 8))):
            real[data.draw(st.integers(0, len(real) - 1))] = data.draw(st.integers(0, 255))
        self.check(bytes(real[: data.draw(st.integers(0, len(real)))]))

    def check(self, data: bytes) -> None:
        assert outcome(data) in REASONS | {"decoded"}


class TestOverload:
    """Option 52 (RFC 2132 section 9.3): the header's names hold options."""

    def test_file_then_sname_follow_the_options(self) -> None:
        packet = decode(
            datagram(b"\x34\x01\x03\x35\x01\x02\x43\x02ab\xff", file=b"\x43\x02cd\x3c\x03PXE\xff", sname=b"\x43\x02ef")
        )

        assert packet.options == {52: b"\x03", 53: b"\x02", 67: b"abcdef", 60: b"PXE"}
        assert (packet.file, packet.sname) == (b"", b"")

    def test_a_field_that_was_not_named_keeps_its_meaning(self) -> None:
        only_file = decode(datagram(b"\x34\x01\x01\xff", file=b"\x3c\x03PXE\xff", sname=b"server"))
        only_sname = decode(datagram(b"\x34\x01\x02\xff", file=b"boot", sname=b"\x3c\x03PXE\xff"))

        assert (only_file.options[60], only_file.file, only_file.sname) == (b"PXE", b"", b"server")
        assert (only_sname.options[60], only_sname.file, only_sname.sname) == (b"PXE", b"boot", b"")

    def test_the_fields_cannot_overload_again(self) -> None:
        packet = decode(datagram(b"\x34\x01\x01\xff", file=b"\x34\x01\x02\xff", sname=b"server"))

        assert (packet.options, packet.sname) == ({52: b"\x01"}, b"server")

    @pytest.mark.parametrize("value", [b"\x34\x01\x00", b"\x34\x01\x04", b"\x34\x00", b"\x34\x02\x01\x01"])
    def test_a_value_that_names_no_field_is_refused(self, value: bytes) -> None:
        assert refusal(datagram(value + b"\xff")) == dhcp.BAD_OPTION

    def test_an_option_truncated_in_a_field_is_refused(self) -> None:
        assert refusal(datagram(b"\x34\x01\x01\xff", file=b"x" * 128)) == dhcp.TRUNCATED_OPTION

    def test_it_is_not_written_again(self) -> None:
        packet = decode(datagram(b"\x34\x01\x01\xff", file=b"\x3c\x03PXE\xff"))

        assert decode(encode(packet)).options == {60: b"PXE"}


class TestEncode:
    def test_the_octets_are_these(self) -> None:
        assert (
            encode(OFFER)
            == (
                b"\x02\x01\x06\x00"  # op, htype, hlen, hops
                b"\x3a\x1e\xa8\x32"  # xid
                b"\x00\x04\x80\x00"  # secs, flags
                b"\x00\x00\x00\x00"  # ciaddr
                b"\x00\x00\x00\x00"  # yiaddr
                b"\x0a\x63\x00\x02"  # siaddr
                b"\x0a\x62\x00\x01"  # giaddr
                + b"\x52\x54\x00\x12\x34\x56".ljust(16, b"\0")
                + b"10.99.0.2".ljust(64, b"\0")
                + b"undionly.kpxe".ljust(128, b"\0")
                + b"\x63\x82\x53\x63"  # magic cookie
                b"\x35\x01\x02"  # message type: first
                b"\x3c\x09PXEClient"  # vendor class
                b"\x36\x04\x0a\x63\x00\x02"  # server identifier
                b"\x52\x06\x01\x04eth0"  # relay agent information: last
                b"\xff" + bytes(31)  # 300 octets in all
            )
        )

    def test_it_is_never_shorter_than_300_octets(self) -> None:
        """Some relays drop less than a BOOTP message without a word."""
        assert len(encode(replace(OFFER, options={}))) == 300
        assert len(encode(replace(OFFER, options={43: bytes(255)}))) == 240 + 257 + 1

    def test_nothing_is_padded_between_options(self) -> None:
        """The Raspberry Pi EEPROM before 2020-01 stopped at an option 0 inside (rpi-eeprom#82)."""
        area = encode(OFFER)[240:]

        assert area.rstrip(b"\0").endswith(b"eth0\xff")
        assert b"\0" not in area[: area.index(b"\xff")].replace(b"\x0a\x63\0\x02", b"")

    def test_a_long_option_is_split_and_joined_again(self) -> None:
        long = replace(OFFER, options={43: bytes(range(256)) * 3})

        assert decode(encode(long)).options == long.options

    @pytest.mark.parametrize(
        "change",
        [
            {"sname": bytes(64)},
            {"file": bytes(128)},
            {"chaddr": bytes(17)},
            {"siaddr": b"10.99.0.2"},
            {"options": {0: b""}},
            {"options": {255: b""}},
        ],
        ids=str,
    )
    def test_what_does_not_fit_is_our_own_mistake(self, change: dict[str, bytes]) -> None:
        with pytest.raises(AssertionError):
            encode(replace(OFFER, **change))  # type: ignore[arg-type]

    @given(PACKETS)
    @settings(deadline=None)
    def test_what_is_written_can_be_read_again(self, packet: Packet) -> None:
        data = encode(packet)
        again = decode(data)

        assert again == packet
        assert 53 not in packet.options or data[240] == 53
        assert 82 not in packet.options or list(again.options)[-1] == 82


class TestPacket:
    @pytest.mark.parametrize("kind", MessageType)
    def test_each_message_type_has_its_name(self, kind: MessageType) -> None:
        assert replace(OFFER, options=dict([options.MESSAGE_TYPE.pair(kind)])).message_type is kind

    @pytest.mark.parametrize("raw", [{}, {53: b""}, {53: b"\x00"}, {53: b"\x63"}, {53: b"\x01\x01"}], ids=str)
    def test_an_unknown_or_missing_one_has_none(self, raw: dict[int, bytes]) -> None:
        assert replace(OFFER, options=raw).message_type is None

    def test_get_decodes_or_says_none_or_raises(self) -> None:
        assert OFFER.get(options.SERVER_ID) == "10.99.0.2"
        assert OFFER.get(options.CLIENT_ARCH) is None
        with pytest.raises(WireError, match="bad option value"):
            replace(OFFER, options={93: b"\x07"}).get(options.CLIENT_ARCH)

    def test_it_is_one_line_in_a_log(self) -> None:
        assert str(OFFER) == (
            "OFFER 52:54:00:12:34:56 xid=3a1ea832 secs=4 siaddr=10.99.0.2 giaddr=10.98.0.1"
            " file='undionly.kpxe' class='PXEClient'"
        )

    def test_it_stays_one_line_whatever_the_peer_wrote(self) -> None:
        hostile = replace(OFFER, file=b"a\nb\x1b[2J\xff", options={60: b"\r\n${x}", 53: b"\x63"}, chaddr=b"")

        assert str(hostile).isprintable()


class TestScapy:
    """An encoder and decoder that share nothing with ours."""

    def test_what_scapy_writes_we_read(self) -> None:
        written = bytes(
            BOOTP(op=1, xid=7, secs=9, flags=0x8000, chaddr=bytes.fromhex("525400990001"), ciaddr="10.99.0.7")
            / DHCP(
                options=[
                    ("message-type", "request"),
                    ("server_id", "10.99.0.2"),
                    ("vendor_class_id", b"PXEClient"),
                    ("pxe_client_architecture", b"\0\x0b"),
                    "pad",
                    "end",
                ]
            )
        )
        packet = decode(written)

        assert packet.message_type is MessageType.REQUEST
        assert (packet.xid, packet.secs, packet.broadcast) == (7, 9, True)
        assert packet.ciaddr == bytes((10, 99, 0, 7))
        assert packet.chaddr.hex() == "525400990001"
        assert packet.get(options.SERVER_ID) == "10.99.0.2"
        assert packet.get(options.VENDOR_CLASS) == "PXEClient"
        assert packet.get(options.CLIENT_ARCH) == (11,)

    def test_what_we_write_scapy_reads(self) -> None:
        bootp = BOOTP(encode(OFFER))

        assert (bootp.op, bootp.htype, bootp.hlen, bootp.xid, bootp.secs) == (2, 1, 6, 0x3A1EA832, 4)
        assert (bootp.siaddr, bootp.giaddr, bootp.flags) == ("10.99.0.2", "10.98.0.1", "B")
        assert bootp.file.rstrip(b"\0") == b"undionly.kpxe"
        assert bootp.sname.rstrip(b"\0") == b"10.99.0.2"
        assert bootp[DHCP].options[:5] == [
            ("message-type", MessageType.OFFER),
            ("vendor_class_id", b"PXEClient"),
            ("server_id", "10.99.0.2"),
            ("relay_agent_information", b"\x01\x04eth0"),
            "end",
        ]

    @given(PACKETS, st.dictionaries(st.integers(224, 254), st.binary(min_size=1, max_size=255), max_size=8))
    @settings(deadline=None, max_examples=40)
    def test_scapy_reads_any_header_and_any_private_options_of_ours(
        self, packet: Packet, private: dict[int, bytes]
    ) -> None:
        bootp = BOOTP(encode(replace(packet, options=private)))

        assert (bootp.xid, bootp.secs, int(bootp.flags)) == (packet.xid, packet.secs, packet.flags)
        assert options.ip_bytes(bootp.yiaddr) == packet.yiaddr
        assert bootp.chaddr == packet.chaddr.ljust(16, b"\0")
        assert bootp.file.rstrip(b"\0") == packet.file
        assert [pair for pair in bootp[DHCP].options if pair not in ("end", "pad")] == list(private.items())
