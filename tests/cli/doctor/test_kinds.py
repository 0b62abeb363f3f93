"""The clients that are played, and how their answers are read."""

from __future__ import annotations

from dataclasses import replace

from netbootd.boot.rehearsal import rehearsed
from netbootd.cli.doctor.kinds import Cards, Heard, Kind, heard
from netbootd.wire import options, pxe
from netbootd.wire.dhcp import MessageType, Op, Packet, encode
from netbootd.wire.tlv import encode_options

OFFER = Packet(
    op=Op.REPLY,
    htype=1,
    hops=0,
    xid=7,
    secs=0,
    flags=0x8000,
    ciaddr=bytes(4),
    yiaddr=bytes((10, 99, 0, 100)),
    siaddr=bytes(4),
    giaddr=bytes(4),
    chaddr=b"\2\x6e\x62\0\0\1",
    sname=b"",
    file=b"",
    options=dict([options.MESSAGE_TYPE.pair(MessageType.OFFER), options.SERVER_ID.pair("10.99.0.1")]),
)


def read(packet: Packet) -> Heard | None:
    return heard(encode(packet), "10.99.0.9", {7: Kind.BIOS})


def test_kinds_that_want_different_answers_of_netbootd_ask_by_different_cards() -> None:
    """BIOS and UEFI by one card within a second would be one firmware that was not content."""
    cards = Cards.new()
    assert cards.of(Kind.BIOS) != cards.of(Kind.UEFI)
    assert cards.of(Kind.PLAIN) == cards.of(Kind.BIOS)


def test_the_cards_are_made_up_anew_and_known_for_a_rehearsal() -> None:
    one, other = Cards.new(), Cards.new()
    assert one != other
    assert rehearsed(str(one.one))


def test_a_lease_is_read() -> None:
    assert read(OFFER) == Heard(kind=Kind.BIOS, server="10.99.0.1", offered="10.99.0.100")


def test_a_boot_file_is_read_from_the_option_and_from_the_header() -> None:
    by_header = replace(OFFER, siaddr=bytes((10, 99, 0, 3)), file=b"pxelinux.0")
    said = [options.TFTP_SERVER_NAME.pair("10.99.0.4"), options.BOOTFILE.pair("other.0")]
    by_option = replace(OFFER, options={**OFFER.options, **dict(said)})
    assert (one := read(by_header))
    assert (one.file, one.next_server) == ("pxelinux.0", "10.99.0.3")
    assert (two := read(by_option))
    assert (two.file, two.next_server) == ("other.0", "10.99.0.4")


def test_a_server_that_does_not_name_itself_is_known_by_where_it_answers_from() -> None:
    nameless = {code: value for code, value in OFFER.options.items() if code != options.SERVER_ID.code}
    assert (said := read(replace(OFFER, options=nameless)))
    assert said.server == "10.99.0.9"


def test_the_word_to_ipxe_not_to_wait_for_proxies_is_seen() -> None:
    told = {options.IPXE_ENCAP.code: encode_options({pxe.IPXE_NO_PXEDHCP: b"\1"})}
    assert (said := read(replace(OFFER, options={**OFFER.options, **told})))
    assert said.no_proxy


def test_what_answers_no_question_of_ours_is_left_out() -> None:
    assert read(replace(OFFER, xid=8)) is None
    assert read(replace(OFFER, op=Op.REQUEST)) is None
    assert heard(b"\2" * 40, "10.99.0.9", {7: Kind.BIOS}) is None
