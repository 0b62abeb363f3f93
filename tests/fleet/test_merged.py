"""Files are the truth for what is in them, and every value says where it comes from."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from netbootd.boot.args import ArgSetting, Layer
from netbootd.fleet.identity import Conflict
from netbootd.fleet.merged import Origin, Value, disputed, machine_of, merged, roster
from netbootd.fleet.record import Approval, Record
from netbootd.fleet.snapshot import Snapshot
from netbootd.wire.mac import Mac
from tests.support.worlds import args, linux, machine

A, B = Mac.parse("52:54:00:00:00:01"), Mac.parse("52:54:00:00:00:02")
LISTED = machine("rescue", "node-1", A)
WHERE = LISTED.origin
SEEN = Record("1", (A, B), serial="7XK2B32", name="other", profile="edge", soft_serial="E-1", origin="admin")


def fleet(*machines: object) -> Snapshot:
    return Snapshot([linux()], machines)  # type: ignore[arg-type]


def test_what_a_file_says_counts_and_what_it_leaves_open_comes_from_the_record() -> None:
    shown = merged(LISTED, SEEN)
    assert shown.name == Value("node-1", Origin.FILE, WHERE)
    assert shown.profile == Value("rescue", Origin.FILE, WHERE)
    assert shown.serial == Value("7XK2B32", Origin.SEEN)
    assert shown.soft_serial == Value("E-1", Origin.API, "admin")
    assert shown.macs == (Value(A, Origin.FILE, WHERE), Value(B, Origin.SEEN))


def test_a_file_that_lists_a_machine_approves_it_and_so_does_a_person() -> None:
    assert merged(LISTED, None).approved == Value(WHERE, Origin.FILE, WHERE)
    record = Record("1", (A,), approved=Approval("admin", 1.0), origin="admin")
    assert merged(None, record).approved == Value("admin", Origin.API, "admin")
    assert merged(None, Record("1", (A,))).approved is None


def test_arguments_of_the_file_go_over_those_of_the_api_key_by_key() -> None:
    listed = replace(LISTED, args=args(WHERE, console="tty0"))
    record = replace(SEEN, args=args("admin", console="ttyS0", quiet=True))
    assert merged(listed, record).args == (
        Value(ArgSetting("console", ("tty0",), WHERE, Layer.MACHINE), Origin.FILE, WHERE),
        Value(ArgSetting("quiet", (), "admin", Layer.MACHINE), Origin.API, "admin"),
    )


def test_everybody_is_there_once_the_listed_first() -> None:
    stranger = Record("2", (Mac.parse("52:54:00:00:00:09"),))
    shown, conflicts = roster(fleet(LISTED, machine("rescue", "node-2", B)), [stranger, Record("1", (A,))])
    assert [(each.name.value if each.name else None, each.record and each.record.id) for each in shown] == [
        ("node-1", "1"),
        ("node-2", None),
        (None, "2"),
    ]
    assert conflicts == ()


def test_a_listed_machine_with_two_records_is_a_conflict_and_not_a_guess() -> None:
    shown, conflicts = roster(fleet(LISTED), [Record("1", (A,)), Record("2", (A,), serial="OTHER")])
    assert conflicts == (Conflict(f"node-1 of {WHERE}", ("1", "2")),)
    assert [each.record and each.record.id for each in shown] == [None, "1", "2"]


def test_a_machine_listed_by_its_board_is_found_by_what_its_record_knows() -> None:
    by_board = replace(machine("rescue", "node-9", A), macs=(), uuid=UUID(int=7), serial="7XK2B32")
    assert machine_of(fleet(by_board), Record("1", (B,), uuid=UUID(int=7), serial="7xk2b32")) is by_board
    assert machine_of(fleet(by_board), Record("1", (B,))) is None


def test_what_the_api_says_against_a_file_is_refused_with_the_place() -> None:
    listed = replace(LISTED, args=args(WHERE, console="tty0"))
    wanted = Record("1", (A,), name="x", profile="rescue", args=args("admin", console="ttyS0", quiet=True))
    assert disputed(listed, None, wanted) == (
        f"its name is 'node-1' in {WHERE}; change it there",
        f"its argument console is set in {WHERE}; change it there",
    )
    assert disputed(None, None, wanted) == ()


def test_what_stood_in_a_record_before_the_file_said_otherwise_is_no_new_dispute() -> None:
    assert disputed(LISTED, SEEN, replace(SEEN, soft_serial="E-2")) == ()
