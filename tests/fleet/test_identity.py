"""Which record is this machine?  The board outlives its cards, and what is not known is not guessed."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.facts import Facts
from netbootd.fleet.identity import (
    SHARED_SERIALS,
    SHARED_UUIDS,
    Conflict,
    Match,
    Shared,
    Stranger,
    board,
    contradicted,
    own_serial,
    own_uuid,
    usable,
    which,
)
from netbootd.fleet.record import Record
from netbootd.wire.mac import Mac

CARD, NEW_CARD = Mac.parse("52:54:00:12:34:56"), Mac.parse("52:54:00:12:34:57")
UUID_1, UUID_2 = UUID("4c4c4544-0042-3510-8052-b3c04f4b4e32"), UUID("4c4c4544-0042-3510-8052-b3c04f4b4e33")
FIRST = Record("first", (CARD,), UUID_1, "7XK2B32")
SECOND = Record("second", (NEW_CARD,), UUID_2, "7XK2B33")


def told(mac: Mac | None = CARD, uuid: UUID | None = None, serial: str | None = None) -> Facts:
    return Facts(mac=mac, uuid=uuid, serial=serial)


def identified(facts: Facts, *records: Record) -> Match | Stranger | Conflict:
    """Among these, found as a table of records would find them."""
    shown = board(facts)
    by_card = [record for record in records if facts.mac in record.macs]
    return which(facts, by_card, [record for record in records if shown and board(record) == shown])


def test_a_machine_is_known_by_its_card_before_it_says_more() -> None:
    assert identified(told(), FIRST, SECOND) == Match("first", by_board=False)


def test_a_machine_with_a_new_card_is_known_by_its_board() -> None:
    assert identified(told(Mac.parse("52:54:00:00:00:99"), UUID_1, "7XK2B32"), FIRST, SECOND) == Match("first", True)


def test_two_machines_that_swapped_their_cards_are_known_by_their_boards() -> None:
    assert identified(told(CARD, UUID_2, "7XK2B33"), FIRST, SECOND) == Match("second", by_board=True)


def test_a_card_moved_into_a_machine_never_seen_makes_it_a_stranger() -> None:
    """And it is told whose card that is."""
    assert identified(told(CARD, UUID_2, "OTHER"), FIRST) == Stranger(("first",))


@pytest.mark.parametrize(("uuid", "serial"), [(UUID_2, "7XK2B32"), (UUID_1, "AFTER-REPAIR")])
def test_a_machine_whose_board_was_repaired_is_still_the_one_with_its_card(uuid: UUID, serial: str) -> None:
    assert identified(told(CARD, uuid, serial), FIRST) == Match("first", by_board=False)


@pytest.mark.parametrize(("uuid", "serial"), [(UUID_1, None), (None, "7XK2B32")])
def test_half_a_board_with_another_card_is_nobody_known(uuid: UUID | None, serial: str | None) -> None:
    assert identified(told(NEW_CARD, uuid, serial), FIRST) == Stranger()


def test_boards_that_share_a_placeholder_uuid_are_never_one_machine() -> None:
    one = Record("one", (CARD,), UUID("03000200-0400-0500-0006-000700080009"), "A1")
    assert identified(told(NEW_CARD, one.uuid, "A1"), one) == Stranger()


def test_two_records_with_one_board_are_a_conflict_unless_the_card_decides() -> None:
    twin = Record("twin", (NEW_CARD,), UUID_1, "7XK2B32")
    elsewhere = told(Mac.parse("52:54:00:00:00:99"), UUID_1, "7XK2B32")
    assert identified(elsewhere, FIRST, twin) == Conflict(
        f"the board {UUID_1} with the serial number 7XK2B32", ("first", "twin")
    )
    assert identified(told(NEW_CARD, UUID_1, "7XK2B32"), FIRST, twin) == Match("twin", by_board=True)


def test_two_records_with_one_card_are_a_conflict_until_the_machine_says_more() -> None:
    thief = Record("thief", (CARD,), UUID_2, "7XK2B33")
    assert identified(told(), FIRST, thief) == Conflict(f"the card {CARD}", ("first", "thief"))
    assert identified(told(CARD, UUID_1), FIRST, thief) == Match("first", by_board=False)


def test_a_uuid_is_the_same_in_either_order_of_octets() -> None:
    """Before SMBIOS 2.6 it was told big-endian, and firmware mixes both."""
    turned = UUID(bytes=UUID_1.bytes_le)
    assert own_uuid(turned) == own_uuid(UUID_1)
    assert identified(told(NEW_CARD, turned, "7xk2b32"), FIRST) == Match("first", by_board=True)


@pytest.mark.parametrize("shared", SHARED_UUIDS, ids=lambda each: str(each.uuid))
def test_uuids_that_boards_share_name_none_and_have_a_source(shared: Shared) -> None:
    assert own_uuid(shared.uuid) is None
    assert own_uuid(UUID(bytes=shared.uuid.bytes_le)) is None
    assert shared.source


@pytest.mark.parametrize("octet", [0x00, 0x01, 0xFE, 0xFF])
def test_one_octet_sixteen_times_is_no_uuid(octet: int) -> None:
    assert own_uuid(UUID(bytes=bytes([octet] * 16))) is None


@pytest.mark.parametrize(
    "serial",
    [
        *sorted(SHARED_SERIALS),
        "Default_String",
        "SN-1234567890",
        "SYS-1234567890",
        "Serial Number xxxxxx",
        "0000000000",
        "1",
        "12345",
        "0123456789",
        "123456789000",
        "XXXXXXXXXXX",
        "----",
        "  ",
        "",
    ],
)
def test_serial_numbers_that_many_boards_have_name_none(serial: str) -> None:
    assert own_serial(serial) is None


@pytest.mark.parametrize("serial", ["7XK2B32", "CZ12345678", "S1234567", "9876", "0012"])
def test_short_and_regular_serial_numbers_are_still_serial_numbers(serial: str) -> None:
    assert own_serial(serial) == serial.lower()


@pytest.mark.parametrize("mac", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"])
def test_addresses_no_card_can_have(mac: str) -> None:
    assert not usable(Mac.parse(mac))
    assert usable(CARD)


FACTS = st.builds(
    told,
    st.sampled_from([CARD, NEW_CARD, None]),
    st.sampled_from([None, UUID_1, UUID_2, UUID(int=0), SHARED_UUIDS[0].uuid]),
    st.sampled_from([None, "A1", "B2", "empty"]),
)
RECORDS = st.lists(
    st.builds(lambda facts: Record("", (facts.mac,) if facts.mac else (), facts.uuid, facts.serial), FACTS),
    max_size=5,
).map(lambda found: [Record(str(n), r.macs, r.uuid, r.serial) for n, r in enumerate(found)])


@given(FACTS, RECORDS)
def test_whoever_is_matched_shares_a_board_or_an_uncontradicted_card(facts: Facts, records: list[Record]) -> None:
    """And a stranger shares neither: no machine is ever taken for another for less than that."""
    found = identified(facts, *records)
    shown = board(facts)
    same = {r.id for r in records if shown and board(r) == shown}
    fits = {r.id for r in records if facts.mac in r.macs and not contradicted(r, facts)}
    match found:
        case Match(id, by_board):
            assert id in (same if by_board else fits)
        case Conflict(_, ids):
            assert len(ids) > 1
            assert set(ids) <= (same or fits)
        case Stranger():
            assert not same | fits


@given(FACTS, RECORDS)
def test_the_order_of_the_records_decides_nothing(facts: Facts, records: list[Record]) -> None:
    one, other = identified(facts, *records), identified(facts, *reversed(records))
    match one, other:
        case Conflict(what, ids), Conflict(other_what, other_ids):
            assert (what, set(ids)) == (other_what, set(other_ids))
        case Stranger(ids), Stranger(other_ids):
            assert set(ids) == set(other_ids)
        case _:
            assert one == other
