"""What waits to be written: the last of each, and nothing of what came and went."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from netbootd.fleet.behind import Behind
from netbootd.fleet.record import Attempt, DropAttempts, DropRecord, PutAttempt, PutRecord, Record, RecordChange
from netbootd.wire.mac import Mac

RECORD = Record("1", name="a")
BOOT = Attempt("b1", "1", Mac(b"\x52\x54\0\0\0\1"), 1.0, 1.0)


def test_of_many_changes_to_one_record_the_last_is_written() -> None:
    behind = Behind()
    behind.add([PutRecord(RECORD), PutRecord(replace(RECORD, name="b")), PutRecord(replace(RECORD, name="c"))])
    assert behind.take() == (PutRecord(replace(RECORD, name="c")),)
    assert behind.take() == ()


def test_what_came_and_went_between_two_turns_is_not_written_at_all() -> None:
    behind = Behind()
    behind.add([PutRecord(RECORD), PutAttempt(BOOT), DropAttempts(("b1",)), DropRecord("1")])
    assert len(behind) == 0


def test_what_is_on_disk_is_dropped_there_since_this_start_or_before() -> None:
    behind = Behind({"old": replace(RECORD, id="old")}, {"old boot": replace(BOOT, id="old boot")})
    behind.add([PutRecord(RECORD), PutAttempt(BOOT)])
    behind.take()
    behind.add([DropRecord("old"), DropRecord("1"), DropAttempts(("old boot", "b1"))])
    assert behind.take() == (DropRecord("old"), DropRecord("1"), DropAttempts(("b1", "old boot")))


def test_a_turn_is_so_long_and_records_go_before_the_boots_that_name_them() -> None:
    behind = Behind()
    behind.add([PutAttempt(BOOT), PutRecord(RECORD), PutRecord(replace(RECORD, id="2"))])
    assert behind.take(2) == (PutRecord(RECORD), PutRecord(replace(RECORD, id="2")))
    assert behind.take(2) == (PutAttempt(BOOT),)


CHANGES = st.one_of(
    st.builds(lambda id, name: PutRecord(Record(id, name=name)), st.sampled_from("123"), st.sampled_from("abc")),
    st.builds(DropRecord, st.sampled_from("123")),
    st.builds(lambda id, last: PutAttempt(replace(BOOT, id=id, last=last)), st.sampled_from("xyz"), st.floats(0, 9)),
    st.builds(lambda id: DropAttempts((id,)), st.sampled_from("xyz")),
)


@given(st.lists(st.tuples(CHANGES, st.booleans())))
def test_whenever_it_is_written_the_disk_ends_with_what_is(changes: list[tuple[RecordChange, bool]]) -> None:
    behind, real, disk = Behind(), dict[str, object](), dict[str, object]()
    for change, turn in changes:
        _apply(real, change)
        behind.add([change])
        if turn:
            for written in behind.take(2):
                _apply(disk, written)
    while len(behind):
        for written in behind.take(2):
            _apply(disk, written)
    assert disk == real


def _apply(held: dict[str, object], change: RecordChange) -> None:
    match change:
        case PutRecord(record):
            held[record.id] = record
        case PutAttempt(attempt):
            held[attempt.id] = attempt
        case DropRecord(id):
            held.pop(id, None)
        case DropAttempts(ids):
            for id in ids:
                held.pop(id, None)
