"""What each event makes of a machine that boots."""

from __future__ import annotations

from netbootd.cli.board import Board
from netbootd.cli.drawn import bar, view
from netbootd.fleet.record import Reached
from netbootd.observe.events import (
    MachineTrouble,
)
from tests.support.watched import BOOT, MAC, board, file, firmware, only, script, take


def shown(made: Board, most: int = 24, width: int = 80) -> list[str]:
    return view(made, most, width).plain.splitlines()


def test_what_was_sent_adds_up() -> None:
    assert only(*BOOT).bytes == 300_200_000


def test_a_machine_that_boots_anew_begins_anew() -> None:
    line = only(*BOOT, firmware())
    assert (line.stage, line.bytes) == (Reached.FIRMWARE, 0)


def test_a_file_after_the_last_does_not_lead_back() -> None:
    assert only(*BOOT[:6], file()).stage is Reached.PAYLOAD


def test_one_that_is_left_to_its_disk_has_no_way_to_go() -> None:
    line = only(firmware(), script("local"))
    assert (line.stage, bar(line).plain, line.over) == (Reached.LOCAL, "", True)


def test_who_only_fetches_again_what_it_had_is_still_in_trouble() -> None:
    """Scripts try six times, from their first file on."""
    wrong = MachineTrouble(mac=MAC, cause="file_missing", reason="asks for initrd, which is not here", advice="put it")
    made = board(firmware(), script(), file())
    take(made, wrong)
    take(made, script())
    take(made, file())
    assert len(shown(made)) == 4
    take(made, file(name="artifacts/initrd"))
    assert len(shown(made)) == 3
