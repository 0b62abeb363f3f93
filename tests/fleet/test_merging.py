"""What two daemons made of one record, or of one boot, together."""

from __future__ import annotations

from dataclasses import fields, replace
from uuid import UUID

from netbootd.fleet.merging import Merge, merge, set_otherwise, united
from netbootd.fleet.record import Approval, Attempt, Ending, Outcome, Reached, Record, Signal, Step
from tests.support.worlds import CARD, OTHER_CARD

UUIDS = [UUID(int=0x11112222333344445555666677778888 + n) for n in range(2)]
BASE = Record("1", (CARD,), name="node-1", addresses=("192.0.2.1",), first_seen=1.0, last_seen=2.0)
BOOT = Attempt("b1", "1", CARD, 10.0, 12.0, Outcome.RUNNING, (Step(Reached.FIRMWARE, 10.0, last=12.0, times=2),))


def test_what_nobody_else_changed_is_as_it_was_asked_for() -> None:
    gone = replace(BASE, name=None, addresses=())
    assert merge(BASE, gone, BASE) == Merge(gone)


def test_what_each_saw_is_in_it() -> None:
    ours = replace(BASE, macs=(CARD, OTHER_CARD), addresses=("192.0.2.9", "192.0.2.1"), last_seen=9.0)
    theirs = replace(BASE, product="X", addresses=("192.0.2.5", "192.0.2.1"), last_seen=5.0)
    assert merge(BASE, ours, theirs) == Merge(
        replace(ours, product="X", addresses=("192.0.2.9", "192.0.2.1", "192.0.2.5"), last_seen=9.0)
    )


def test_what_persons_set_of_different_fields_is_all_in_it() -> None:
    merged = merge(BASE, replace(BASE, name=None), replace(BASE, profile="edge", approved=Approval("x", 1.0)))
    assert merged == Merge(replace(BASE, name=None, profile="edge", approved=Approval("x", 1.0)))


def test_of_one_field_that_both_set_the_first_counts_and_it_is_told() -> None:
    merged = merge(BASE, replace(BASE, name="ours", profile="edge"), replace(BASE, name="theirs", profile="edge"))
    assert merged == Merge(replace(BASE, name="theirs", profile="edge"), ("name",))


def test_who_assigned_a_soft_serial_goes_with_it() -> None:
    assigned = replace(BASE, soft_serial="EDGE-1", soft_serial_by="edge")
    assert merge(BASE, assigned, replace(BASE, product="X")).record == replace(assigned, product="X")
    assert merge(BASE, replace(BASE, product="X"), assigned).record == replace(assigned, product="X")


def test_of_two_endings_the_later_arming_counts_then_the_surer() -> None:
    told, guessed = (Ending(2, True, 5.0, signal) for signal in (Signal.TOLD, Signal.TIMEOUT))
    for ours, theirs in ((told, guessed), (guessed, told), (told, Ending(1, True, 9.0, Signal.TOLD)), (told, None)):
        assert merge(BASE, replace(BASE, ending=ours), replace(BASE, ending=theirs)).record.ending == told


def test_of_two_boards_no_third_is_made() -> None:
    ours, theirs = replace(BASE, uuid=UUIDS[0]), replace(BASE, uuid=UUIDS[1], serial="7XK2B32")
    merged = merge(BASE, ours, theirs).record
    assert (merged.uuid, merged.serial) == (UUIDS[1], "7XK2B32")


def test_a_record_both_made_of_one_packet_is_one() -> None:
    ours, theirs = (
        Record("1", (CARD,), first_seen=at, last_seen=at, product=what) for at, what in ((1.0, "X"), (2.0, None))
    )
    assert merge(None, ours, theirs).record == replace(ours, last_seen=2.0)


def test_no_field_of_a_record_is_forgotten_in_a_merge() -> None:
    """One that is added has to be merged, too."""
    said = ("serial", "asset", "manufacturer", "product", "arch", "platform", "ipxe")
    full = Record("1", (CARD,), UUIDS[0], *said, ("192.0.2.1",))
    full = replace(full, first_seen=1.0, last_seen=2.0, name="n", profile="p", soft_serial="s", origin="api")
    full = replace(full, approved=Approval("x", 1.0), ending=Ending(1, True, 1.0, Signal.TOLD))
    empty = Record("1")
    for field in fields(Record):
        if field.name not in ("id", "soft_serial_by") and (value := getattr(full, field.name)):
            ours = replace(empty, **{field.name: value})
            merged = merge(empty, ours, replace(empty, asset="theirs") if field.name != "asset" else empty).record
            assert getattr(merged, field.name) == value, field.name


def test_what_a_person_set_is_told_apart_from_what_was_seen() -> None:
    assert set_otherwise(BASE, replace(BASE, last_seen=9.0, product="X")) == ()
    assert set_otherwise(BASE, replace(BASE, name="x", approved=Approval("x", 1.0))) == ("name", "approved")


class TestBoots:
    def test_both_saw_some_of_it(self) -> None:
        script = Step(Reached.SCRIPT, 20.0, 500, last=20.0)
        other = replace(BOOT, last=20.0, steps=(BOOT.steps[0], script), profile="edge")
        more = replace(BOOT, steps=(replace(BOOT.steps[0], last=14.0, times=3),), last=14.0)
        merged = united(other, more)
        assert merged.steps == (more.steps[0], script)
        assert (merged.last, merged.profile) == (20.0, "edge")
        assert united(merged, more) == united(merged, merged) == merged

    def test_a_packet_that_both_heard_is_one_step(self) -> None:
        theirs = replace(BOOT, id="b2", started=10.1, steps=(replace(BOOT.steps[0], at=10.1, last=12.1),))
        merged = united(theirs, BOOT)
        assert [(step.at, step.last, step.times) for step in merged.steps] == [(10.0, 12.1, 2)]
        assert (merged.id, merged.started) == ("b1", 10.0)

    def test_how_it_ended_is_not_undone_by_who_has_not_heard_of_it(self) -> None:
        ended = replace(BOOT, outcome=Outcome.INSTALLED)
        later = replace(BOOT, last=99.0)
        assert united(ended, later).outcome is united(later, ended).outcome is Outcome.INSTALLED
