"""Which machines that boot are kept and shown, and in which order."""

from __future__ import annotations

from dataclasses import replace

from netbootd.cli.board import Board
from netbootd.cli.drawn import view
from netbootd.fleet.record import Reached
from netbootd.observe.events import (
    DaemonNotice,
    DhcpSilent,
    ScriptServed,
)
from tests.support.watched import MAC, Clock, board, file, firmware, loader, take


def shown(made: Board, most: int = 24, width: int = 80) -> list[str]:
    return view(made, most, width).plain.splitlines()


def test_what_the_doctor_plays_is_no_machine() -> None:
    assert board(DhcpSilent(mac="02:6e:62:00:00:01", reason="NOT_PXE")).lines(5) == ()


def test_one_that_boots_already_is_shown_as_the_api_has_it() -> None:
    made = Board(clock=Clock(100.0))
    step = {"stage": "file", "last": "2026-11-21T05:00:00+00:00", "detail": "a/k", "file": "a/k", "trouble": False}
    progress = {"file": "a/k", "sent": 50, "size": 200, "seconds": 5.0, "quiet": 3.0}
    made.knew({"mac": MAC, "name": "node-1", "last_stage": step, "progress": progress})
    made.knew({"mac": "52:54:00:00:00:02", "name": None, "last_stage": None, "progress": None})
    _, line, summary = shown(made)
    assert line.split() == ["node-1", "files", "\u2501" * 2 + "\u254c" * 7, "25%", "10", "B/s", "3", "s", "k"]
    assert summary == "1 booting, 0 done"


def test_what_is_about_no_machine_has_no_line() -> None:
    assert board(DaemonNotice(text="settings reloaded")).lines(10) == ()


def test_a_flood_of_machines_bounds_itself_says_so_and_pushes_out_none_that_came_further() -> None:
    made = Board(room=3, clock=Clock())
    take(made, firmware(), loader())
    for number in range(50):
        made.take({"mac": f"52:54:00:00:01:{number:02x}", "event": "dhcp.answered", "client": "PXE"})
    assert [line.who for line in made.lines(10)] == ["node-1", "52:54:00:00:01:30", "52:54:00:00:01:31"]
    assert shown(made)[-1] == "3 booting, 0 done, 48 dropped: too many at once"


def test_where_not_all_fit_trouble_is_shown_first_and_lines_keep_their_order() -> None:
    made = Board(clock=Clock())
    for number in range(30):
        made.take({"mac": f"{number:02}", "event": "dhcp.answered", "client": "PXE"})
    made.take({"mac": "03", "event": "tftp.aborted", "file": "x.efi", "level": "warning", "sentence": "lost x.efi"})
    lines = shown(made, most=12)
    assert len(lines) <= 12
    assert lines[1].startswith("03")
    assert lines[2] == "  lost x.efi"
    assert "21 not shown; netbootd explain" in lines[-1]
    who = [line[:2] for line in lines[3:-1]]
    assert who == sorted(who)


def test_who_has_got_all_of_a_system_is_done_and_who_installs_is_waited_for() -> None:
    clock = Clock()
    once = ScriptServed(mac=MAC, script="x", payload="eve", files=("a", "artifacts/eve/rootfs.img"), installs=True)
    for asked, done in ((once, False), (replace(once, installs=False), True)):
        clock.now = 0.0
        made = board(firmware(), asked, file(), clock=clock)
        (line,) = made.lines(10)
        assert (line.stage, line.over) == (Reached.PAYLOAD, done)
        clock.now = 600.0
        assert len(made.lines(10)) == (0 if done else 1)
