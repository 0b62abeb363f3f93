"""Who is asking: one predicate per port, and every packet that is none of ours has its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from netbootd.boot.arch import Platform
from netbootd.boot.identify import Arrival, Client, described, identify
from netbootd.boot.silence import Reason, Silence
from netbootd.wire.dhcp import MessageType, Op, Packet
from tests.support.worlds import CARD, SERVER, ipxe_question, on_67, on_4011, question

DISCOVER, REQUEST, INFORM = MessageType.DISCOVER, MessageType.REQUEST, MessageType.INFORM
OURS = bytes(map(int, SERVER.split(".")))
ANOTHER = bytes((192, 0, 2, 254))


def client(packet: Packet, arrival: Arrival | None = None) -> Client:
    found = identify(packet, arrival or on_67())
    assert isinstance(found, Client), found
    return found


def reason(packet: Packet, arrival: Arrival | None = None) -> Reason:
    found = identify(packet, arrival or on_67())
    assert isinstance(found, Silence), found
    return found.reason


def test_67_answers_discover() -> None:
    assert client(question(DISCOVER)).message is DISCOVER


@pytest.mark.parametrize("kind", [REQUEST, INFORM])
def test_4011_answers_request_and_inform(kind: MessageType) -> None:
    assert client(question(kind), on_4011()).message is kind


@pytest.mark.parametrize("server", [None, OURS])
def test_a_request_on_67_belongs_to_the_server_that_offered_an_address(server: bytes | None) -> None:
    """An ACK from a server that offers none can break the client's lease."""
    assert reason(question(REQUEST, options={54: server})) is Reason.LEASE_REQUEST


def test_4011_is_silent_on_what_is_for_another_server() -> None:
    assert reason(question(REQUEST, options={54: ANOTHER}), on_4011()) is Reason.OTHER_SERVER
    assert client(question(REQUEST, options={54: OURS}), on_4011()).server == SERVER


def test_who_asks_another_server_is_told_apart_all_the_same() -> None:
    found = described(question(REQUEST, options={54: ANOTHER}), on_67())
    assert found
    assert (str(found), found.server, found.message) == ("x86-64 UEFI PXE", "192.0.2.254", REQUEST)
    assert described(question(options={60: None}), on_67()) is None
    assert described(question(options={53: None}), on_67()) is None


def test_another_server_is_not_one_we_call_ourselves() -> None:
    """The advertised address may be another than the one the packet came to."""
    advertised = Arrival(4011, ("192.0.2.77", 4011), SERVER, server="192.0.2.254")

    assert client(question(REQUEST, options={54: ANOTHER}), advertised).server == "192.0.2.254"
    assert client(question(REQUEST, options={54: OURS}), advertised).server == SERVER


@pytest.mark.parametrize(("kind", "arrival"), [(DISCOVER, on_4011()), (INFORM, on_67())])
def test_a_message_of_the_other_port_is_not_answered(kind: MessageType, arrival: Arrival) -> None:
    assert reason(question(kind), arrival) is Reason.NOT_HERE


@pytest.mark.parametrize("arrival", [on_67(), on_4011()])
@pytest.mark.parametrize(
    "kind", [MessageType.DECLINE, MessageType.RELEASE, MessageType.OFFER, MessageType.ACK, MessageType.NAK]
)
def test_other_messages_are_no_questions(kind: MessageType, arrival: Arrival) -> None:
    assert reason(question(kind), arrival) is Reason.NOT_A_QUESTION


@pytest.mark.parametrize("kind", [None, b"", b"\x09", b"\x01\x01"])
def test_bootp_and_unknown_message_types_are_no_questions(kind: bytes | None) -> None:
    assert reason(question(options={53: kind})) is Reason.NOT_A_QUESTION


@pytest.mark.parametrize("arrival", [on_67(), on_4011()])
def test_a_servers_reply_is_never_answered(arrival: Arrival) -> None:
    """Two boot servers would otherwise talk to each other for ever."""
    assert reason(question(op=Op.REPLY), arrival) is Reason.NOT_A_REQUEST


@pytest.mark.parametrize(
    "vendor_class", [None, b"", b"MSFT 5.0", b"pxeclient", b"xPXEClient", b"PXE", b"udhcp 1.36", b"\xff\0"]
)
def test_an_ordinary_client_is_left_alone(vendor_class: bytes | None) -> None:
    assert reason(question(options={60: vendor_class})) is Reason.NOT_NETBOOT


@pytest.mark.parametrize(
    "vendor_class",
    [b"PXEClient", b"PXEClient:Arch", b"PXEClient:Arch:00007:UNDI:003016\0", b"HTTPClient", b"HW-Client:x"],
)
def test_the_class_is_matched_by_prefix_and_never_taken_apart_by_position(vendor_class: bytes) -> None:
    assert client(question(options={60: vendor_class})).codes == (7,)


@pytest.mark.parametrize(
    "broken",
    [
        {93: b"\0"},
        {93: b"\0\7\0"},
        {54: b"\xc0\0\2"},
        {97: b"\1" * 17},
        {97: b"\0" * 5 + b"x"},
        {175: b"\x13\x05"},
        {43: b"\x47\x09"},
        {43: b"\x47\2\0\0"},
    ],
)
def test_a_malformed_option_is_one_reason_and_no_exception(broken: dict[int, bytes]) -> None:
    assert reason(question(REQUEST, options=broken), on_4011()) is Reason.MALFORMED


def test_without_a_hardware_address_there_is_nobody_to_answer() -> None:
    assert reason(question(chaddr=b"")) is Reason.MALFORMED


@pytest.mark.parametrize("address", ["0.0.0.1", "127.0.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"])
@pytest.mark.parametrize("field", ["giaddr", "ciaddr"])
def test_a_forged_address_cannot_have_the_answer_sent_to_everybody(field: str, address: str) -> None:
    """The answer goes to giaddr or ciaddr: one unicast packet must not come back as a broadcast or a multicast."""
    forged: dict[str, Any] = {field: bytes(map(int, address.split(".")))}
    assert reason(replace(question(), **forged)) is Reason.MALFORMED


def test_a_hardware_address_may_have_16_octets() -> None:
    """EDK2 can be told to send its GUID there."""
    assert client(question(chaddr=bytes(range(16)))).mac.octets == bytes(range(16))


def test_the_first_known_code_counts() -> None:
    found = client(question(options={93: b"\xff\xff\0\x0b\0\x07"}))

    assert found.codes == (0xFFFF, 11, 7)
    assert found.architecture is not None
    assert found.architecture.code == 11


@pytest.mark.parametrize("option_93", [None, b""])
def test_without_option_93_the_class_says_it(option_93: bytes | None) -> None:
    """Old ROMs leave 93 out and still write PXE 2.1's class string."""
    found = client(question(options={93: option_93, 60: b"PXEClient:Arch:00000:UNDI:002001"}))

    assert found.codes == (0,)
    assert found.platform is Platform.BIOS


def test_a_client_may_not_say_it_at_all() -> None:
    found = client(question(options={93: None, 60: b"PXEClient"}))

    assert (found.codes, found.architecture, found.platform) == ((), None, None)


def test_200_codes_are_read_and_the_first_known_counts() -> None:
    forged = b"".join(code.to_bytes(2, "big") for code in range(300, 499)) + b"\0\7"

    found = client(question(options={93: forged}))

    assert len(found.codes) == 200
    assert found.architecture is not None
    assert found.architecture.code == 7


def test_a_raspberry_pi_that_says_bios_is_not_a_bios() -> None:
    found = client(question(arch=0, chaddr=bytes.fromhex("dca632000001")))

    assert found.codes == (0,)
    assert found.architecture is not None
    assert found.architecture.code == 41


@pytest.mark.parametrize(("arch", "http"), [(7, False), (16, True), (20, True), (24, True), (22, False)])
def test_http_boot_is_known_by_the_architecture(arch: int, http: bool) -> None:
    assert client(question(arch=arch, options={60: b"PXEClient"})).http is http


def test_http_boot_is_known_by_the_class() -> None:
    assert client(question(arch=7, options={60: b"HTTPClient:Arch:00007"})).http


@pytest.mark.parametrize("user_class", [b"iPXE", b"\4iPXE", b"\3abc\4iPXE"])
def test_ipxe_is_known_by_its_user_class_in_either_spelling(user_class: bytes) -> None:
    assert client(ipxe_question(encapsulated=None, options={77: user_class})).ipxe is not None


def test_ipxe_is_known_by_its_encapsulated_options_when_a_script_changed_the_class() -> None:
    assert client(ipxe_question(options={77: b"my-own"})).ipxe is not None


@pytest.mark.parametrize("more", [{77: b"my-own"}, {175: b"\1\1\5"}, {175: b""}])
def test_a_firmware_that_sets_such_an_option_is_not_ipxe_yet(more: dict[int, bytes]) -> None:
    assert client(question(options=more)).ipxe is None


def test_ipxe_says_what_it_can_do() -> None:
    ipxe = client(ipxe_question()).ipxe

    assert ipxe is not None
    assert (ipxe.version, ipxe.http, ipxe.https, ipxe.tftp) == ("1.0.0", True, False, True)


def test_ipxe_without_http_says_so() -> None:
    ipxe = client(ipxe_question(encapsulated=bytes.fromhex("150101"))).ipxe

    assert ipxe is not None
    assert (ipxe.http, ipxe.tftp) == (False, True)


@pytest.mark.parametrize("encapsulated", [None, b"", bytes.fromhex("eb03010000")])
def test_ipxe_that_lists_no_features_has_those_of_every_build(encapsulated: bytes | None) -> None:
    ipxe = client(ipxe_question(encapsulated=encapsulated)).ipxe

    assert ipxe is not None
    assert (ipxe.http, ipxe.https, ipxe.tftp) == (True, False, True)


def test_the_machine_identifier_is_read_as_smbios_stores_it() -> None:
    assert client(question()).uuid == UUID(bytes_le=bytes(range(16)))


@pytest.mark.parametrize("raw", [None, b"", b"\0" * 17])
def test_a_missing_machine_identifier_is_normal(raw: bytes | None) -> None:
    """Some Intel ROMs omit it, EDK2 sends zeros when it has none."""
    assert client(question(options={97: raw})).uuid is None


def test_boot_server_discovery_names_its_item() -> None:
    found = client(question(REQUEST, arch=0, options={43: bytes.fromhex("47040005 0001 ff")}), on_4011())

    assert found.boot_item == (5, 1)


def test_it_reads_well_in_a_log() -> None:
    assert str(client(question())) == "x86-64 UEFI PXE"
    assert str(client(question(arch=16))) == "x86-64 UEFI HTTP"
    assert str(client(ipxe_question(arch=0))) == "iPXE 1.0.0 on x86 BIOS"
    assert str(client(ipxe_question(encapsulated=None))) == "iPXE on x86-64 UEFI"
    assert str(client(question(arch=42, options={60: b"PXEClient"}))) == "unknown architecture PXE"
    assert client(question()).mac == CARD
