"""What a command reads beside the daemon, it judges as the daemon does."""

from __future__ import annotations

from uuid import UUID

from netbootd.boot.facts import Facts
from netbootd.fleet.asked import Asked
from netbootd.fleet.changes import Entry, Known
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import Record
from netbootd.fleet.snapshot import Snapshot
from netbootd.wire.mac import Mac
from tests.support.worlds import linux, machine

A, B, C = (Mac.parse(f"52:54:00:00:00:0{n}") for n in range(1, 4))
MADE = Record("1", (A, B), uuid=UUID(int=77), serial="7XK2B32", name="edge-9", profile="rescue", origin="ada")
FLEET = Snapshot([linux()], [machine("rescue", "node-1", C)])


def asked(*entries: Entry) -> Asked:
    return Asked(FLEET, Known(entries, records=(MADE,)))


def test_what_one_card_was_armed_for_counts_for_the_others() -> None:
    found = asked(Entry(A, Stage.ARMED, 1.0, "ada"), Entry(C, Stage.GIVEN, 1.0, "its file"))
    assert [found.stage(mac) for mac in (A, B, C)] == [Stage.ARMED, Stage.ARMED, Stage.GIVEN]
    assert asked().stage(A) is None


def test_armed_is_who_waits_for_it_or_has_had_it() -> None:
    entries = (Entry(A, Stage.ARMED, 1.0, "ada"), Entry(B, Stage.DISARMED, 1.0, "ada"), Entry(C, Stage.GIVEN, 1.0, "x"))
    assert asked(*entries).armed() == {A, C}


def test_it_knows_what_was_said_and_set_and_the_name() -> None:
    found = asked()
    assert found.known(B) == Facts(mac=B, uuid=MADE.uuid, serial="7XK2B32")
    assert found.known(C) == Facts(mac=C)
    assert found.recorded(Facts(mac=B)) == MADE
    assert found.recorded(Facts(mac=C)) is None
    assert (found.called("edge-9"), found.called("nobody")) == (A, None)
