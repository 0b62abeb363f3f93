"""The form of an answer: every field a firmware looks at, and where the reply goes."""

from __future__ import annotations

import pytest

from netbootd.boot.decide import Answer
from netbootd.boot.identify import Arrival
from netbootd.boot.memory import Style
from netbootd.boot.reply import Destination, build, destination
from netbootd.wire import options
from netbootd.wire.dhcp import NO_ADDRESS, MessageType, Op, Packet, decode, encode
from tests.support.dissect import option_codes
from tests.support.worlds import CARD, CLIENT_ADDRESS, SERVER, UUID_OPTION, on_67, on_4011, question

RELAY = bytes((198, 51, 100, 1))
OFFER = Answer(MessageType.OFFER, "snponly.efi", SERVER, "PXEClient", Style.BINL, terminated=True)
ACK = Answer(MessageType.ACK, "snponly.efi", SERVER, "PXEClient", Style.DIRECT, terminated=True)
NEVER = {1, 3, 6, 13, 51, 52, 175}


def offer(request: Packet | None = None, **changes: object) -> Packet:
    fields = {name: getattr(OFFER, name) for name in OFFER.__slots__}
    return build(request or question(), Answer(**{**fields, **changes}))


def test_the_header_and_the_options_say_the_same() -> None:
    """shim and U-Boot read only the header, UEFI and iPXE prefer options."""
    reply = offer()

    assert reply.op is Op.REPLY
    assert reply.siaddr == bytes((192, 0, 2, 1))
    assert reply.get(options.SERVER_ID) == SERVER
    assert reply.sname.decode() == reply.get(options.TFTP_SERVER_NAME) == SERVER
    assert reply.file.decode() == reply.get(options.BOOTFILE) == "snponly.efi"


def test_an_offer_gives_no_address() -> None:
    reply = offer(question(ciaddr=CLIENT_ADDRESS))

    assert (reply.ciaddr, reply.yiaddr) == (NO_ADDRESS, NO_ADDRESS)


@pytest.mark.parametrize("changes", [{}, {"style": Style.BYPASS}, {"root_path": "iscsi:x"}, {"boot_item": (1, 0)}])
def test_what_is_never_sent(changes: dict[str, object]) -> None:
    """No addresses (1, 3, 6, 51), no size EDK2 would believe (13), no overload, nothing that switches proxies off."""
    assert not NEVER & set(offer(question(options={175: b"\xb0\1\1", 13: b"\0\1"}), **changes).options)


def test_ipxe_is_told_to_prefer_us_to_the_lease_and_nothing_else() -> None:
    """175.1 = 1, and never 175.176, which would switch other proxies off; others get no 175 at all."""
    assert offer(over_lease=True).options[175] == bytes.fromhex("010101")


def test_the_transaction_and_the_card_are_the_clients() -> None:
    reply = offer(question(xid=0xCAFEF00D, htype=6, chaddr=bytes(range(16)), secs=9, hops=3))

    assert (reply.xid, reply.htype, reply.chaddr, reply.secs, reply.hops) == (0xCAFEF00D, 6, bytes(range(16)), 0, 0)


@pytest.mark.parametrize("code", [61, 82, 97])
@pytest.mark.parametrize("value", [b"\x01\x02\xff\x00", b"", b"x" * 300])
def test_what_must_be_mirrored_is_octet_for_octet(code: int, value: bytes) -> None:
    assert decode(encode(offer(question(options={code: value})))).options[code] == value


@pytest.mark.parametrize("code", [61, 82])
def test_what_the_client_did_not_send_is_not_mirrored(code: int) -> None:
    assert code not in offer().options


def test_the_relays_option_is_the_last() -> None:
    """RFC 3046 section 2.1."""
    codes = option_codes(encode(offer(question(giaddr=RELAY, options={82: b"\1\2ab", 61: b"\1abc"}))))

    assert codes[0] == 53
    assert codes[-1] == 82


def test_the_message_type_is_the_first() -> None:
    assert option_codes(encode(offer())) == [53, 54, 60, 66, 67, 97]


@pytest.mark.parametrize(
    ("style", "vendor"), [(Style.BINL, None), (Style.BYPASS, bytes.fromhex("060108ff")), (Style.DIRECT, None)]
)
def test_option_43_by_style(style: Style, vendor: bytes | None) -> None:
    """No 43, or 43.6 = 8 with a file; nothing in between, which EDK2 takes for local boot."""
    assert offer(style=style).options.get(43) == vendor


def test_strings_are_terminated_for_roms_that_read_c_strings() -> None:
    assert (offer().options[66], offer().options[67]) == (b"192.0.2.1\0", b"snponly.efi\0")
    assert (offer(terminated=False).options[66], offer(terminated=False).options[67]) == (b"192.0.2.1", b"snponly.efi")


def test_ipxe_is_told_to_prefer_the_proxy_to_the_lease() -> None:
    """175.1 = 1 ranks above the 0 of a router that names itself as boot server (run: tests/lab, iPXE of 2019)."""
    assert offer(over_lease=True).options[175] == bytes.fromhex("010101")


def test_a_root_path_is_option_17() -> None:
    assert offer(root_path="iscsi:192.0.2.9::::iqn.x").options[17] == b"iscsi:192.0.2.9::::iqn.x"


@pytest.mark.parametrize(("length", "in_header"), [(127, True), (128, False)])
def test_a_url_too_long_for_the_header_stands_in_option_67_alone(length: int, in_header: bool) -> None:
    url = "http://".ljust(length, "x")
    reply = decode(encode(offer(file=url, terminated=False)))

    assert reply.file == (url.encode() if in_header else b"")
    assert reply.get(options.BOOTFILE) == url


def test_boot_server_discovery_echoes_the_item_and_gives_the_clients_address_in_yiaddr() -> None:
    """PXE 2.1 section 2.4.5; dnsmasq does the same."""
    item = {43: bytes.fromhex("470400050001ff")}
    request = question(MessageType.REQUEST, arch=0, ciaddr=CLIENT_ADDRESS, options=item)
    reply = build(request, Answer(MessageType.ACK, "undionly.kpxe", SERVER, "PXEClient", Style.DIRECT, True, (5, 1)))

    assert reply.options[43] == bytes.fromhex("470400050001ff")
    assert (reply.ciaddr, reply.yiaddr) == (NO_ADDRESS, CLIENT_ADDRESS)


def test_an_ack_without_discovery_keeps_the_clients_address_where_it_was() -> None:
    reply = build(question(MessageType.REQUEST, ciaddr=CLIENT_ADDRESS), ACK)

    assert (reply.ciaddr, reply.yiaddr) == (CLIENT_ADDRESS, NO_ADDRESS)


@pytest.mark.parametrize(
    ("request_", "broadcast"),
    [(question(), True), (question(flags=0x8000), True), (question(ciaddr=CLIENT_ADDRESS), False)],
)
def test_a_client_without_an_address_is_reached_by_broadcast(request_: Packet, broadcast: bool) -> None:
    assert offer(request_).broadcast is broadcast


def test_a_clients_other_flags_come_back() -> None:
    assert offer(question(flags=0x8001, ciaddr=CLIENT_ADDRESS)).flags == 0x8001


def test_a_relays_address_is_kept() -> None:
    assert offer(question(giaddr=RELAY)).giaddr == RELAY


@pytest.mark.parametrize(
    ("request_", "arrival", "to"),
    [
        (question(), on_67(), ("255.255.255.255", 68)),
        (question(ciaddr=CLIENT_ADDRESS), on_67(("192.0.2.77", 68)), ("192.0.2.77", 68)),
        (question(giaddr=RELAY), on_67(("198.51.100.1", 67)), ("198.51.100.1", 67)),
        (question(giaddr=RELAY, ciaddr=CLIENT_ADDRESS), on_67(), ("198.51.100.1", 67)),
        (question(), on_4011(("192.0.2.77", 4011)), ("192.0.2.77", 4011)),
        (question(), on_4011(("192.0.2.77", 68)), ("192.0.2.77", 68)),
        (question(), on_4011(("192.0.2.77", 40000)), ("192.0.2.77", 40000)),
        (question(), on_4011(("0.0.0.0", 68)), ("255.255.255.255", 68)),
    ],
    ids=["no address", "ciaddr", "relay", "relay first", "EDK2", "iPXE", "any port", "INFORM without an address"],
)
def test_where_the_reply_goes(request_: Packet, arrival: Arrival, to: tuple[str, int]) -> None:
    """RFC 2131 section 4.1 on 67; on 4011 whoever asked, at the port it asked from."""
    assert destination(request_, arrival) == Destination(*to)


def test_a_reply_is_at_least_a_bootp_message_and_fits_edk2() -> None:
    """Some relays drop less than 300 octets, EDK2's HTTP boot ignores more than 1472."""
    assert 300 <= len(encode(offer())) <= 1472
    assert offer().chaddr == CARD.octets
    assert offer().options[97] == UUID_OPTION
