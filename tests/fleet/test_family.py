"""What is armed by one card counts for the others, and never for another machine."""

from __future__ import annotations

from uuid import UUID

from netbootd.boot.facts import Facts
from netbootd.fleet.family import doubtful, family, others
from netbootd.fleet.record import Record
from netbootd.fleet.records import Records
from netbootd.fleet.snapshot import Snapshot
from netbootd.wire.mac import Mac
from tests.support.worlds import linux, machine

A, B, C, D = (Mac.parse(f"52:54:00:00:00:0{n}") for n in range(1, 5))
ONE, OTHER = UUID(int=0x1234567890ABCDEF1234567890ABCDEF), UUID(int=0x2234567890ABCDEF1234567890ABCDEF)
NONE = Snapshot([linux()])


def records(*known: Record) -> Records:
    return Records(known, new_id=lambda: "new")


def test_a_machine_on_record_has_all_the_cards_it_has_shown_the_first_first() -> None:
    kept = records(Record("1", (A, B)))
    assert family(Facts(mac=A), NONE, kept) == family(Facts(mac=B), NONE, kept) == (A, B)
    assert family(Facts(mac=C), NONE, kept) == (C,)


def test_a_card_nobody_has_seen_is_one_more_of_the_board_that_shows_it() -> None:
    kept = records(Record("1", (A,), uuid=ONE, serial="7XK2B32"))
    assert family(Facts(mac=B, uuid=ONE, serial="7XK2B32"), NONE, kept) == (A, B)
    assert family(Facts(mac=B, uuid=ONE), NONE, kept) == (B,)


def test_cards_of_a_file_come_first_and_those_on_record_with_them() -> None:
    fleet = Snapshot([linux()], [machine("rescue", "node-1", B)])
    kept = records(Record("1", (A, B)))
    assert family(Facts(mac=A), fleet, kept) == family(Facts(mac=B), fleet, kept) == (B, A)
    two = Snapshot([linux()], [machine("rescue", "node-1", B), machine("rescue", "node-2", A)])
    assert (family(Facts(mac=A), two, kept), family(Facts(mac=B), two, kept)) == ((A,), (B,))


def test_an_adapter_that_two_machines_have_is_neither_s() -> None:
    one, other = Record("1", (A, C), uuid=ONE, serial="7XK2B32"), Record("2", (B, C), uuid=OTHER, serial="9ZZ1C44")
    kept = records(one, other)
    assert family(Facts(mac=C), NONE, kept) == (C,)
    assert doubtful(Facts(mac=C), kept)
    assert family(Facts(mac=A), NONE, kept) == (A,)
    told = Facts(mac=C, uuid=ONE, serial="7XK2B32")
    assert (family(told, NONE, kept), doubtful(told, kept), others(told, kept)) == ((A, C), False, (B,))


def test_a_stranger_with_the_card_of_another_has_nothing_of_its() -> None:
    kept = records(Record("1", (A, C), uuid=ONE, serial="7XK2B32"))
    told = Facts(mac=C, uuid=OTHER, serial="9ZZ1C44")
    assert (family(told, NONE, kept), others(told, kept)) == ((C,), (A,))
    assert others(Facts(mac=C), kept) == ()
