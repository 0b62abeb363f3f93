"""The table of machines: everybody who shows up, no matter how many, and never at the cost of one somebody needs."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.boot.facts import Facts
from netbootd.fleet.identity import Conflict, Match
from netbootd.fleet.record import Approval, DropRecord, PutRecord, Record, RecordChange
from netbootd.fleet.records import STEP, NoRoom, Records, Taken
from netbootd.fleet.sightings import touched
from netbootd.wire.mac import Mac

A, B, C = (Mac.parse(f"52:54:00:00:00:0{n}") for n in (1, 2, 3))
UUIDS = (UUID("4c4c4544-0042-3510-8052-b3c04f4b4e32"), UUID("4c4c4544-0042-3510-8052-b3c04f4b4e33"))
BOARD: dict[str, Any] = {"uuid": UUIDS[0], "serial": "7XK2B32"}
OTHER_BOARD: dict[str, Any] = {"uuid": UUIDS[1], "serial": "7XK2B33"}


def table(*known: Record, **more: Any) -> Records:
    numbers = count(1)
    return Records(known, new_id=lambda: f"made-{next(numbers)}", **more)


def mac(number: int) -> Mac:
    return Mac(b"\x52\x54\x01" + number.to_bytes(3, "big"))


def only(records: Records) -> Record:
    (record,) = records.all()
    return record


def test_a_machine_that_shows_up_has_a_record_and_what_it_says_is_added_to_it() -> None:
    records = table()
    assert records.saw(Facts(mac=A), "", 10.0) == (
        PutRecord(Record("mac-525400000001", (A,), first_seen=10.0, last_seen=10.0)),
    )
    said = Facts(mac=A, **BOARD, product="R640", buildarch="x86_64", platform="efi", version="1.21.1")
    (change,) = records.saw(said, "192.0.2.7", 12.0)
    assert change == PutRecord(only(records))
    record = only(records)
    assert (record.serial, record.product, record.arch, record.ipxe) == ("7XK2B32", "R640", "x86_64", "1.21.1")
    assert (record.addresses, record.first_seen, record.last_seen) == (("192.0.2.7",), 10.0, 12.0)


def test_a_card_nobody_has_seems_to_be_of_the_one_machine_with_its_uuid() -> None:
    records = table()
    records.saw(Facts(mac=A, **BOARD), "", 1.0)
    uuid, id = BOARD["uuid"], only(records).id
    turned = UUID(bytes=uuid.bytes_le)
    assert records.seems(B, uuid) == records.seems(B, turned) == id
    assert records.seems(A, uuid) == "", "its card is on record"
    assert records.seems(B, UUIDS[1]) == records.seems(B, None) == records.seems(B, UUID(int=0)) == ""
    records.saw(Facts(mac=C, uuid=uuid, serial="another"), "", 2.0)
    assert records.seems(B, uuid) == "", "two boards say so"
    records.forget(records.owner(C))
    assert records.seems(B, uuid) == id
    records.forget(id)
    assert records.seems(B, uuid) == ""


def test_a_card_that_is_known_by_itself_alone_may_seem_to_be_of_a_machine_too() -> None:
    """It asked before the machine's other card told the board."""
    records = table()
    records.saw(Facts(mac=B), "", 1.0)
    assert records.seems(B, BOARD["uuid"]) == ""
    records.saw(Facts(mac=A, **BOARD), "", 2.0)
    assert records.seems(B, BOARD["uuid"]) == records.owner(A)
    records.change(replace(records.of_card(B)[0], name="somebody's"))
    assert records.seems(B, BOARD["uuid"]) == "", "somebody has named it"


def test_two_daemons_that_see_one_packet_make_one_record_of_it() -> None:
    one, other = table(), table()
    assert one.saw(Facts(mac=A), "", 1.0) == other.saw(Facts(mac=A), "", 1.0)


def test_not_every_packet_is_a_write() -> None:
    """When it was last seen is exact to a minute."""
    records = table()
    records.saw(Facts(mac=A), "192.0.2.7", 0.0)
    assert records.saw(Facts(mac=A), "192.0.2.7", STEP - 1) == ()
    assert len(records.saw(Facts(mac=A), "192.0.2.7", STEP)) == 1
    assert only(records).last_seen == STEP


def test_addresses_are_kept_the_latest_first_and_so_many() -> None:
    records = table()
    for last in (*range(1, 20), 15):
        records.saw(Facts(mac=A), f"192.0.2.{last}", float(last))
    assert only(records).addresses[:3] == ("192.0.2.15", "192.0.2.19", "192.0.2.18")
    assert len(only(records).addresses) == 8


def test_a_machine_keeps_its_record_when_its_card_is_swapped() -> None:
    records = table()
    records.saw(Facts(mac=A, **BOARD), "", 1.0)
    records.saw(Facts(mac=B, **BOARD), "", 2.0)
    assert only(records).macs == (A, B)
    assert records.identify(Facts(mac=B)) == Match(only(records).id, by_board=False)


def test_a_card_met_before_its_machine_said_who_it_is_becomes_part_of_its_record() -> None:
    """Its second card asks for an address, which names no board, and then its iPXE does."""
    records = table()
    records.saw(Facts(mac=A, **BOARD), "", 1.0)
    records.saw(Facts(mac=B), "", 2.0)
    assert len(records.all()) == 2
    changes = records.saw(Facts(mac=B, **BOARD), "", 3.0)
    assert changes[0] == DropRecord("mac-525400000002")
    assert only(records).macs == (A, B)


def test_cards_that_a_file_says_are_of_one_machine_have_one_record() -> None:
    """Before its iPXE has said which board it is."""
    records = table(family=lambda mac: (A, B) if mac in (A, B) else (mac,))
    records.saw(Facts(mac=A), "", 1.0)
    records.saw(Facts(mac=B), "", 2.0)
    assert only(records).macs == (A, B)
    assert records.owner(B) == records.owner(A) == "mac-525400000001"
    assert records.owner(C) == ""


def test_one_adapter_that_installs_many_laptops_makes_a_record_of_each() -> None:
    records = table()
    for number in range(1, 4):
        records.saw(Facts(mac=A, uuid=UUID(int=number << 64 | 0x1234), serial=f"LAPTOP{number}"), "", float(number))
    assert [record.serial for record in records.all()] == ["LAPTOP1", "LAPTOP2", "LAPTOP3"]
    assert records.conflicts() == (Conflict(f"the card {A}", tuple(record.id for record in records.all())),)
    assert isinstance(records.identify(Facts(mac=A)), Conflict), "the card alone says nothing any more"
    records.saw(Facts(mac=A), "192.0.2.9", 9.0)
    assert not any(record.addresses for record in records.all())


def test_a_card_in_another_board_does_not_take_the_record_somebody_named() -> None:
    named = Record("1", (A,), **BOARD, name="node-1")
    records = table(named)
    records.saw(Facts(mac=A, **OTHER_BOARD), "", 2.0)
    assert records.get("1") == named
    assert len(records.conflicts()) == 1


def test_whoever_shows_the_card_of_a_named_machine_does_not_take_its_record_from_it() -> None:
    """It is shown as a conflict, and the card alone still means the machine that somebody named."""
    records = table(Record("1", (A,), **BOARD, name="node-1"))
    records.saw(Facts(mac=A, **OTHER_BOARD), "", 2.0)
    assert records.identify(Facts(mac=A)) == Match("1", by_board=False)
    assert records.owner(A) == "1"
    assert len(records.conflicts()) == 1


def test_a_virtual_machine_made_anew_with_its_card_keeps_the_record_nobody_touched() -> None:
    """It has a uuid each time, and no serial number."""
    records = table()
    records.saw(Facts(mac=A, uuid=UUIDS[0]), "", 1.0)
    records.saw(Facts(mac=A, uuid=UUIDS[1]), "", 2.0)
    assert only(records).uuid == UUIDS[1]


def test_no_record_is_made_of_an_address_no_card_can_have() -> None:
    records = table()
    assert records.saw(Facts(mac=Mac(b"\xff" * 6)), "", 1.0) == ()
    assert records.saw(Facts(), "", 1.0) == ()
    assert records.all() == ()


def test_a_machine_made_before_it_is_powered_on_is_the_one_that_shows_up() -> None:
    records = table()
    records.create(Record("", (A,), name="node-1", origin="admin"))
    records.saw(Facts(mac=A, **BOARD), "192.0.2.7", 5.0)
    assert (only(records).name, only(records).serial, only(records).first_seen) == ("node-1", "7XK2B32", 5.0)


def test_a_machine_made_by_its_board_alone_gets_its_card_when_it_shows_up() -> None:
    records = table()
    records.create(Record("", (), **BOARD, name="node-1", origin="admin"))
    records.saw(Facts(mac=A, **BOARD), "", 5.0)
    assert only(records).macs == (A,)


def test_making_a_machine_that_was_seen_takes_over_what_is_known_of_it() -> None:
    records = table()
    records.saw(Facts(mac=A, **BOARD), "192.0.2.7", 5.0)
    changes = records.create(Record("", (A,), name="node-1", origin="admin"))
    assert changes == (DropRecord("mac-525400000001"), PutRecord(only(records)))
    assert (only(records).serial, only(records).first_seen, only(records).id) == ("7XK2B32", 5.0, "made-1")


def test_making_a_machine_by_an_adapter_that_several_have_shown_is_refused() -> None:
    """Which of them is meant is not guessed; by its board as well it is clear."""
    records = table()
    records.saw(Facts(mac=A, **BOARD), "", 1.0)
    records.saw(Facts(mac=A, **OTHER_BOARD), "", 2.0)
    with pytest.raises(Taken, match="the card"):
        records.create(Record("", (A,), name="node-1", origin="admin"))
    records.create(Record("", (), **OTHER_BOARD, name="node-1", origin="admin"))
    assert {record.serial: record.name for record in records.all()} == {"7XK2B32": None, "7XK2B33": "node-1"}


def test_a_record_another_daemon_made_of_a_packet_conflicts_with_none_somebody_made() -> None:
    records = table()
    records.create(Record("", (A,), name="node-1", origin="admin"))
    records.learn(Record("mac-525400000001", (A,), first_seen=1.0, last_seen=1.0))
    assert records.identify(Facts(mac=A)) == Match("made-1", by_board=False)
    assert DropRecord("mac-525400000001") in records.saw(Facts(mac=A), "", 2.0)
    assert only(records).name == "node-1"


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        (Record("", (A,), name="node-2"), "the card 52:54:00:00:00:01 of node-2 already belongs to node-1"),
        (Record("", (B,), name="NODE-1"), f"the name NODE-1 of NODE-1 ({B}) already belongs to node-1 ({A})"),
        (
            Record("", (B,), soft_serial="edge-0001"),
            f"the soft serial edge-0001 of {B} already belongs to node-1 ({A})",
        ),
        (Record("", (B,), UUIDS[0], "7xk2b32", name="node-2"), f"of node-2 ({B}) already belongs to node-1 ({A})"),
    ],
)
def test_what_belongs_to_one_machine_is_refused_to_another_and_both_are_named(draft: Record, said: str) -> None:
    records = table(Record("1", (A,), **BOARD, name="node-1", soft_serial="EDGE-0001"))
    with pytest.raises(Taken, match=re.escape(said)) as refused:
        records.create(draft)
    assert refused.value.owner == "1"
    records.create(Record("", (C,), name="node-3"))
    with pytest.raises(Taken, match=re.escape(said)):
        records.change(replace(draft, id="made-2"))
    assert len(records.all()) == 2


def test_a_change_is_told_once_and_to_forget_is_for_good() -> None:
    records = table(Record("1", (A,)))
    approved = Record("1", (A,), approved=Approval("admin", 1.0))
    assert records.change(approved) == (PutRecord(approved),)
    assert records.change(approved) == ()
    assert records.forget("1") == (DropRecord("1"),)
    assert records.forget("1") == ()
    assert records.of_card(A) == ()
    with pytest.raises(KeyError):
        records.change(approved)


def test_a_conflict_that_stood_before_does_not_stand_in_the_way_of_another_change() -> None:
    one, other = Record("1", (A, B), name="node-1"), Record("2", (A, C), name="node-2")
    records = table(one, other)
    assert records.change(replace(one, name="node-7"))
    assert records.change(replace(other, macs=(C,)))
    assert records.conflicts() == ()


def test_a_flood_of_made_up_cards_takes_the_place_of_nobody_who_said_more() -> None:
    records = table(room=10)
    records.saw(Facts(mac=A, **BOARD), "", 1.0)
    for number in range(100):
        records.saw(Facts(mac=mac(number)), "", 2.0)
    assert len(records.all()) == 10
    assert records.of_card(A)
    assert records.dropped == 91
    assert records.of_card(mac(99)), "the latest is there, the first is gone"
    assert not records.of_card(mac(0))


def test_what_is_dropped_is_dropped_from_the_disk() -> None:
    records = table(room=1)
    records.saw(Facts(mac=A), "", 1.0)
    assert records.saw(Facts(mac=B), "", 2.0)[0] == DropRecord("mac-525400000001")


def test_where_everybody_must_stay_a_newcomer_is_not_kept_but_counted() -> None:
    records = table(*(Record(str(n), (mac(n),), name=f"node-{n}") for n in range(3)), room=3)
    assert records.saw(Facts(mac=A), "", 1.0) == ()
    assert records.dropped == 1
    with pytest.raises(NoRoom):
        records.create(Record("", (A,), name="one-more"))


def test_a_machine_that_is_armed_or_listed_stays_without_anybody_having_named_it() -> None:
    records = table(room=2, kept=lambda record: A in record.macs)
    records.saw(Facts(mac=A), "", 1.0)
    for number in range(20):
        records.saw(Facts(mac=mac(number)), "", 2.0)
    assert records.of_card(A)


def test_a_machine_is_known_once_somebody_did_something_about_it() -> None:
    records = table(kept=lambda record: C in record.macs)
    for card in (A, C):
        records.saw(Facts(mac=card), "", 1.0)
    records.create(Record("", (B,), name="node-1"))
    assert [records.known(card) for card in (A, B, C)] == [False, True, True]


def test_strangers_are_forgotten_when_nobody_saw_them_for_long() -> None:
    records = table(kept=lambda record: C in record.macs)
    for at, card in ((1.0, A), (1.0, C), (9.0, B)):
        records.saw(Facts(mac=card), "", at)
    records.create(Record("", (mac(7),), name="node-1"))
    assert records.prune(5.0) == (DropRecord("mac-525400000001"),)
    assert not records.of_card(A)
    assert len(records.all()) == 3
    assert records.prune(5.0) == ()


def test_one_machine_cannot_fill_its_record_with_cards() -> None:
    records = table()
    for number in range(50):
        records.saw(Facts(mac=mac(number), **BOARD), "", 1.0)
    assert len(only(records).macs) == 16


BOARDS = st.sampled_from([{}, BOARD, OTHER_BOARD, {"uuid": UUIDS[0]}, {"serial": "7XK2B33"}])
SIGHTS = st.builds(lambda mac, shown: Facts(mac=mac, **shown), st.sampled_from([A, B, C]), BOARDS)
MADE = st.builds(
    lambda macs, shown, name: Record("", tuple(macs), **shown, name=name, origin="admin"),
    st.lists(st.sampled_from([A, B, C]), max_size=2, unique=True),
    BOARDS,
    st.sampled_from(["node-1", "node-2"]),
)
ACTS = st.lists(st.one_of(SIGHTS, MADE, st.integers(0, 5)), max_size=30)


@settings(max_examples=150, deadline=None)
@given(ACTS)
def test_whatever_happens_the_disk_follows_and_nobody_loses_what_was_set_by_hand(
    acts: list[Facts | Record | int],
) -> None:
    """Applying each change in its order gives the table again; a sighting takes nothing from a named machine."""
    records, disk = table(room=4), dict[str, Record]()
    for now, act in enumerate(acts):
        named = {r.id: (r.name, r.macs) for r in records.all() if touched(r)}
        changes = _done(records, act, float(now))
        for change in changes:
            match change:
                case PutRecord(record):
                    disk[record.id] = record
                case DropRecord(id):
                    del disk[id]
        assert disk == {record.id: record for record in records.all()}
        assert len(disk) <= 4
        if isinstance(act, Facts):
            assert all(disk[id].name == name and set(macs) <= set(disk[id].macs) for id, (name, macs) in named.items())
    again = table(*disk.values(), room=4)
    assert {(each.what, frozenset(each.ids)) for each in again.conflicts()} == {
        (each.what, frozenset(each.ids)) for each in records.conflicts()
    }
    for record in records.all():
        assert all(record in records.of_card(mac) for mac in record.macs)


def _done(records: Records, act: Facts | Record | int, now: float) -> tuple[RecordChange, ...]:
    match act:
        case Facts():
            return records.saw(act, "", now)
        case Record():
            try:
                return records.create(act)
            except (Taken, NoRoom):
                return ()
        case number:
            ids = [record.id for record in records.all()]
            return records.forget(ids[number]) if number < len(ids) else ()
