"""What becomes of a record when its machine shows up, and when two are found to be one."""

from __future__ import annotations

from dataclasses import replace

from netbootd.boot.facts import Facts
from netbootd.fleet.record import Approval, Record
from netbootd.fleet.sightings import called, claimed, joined, seen, touched
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


def test_what_two_records_both_claim_is_said_in_words() -> None:
    other = replace(RECORD, id="2", soft_serial="X1", name="Node")
    assert claimed(replace(RECORD, soft_serial="x1", name="node"), other) == {
        f"the card {A}",
        "the name node",
        "the soft serial x1",
    }
    assert claimed(RECORD, Record("2", (B,))) == set()
