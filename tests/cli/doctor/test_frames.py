"""The questions that go out: what firmware says, and read by netbootd as what it is meant for."""

from __future__ import annotations

import pytest

from netbootd.boot.identify import Arrival, Client, identify
from netbootd.boot.silence import Reason, Silence
from netbootd.cli.doctor.frames import question
from netbootd.cli.doctor.kinds import Cards, Kind
from netbootd.wire import options
from netbootd.wire.dhcp import MessageType, Packet, decode

CARDS = Cards.new()


def asked(kind: Kind) -> Packet:
    return decode(bytes(question(kind, CARDS.of(kind), 7)))


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_a_question_is_a_discover_of_a_made_up_card_and_wants_its_answer_by_broadcast(kind: Kind) -> None:
    packet = asked(kind)
    assert (packet.message_type, packet.xid, packet.broadcast) == (MessageType.DISCOVER, 7, True)
    assert packet.chaddr == CARDS.of(kind).octets


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        (Kind.BIOS, "x86 BIOS PXE"),
        (Kind.UEFI, "x86-64 UEFI PXE"),
        (Kind.ARM64, "ARM64 UEFI PXE"),
        (Kind.HTTP, "x86-64 UEFI HTTP"),
        (Kind.IPXE, "iPXE 1.21.1 on x86-64 UEFI"),
    ],
)
def test_each_kind_is_taken_for_what_it_plays(kind: Kind, known: str) -> None:
    client = identify(asked(kind), Arrival(67, ("0.0.0.0", 68), "10.99.0.2"))
    assert isinstance(client, Client)
    assert str(client) == known


def test_a_plain_client_asks_nothing_of_netbootd() -> None:
    client = identify(asked(Kind.PLAIN), Arrival(67, ("0.0.0.0", 68), "10.99.0.2"))
    assert isinstance(client, Silence)
    assert client.reason is Reason.NOT_NETBOOT


def test_on_port_4011_it_names_the_server_it_asks_and_its_own_address() -> None:
    raw = question(Kind.UEFI, CARDS.two, 7, MessageType.REQUEST, ciaddr="10.99.0.9", server="10.99.0.2")
    packet = decode(bytes(raw))
    assert packet.message_type is MessageType.REQUEST
    assert packet.get(options.SERVER_ID) == "10.99.0.2"
    assert packet.ciaddr == bytes((10, 99, 0, 9))
    assert not packet.broadcast
