"""What is seen of machines that boot."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from netbootd.cli.board import Board, Line, bar
from netbootd.fleet.record import Reached
from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DaemonNotice,
    DhcpAnswered,
    Event,
    MachineChanged,
    ScriptServed,
    TftpAborted,
    TftpFinished,
)
from netbootd.serve.admin.stream import Happened, told

MAC = "52:54:00:00:00:01"


def firmware(client: str = "x86-64 UEFI PXE") -> Event:
    said = {"message": "DISCOVER", "answer": "OFFER", "style": "", "port": 67}
    return DhcpAnswered(mac=MAC, machine="node-1", client=client, file="snponly.efi", **said)  # type: ignore[arg-type]


def loader() -> Event:
    return TftpFinished(
        mac=MAC, file="snponly.efi", size=200_000, seconds=1.0, blksize=1468, windowsize=4, retransmits=0
    )


def script(payload: str = "eve") -> Event:
    return ScriptServed(mac=MAC, script="machines/x/ipxe.cfg", profile="edge", payload=payload)


def file(sent: int = 300_000_000) -> Event:
    return ArtifactServed(
        mac=MAC, file="artifacts/eve/rootfs.img", status=200, size=sent, sent=sent, seconds=1.0, complete=True
    )


def changed(change: Change) -> Event:
    return MachineChanged(mac=MAC, machine="node-1", change=change)


BOOT = (firmware(), loader(), firmware("iPXE 1.21.1 on x86-64"), script(), file(), changed(Change.GIVEN), changed(Change.INSTALLED))


def board(*events: Event) -> Board:
    made = Board()
    for event in events:
        made.take(told(Happened(1, 0.0, event)))
    return made


def only(*events: Event) -> Line:
    (line,) = board(*events).lines(10)
    return line


@pytest.mark.parametrize("number", range(len(BOOT)))
def test_a_boot_gets_one_stage_further_with_each_that_it_reaches(number: int) -> None:
    line = only(*BOOT[: number + 1])
    assert bar(line).count("\u2501") == number + 1
    assert line.who == "node-1"


def test_what_was_sent_adds_up() -> None:
    assert only(*BOOT).bytes == 300_200_000


def test_a_machine_that_boots_anew_begins_anew() -> None:
    line = only(*BOOT, firmware())
    assert (line.stage, line.bytes) == (Reached.FIRMWARE, 0)


def test_a_file_after_the_last_does_not_lead_back() -> None:
    assert only(*BOOT[:6], file()).stage is Reached.PAYLOAD


def test_one_that_is_left_to_its_disk_has_no_way_to_go() -> None:
    line = only(firmware(), script("local"))
    assert (line.stage, bar(line)) == (Reached.LOCAL, "")


def test_trouble_is_red_until_it_goes_on() -> None:
    lost = TftpAborted(mac=MAC, file="snponly.efi", reason="TIMEOUT", sent=10)
    assert only(firmware(), lost).trouble
    assert not only(firmware(), lost, loader()).trouble
    assert only(firmware(), changed("failed")).trouble


def test_what_is_about_no_machine_has_no_line() -> None:
    assert board(DaemonNotice(text="settings reloaded")).lines(10) == ()


def test_a_flood_of_machines_bounds_itself() -> None:
    made = Board(room=2)
    for number in range(5):
        made.take({"mac": str(number), "event": "x"})
    assert [line.who for line in made.lines(10)] == ["3", "4"]


def test_it_fits_80_columns_and_shows_markup_as_it_is() -> None:
    made = board(*BOOT)
    made.take({"mac": "52:54:00:00:00:02", "machine": "[red]" * 20, "event": "x", "sentence": "[b]sent[/b] " * 30})
    console = Console(width=80, record=True, file=StringIO())
    console.print(made.table(10))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert "installed" in lines[1]
    assert "300 MB" in lines[1]
    assert lines[2].startswith("[red][red]")
