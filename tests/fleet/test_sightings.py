"""What becomes of a record when its machine shows up, and when two are found to be one."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from netbootd.boot.facts import Facts
from netbootd.fleet.record import Approval, Record
from netbootd.fleet.sightings import called, in_full, joined, mark_name, marks, seen, touched
from netbootd.wire.mac import Mac

A, B = Mac.parse("52:54:00:00:00:01"), Mac.parse("52:54:00:00:00:02")
RECORD = Record("1", (A,), serial="OLD", first_seen=5.0, last_seen=7.0)


def test_what_a_machine_says_now_counts_and_what_it_leaves_out_stays() -> None:
    record = seen(RECORD, Facts(mac=A, product="R640"), "", 9.0)
    assert (record.serial, record.product) == ("OLD", "R640")
    assert seen(record, Facts(mac=A, serial="NEW"), "", 9.0).serial == "NEW"


def test_it_was_first_seen_once_and_a_clock_set_back_takes_nothing_away() -> None:
    record = seen(RECORD, Facts(mac=A), "", 3.0)
    assert (record.first_seen, record.last_seen) == (5.0, 7.0)


def test_of_two_records_the_first_wins_and_their_times_are_joined() -> None:
    record = joined(RECORD, Record("2", (B,), serial="OTHER", asset="42", first_seen=1.0, last_seen=9.0))
    assert record == replace(RECORD, macs=(A, B), asset="42", first_seen=1.0, last_seen=9.0)


def test_a_record_is_touched_once_a_person_did_something_about_it() -> None:
    assert not touched(RECORD)
    assert touched(replace(RECORD, approved=Approval("admin", 1.0)))
    assert touched(replace(RECORD, origin="admin"))


def test_a_machine_is_called_by_its_name_or_its_card() -> None:
    assert called(replace(RECORD, name="node-1")) == "node-1"
    assert called(RECORD) == str(A)
    assert called(Record("7")) == "record 7"


def test_in_full_it_is_its_name_and_what_tells_it_from_others() -> None:
    uuid = UUID("4c4c4544-0042-3510-8052-b3c04f4b4e32")
    assert in_full(Record("1", (A,), uuid, name="node-1")) == f"node-1 ({A})"
    assert in_full(Record("1", (), uuid, name="node-1")) == f"node-1 ({uuid})"
    assert in_full(Record("1", (A,))) == str(A)
    assert in_full(Record("1", ())) == "record 1"


def test_what_belongs_to_one_machine_alone_is_compared_without_case_and_said_in_its_own_words() -> None:
    uuid = UUID("4c4c4544-0042-3510-8052-b3c04f4b4e32")
    one = replace(RECORD, uuid=uuid, serial="7XK2B32", soft_serial="X1", name="Node")
    same = replace(one, serial="7xk2b32", soft_serial="x1", name="NODE")
    assert marks(one) == marks(same)
    assert [mark_name(mark, one) for mark in marks(one)] == [
        f"the card {A}",
        f"the board {uuid} with the serial number 7XK2B32",
        "the name Node",
        "the soft serial X1",
    ]
    assert marks(Record("2")) == ()
