"""What a terminal shows of machines that boot."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from netbootd.cli.board import Board
from netbootd.cli.drawn import WIDE, bar, view
from netbootd.observe.events import (
    Change,
    InstallerSaid,
    MachineTrouble,
    TftpAborted,
)
from tests.support.watched import BOOT, MAC, Clock, board, changed, file, firmware, loader, moved, only, script, take


def shown(made: Board, most: int = 24, width: int = 80) -> list[str]:
    return view(made, most, width).plain.splitlines()


@pytest.mark.parametrize("number", range(len(BOOT)))
def test_a_boot_gets_one_stage_further_with_each_that_it_reaches(number: int) -> None:
    line = only(*BOOT[: number + 1])
    assert bar(line).plain.count("\u2501") == round((number + 1) / len(BOOT) * WIDE)
    assert line.who == "node-1"


def test_trouble_has_a_line_of_its_own_until_it_goes_on() -> None:
    lost = TftpAborted(mac=MAC, machine="node-1", file="snponly.efi", reason="TIMED_OUT", sent=10)
    made = board(firmware(), lost)
    _, first, second, summary = shown(made)
    assert first.startswith("node-1")
    assert second == "  lost snponly.efi after 10 bytes: the client fell silent"
    assert summary == "1 booting, 0 done, 1 in trouble; netbootd explain MACHINE: what to do"
    take(made, firmware())
    assert len(shown(made)) == 4, "to ask again is not to go on"
    take(made, loader())
    assert len(shown(made)) == 3
    assert only(firmware(), changed(Change.FAILED)).trouble


def test_a_file_on_its_way_has_a_bar_and_a_rate_of_late() -> None:
    made = board(firmware(), script(), moved(100, 1.0), moved(500, 2.0))
    _, line, _ = shown(made)
    assert line.split() == ["node-1", "files", "\u2501" * 4 + "\u254c" * 5, "50%", "400", "B/s", "rootfs.img"]
    take(made, file())
    _, line, _ = shown(made)
    assert line.endswith("300 MB/s        rootfs.img 300 MB")


def test_silence_is_shown_where_a_word_should_come() -> None:
    clock = Clock()
    made = board(firmware(), clock=clock)
    clock.now = 42.0
    assert "42 s" in shown(made)[1]
    clock.now = 720.0
    assert "12 min" in shown(made)[1]
    clock.now = 10_000.0
    assert shown(made)[1:] == ["Nobody boots just now.  Ctrl-C ends this."]


def test_what_an_installer_says_is_shown() -> None:
    said = InstallerSaid(mac=MAC, machine="node-1", text="formatting sda3")
    assert shown(board(firmware(), said))[1].endswith("formatting sda3")


def test_what_stopped_it_has_that_line_as_soon_as_it_is_told() -> None:
    """It is concluded from silence, so that the silence goes on."""
    clock, reason = Clock(), "was told to read snponly.efi by TFTP, and its request never came"
    made = board(firmware(), clock=clock)
    clock.now = 40.0
    take(made, MachineTrouble(mac=MAC, machine="node-1", cause="tftp_never_asked", reason=reason, advice="let it in"))
    _, first, second, _ = shown(made)
    assert first.split()[:2] == ["node-1", "firmware"]
    assert first.endswith("40 s x86-64 UEFI PXE")
    assert second == f"  {reason}"


def test_it_fits_80_columns_and_shows_markup_and_wide_letters_as_they_are() -> None:
    made = board(*BOOT)
    data = {"event": "tftp.aborted", "file": "x", "level": "warning", "sentence": "[b]\u6a5f\u68b0[/b] " * 30}
    made.take({"mac": "52:54:00:00:00:02", "machine": "[red]" * 20, **data})
    for width in (80, 120, 40):
        lines = shown(made, width=width)
        assert max(map(cell_len, lines)) <= width
    lines = shown(made)
    assert "installed" in lines[3]
    assert lines[1].startswith("[red][red]")
    assert lines[2].startswith("  [b]")
