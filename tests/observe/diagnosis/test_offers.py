"""Between our offer and the request that should come of it: what absence means, and how long it means nothing.

That each cause is found is in `test_table`.
"""

from __future__ import annotations

from netbootd.observe.diagnosis import times
from netbootd.observe.diagnosis.model import Cause
from netbootd.observe.events import ServerHeard
from tests.support.ailing import CARD, DHCP, SERVER, Ward

URL = f"http://{SERVER}:8080/firmware/snponly.efi"


def asks(ward: Ward, *pauses: float) -> None:
    """A DISCOVER, and one more after each pause."""
    ward.discovers()
    for pause in pauses:
        ward.wait(pause)
        ward.discovers()


def test_one_lost_packet_and_a_slow_dhcp_server_are_no_trouble() -> None:
    ward = Ward()
    asks(ward, 4.0)
    ward.wait(10.0)
    assert ward.causes() == []


def test_firmware_s_fourth_question_is_when_it_has_let_both_answers_go_by() -> None:
    """EDK2 asks at 0, 4, 12 and 28 seconds."""
    ward = Ward()
    asks(ward, 4.0, 8.0, 16.0)
    assert ward.causes() == []
    ward.wait(times.IGNORED - 28.0)
    assert ward.causes() == [Cause.NO_ADDRESS]


def test_a_dhcp_server_heard_in_an_earlier_boot_offers_this_one_nothing() -> None:
    """It may be gone, or have no address left: it is named as evidence, and no answer of it is lost."""
    ward = Ward()
    ward.say(ServerHeard(mac=str(CARD), server=DHCP, kind="dhcp", ip="10.99.0.77"))
    ward.wait(1.0)
    asks(ward, 4.0, 8.0, 16.0)
    ward.wait(2.0)
    told = ward.one()
    assert told.cause is Cause.NO_ADDRESS
    assert any(f"DHCP servers heard: {DHCP}" in line for line in told.evidence)


def test_one_that_begins_anew_with_an_address_in_hand_has_ignored_us() -> None:
    """However short the silence since its last question is."""
    ward = Ward()
    ward.discovers()
    ward.chooses()
    ward.wait(times.IGNORED - 2.0)
    ward.discovers()
    ward.wait(2.0)
    assert ward.causes() == [Cause.OFFER_IGNORED]


def test_a_url_that_is_fetched_at_last_was_no_trouble() -> None:
    ward = Ward()
    ward.discovers("x86-64 UEFI HTTP", URL)
    ward.wait(12.0)
    ward.discovers("x86-64 UEFI HTTP", URL)
    ward.wait(12.0)
    ward.gets("firmware/snponly.efi")
    ward.wait(10.0)
    assert ward.causes() == []


def test_the_dhcp_server_it_took_its_address_from_is_the_one_to_change() -> None:
    """Of several; and what to write there is made for its firmware."""
    ward = Ward()
    ward.discovers()
    ward.say(ServerHeard(mac=str(CARD), server="10.99.0.3", kind="dhcp", ip="10.99.0.78"))
    ward.chooses("10.99.0.4")
    ward.wait(31.0)
    told = ward.one()
    assert told.cause is Cause.OFFER_IGNORED
    assert "took an address from 10.99.0.4" in told.sentence
    assert "have the DHCP server 10.99.0.4 say it" in told.advice
    assert f"{SERVER}" in told.advice
    assert "snponly.efi" in told.advice
