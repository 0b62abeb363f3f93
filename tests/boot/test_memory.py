"""Which way of answering works for whom: default, then the other one, then what has worked for the make."""

from __future__ import annotations

import pytest

from netbootd.boot.identify import Client, identify
from netbootd.boot.memory import Memory, Style, default_style
from netbootd.wire.dhcp import Packet
from netbootd.wire.mac import Mac
from tests.support.worlds import ipxe_question, on_67, question

BINL, BYPASS, DIRECT = Style.BINL, Style.BYPASS, Style.DIRECT


def client(packet: Packet) -> Client:
    found = identify(packet, on_67())
    assert isinstance(found, Client)
    return found


UEFI = client(question(arch=7))
BIOS = client(question(arch=0))
IPXE = client(ipxe_question())
HTTP = client(question(arch=16))


def card(number: int, arch: int = 7, undi: str = "003000") -> Client:
    """Another card of the same vendor."""
    octets = bytes.fromhex("525400") + number.to_bytes(3, "big")
    return client(question(arch=arch, chaddr=octets, options={60: f"PXEClient:Arch:{arch:05}:UNDI:{undi}".encode()}))


class Conversation:
    """One memory, and the style each DISCOVER is answered with."""

    def __init__(self, limit: int = 4096) -> None:
        self.memory = Memory(limit)

    def discover(self, who: Client, now: float) -> Style:
        style = self.memory.style(who, now)
        self.memory.said(who, style, now)
        return style

    def goes_on(self, who: Client) -> None:
        self.memory.went_on(who)


@pytest.fixture
def talk() -> Conversation:
    return Conversation()


@pytest.mark.parametrize(("who", "style"), [(UEFI, BINL), (BIOS, BYPASS), (IPXE, DIRECT), (HTTP, DIRECT)])
def test_each_kind_has_its_default(talk: Conversation, who: Client, style: Style) -> None:
    assert talk.discover(who, 0) is style


def test_a_client_of_unknown_width_is_taken_for_uefi() -> None:
    assert default_style(client(question(arch=None, options={60: b"PXEClient"}))) is BINL


@pytest.mark.parametrize(("who", "first", "second"), [(UEFI, BINL, BYPASS), (BIOS, BYPASS, BINL)])
def test_who_asks_again_gets_the_other_style_and_then_the_first_again(
    talk: Conversation, who: Client, first: Style, second: Style
) -> None:
    """EDK2 asks after 4, 8, 16 and 32 seconds."""
    assert [talk.discover(who, at) for at in (0, 4, 12, 28)] == [first, second, first, second]


def test_the_same_discover_by_another_way_does_not_switch(talk: Conversation) -> None:
    """A relay and the wire, or two of our interfaces, bring it within a moment."""
    assert [talk.discover(UEFI, at) for at in (0, 0.001, 0.5, 0.99)] == [BINL] * 4


def test_duplicates_do_not_put_the_retry_off(talk: Conversation) -> None:
    assert [talk.discover(UEFI, at) for at in (0, 0.6, 1.2)] == [BINL, BINL, BYPASS]


def test_one_second_is_a_retry(talk: Conversation) -> None:
    assert [talk.discover(UEFI, at) for at in (0, 1.0)] == [BINL, BYPASS]


def test_looking_does_not_change_what_comes_next(talk: Conversation) -> None:
    talk.discover(UEFI, 0)

    assert {talk.memory.style(UEFI, 4) for _ in range(3)} == {BYPASS}


@pytest.mark.parametrize("who", [IPXE, HTTP])
def test_ipxe_and_http_boot_need_no_style_however_often_they_ask(talk: Conversation, who: Client) -> None:
    assert {talk.discover(who, at) for at in (0, 4, 12)} == {DIRECT}


def test_what_worked_is_remembered_for_the_make(talk: Conversation) -> None:
    """The second machine of a rack boots at first try."""
    talk.discover(card(1), 0)
    talk.discover(card(1), 4)
    talk.goes_on(card(1))

    assert talk.discover(card(2), 5) is BYPASS


@pytest.mark.parametrize(
    "other", [card(2, undi="003016"), card(2, arch=11), client(question(chaddr=bytes.fromhex("001122000001")))]
)
def test_another_make_learns_by_itself(talk: Conversation, other: Client) -> None:
    talk.discover(card(1), 0)
    talk.discover(card(1), 4)
    talk.goes_on(card(1))

    assert talk.discover(other, 5) is BINL


def test_who_went_on_is_not_asking_again_when_it_reboots(talk: Conversation) -> None:
    talk.discover(UEFI, 0)
    talk.goes_on(UEFI)

    assert talk.discover(UEFI, 30) is BINL


def test_an_answer_to_its_ipxe_does_not_decide_how_the_firmware_is_answered(talk: Conversation) -> None:
    """ROM, then its iPXE, then a reboot within two minutes: option 43 must be there again."""
    ipxe = client(ipxe_question(arch=0))
    talk.discover(BIOS, 0)
    talk.goes_on(ipxe)
    talk.discover(ipxe, 2)

    assert talk.discover(BIOS, 30) is BYPASS


def test_going_on_without_having_been_answered_teaches_nothing(talk: Conversation) -> None:
    talk.goes_on(UEFI)

    assert talk.discover(UEFI, 0) is BINL


def test_a_make_can_change_its_mind(talk: Conversation) -> None:
    """A firmware update keeps the class and takes the other style."""
    talk.discover(card(1), 0)
    talk.discover(card(1), 4)
    talk.goes_on(card(1))
    assert [talk.discover(card(2), at) for at in (10, 14)] == [BYPASS, BINL]
    talk.goes_on(card(2))

    assert talk.discover(card(3), 20) is BINL


def test_an_unanswered_offer_is_forgotten_after_two_minutes(talk: Conversation) -> None:
    """By then it is another boot and not a retry."""
    talk.discover(UEFI, 0)

    assert talk.memory.style(UEFI, 120) is BYPASS
    assert talk.memory.style(UEFI, 120.1) is BINL


def test_the_tables_are_bounded_and_the_oldest_goes_first() -> None:
    talk = Conversation(limit=3)
    for number in range(4):
        talk.discover(card(number), number)

    assert talk.memory.style(card(0), 5) is BINL, "forgotten"
    assert talk.memory.style(card(1), 5) is BYPASS, "still known: it asks again"


def test_asking_again_keeps_a_client_in_the_table() -> None:
    talk = Conversation(limit=2)
    talk.discover(card(0), 0)
    talk.discover(card(1), 1)
    talk.discover(card(0), 2)
    talk.discover(card(2), 3)

    assert talk.memory.style(card(0), 5) is BINL, "still known: the third try"
    assert talk.memory.style(card(1), 5) is BINL, "forgotten"


def test_makes_are_bounded_too() -> None:
    talk = Conversation(limit=2)
    for number in range(3):
        who = card(1, undi=f"00300{number}")
        talk.discover(who, 0 + 10 * number)
        talk.discover(who, 4 + 10 * number)
        talk.goes_on(who)

    assert [default_style(card(9)), talk.discover(card(9, undi="003000"), 99)] == [BINL, BINL]
    assert talk.discover(card(8, undi="003002"), 99) is BYPASS


def test_styles_have_their_other() -> None:
    assert (BINL.other, BYPASS.other, DIRECT.other) == (BYPASS, BINL, DIRECT)
    assert Mac.parse("52:54:00:00:00:01").oui == card(1).mac.oui
