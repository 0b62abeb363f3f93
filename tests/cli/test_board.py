"""What is seen of machines that boot."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from rich.cells import cell_len

from netbootd.cli.board import WIDE, Board, Line, bar
from netbootd.fleet.record import Reached
from netbootd.observe.events import (
    ArtifactServed,
    Change,
    DaemonNotice,
    DhcpAnswered,
    DhcpSilent,
    Event,
    InstallerSaid,
    MachineChanged,
    MachineTrouble,
    ScriptServed,
    TftpAborted,
    TftpFinished,
    TransferMoved,
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


def file(sent: int = 300_000_000, name: str = "artifacts/eve/rootfs.img") -> Event:
    return ArtifactServed(mac=MAC, file=name, status=200, size=sent, sent=sent, seconds=1.0, complete=True)


def changed(change: Change) -> Event:
    return MachineChanged(mac=MAC, machine="node-1", change=change)


BOOT = (
    firmware(),
    loader(),
    firmware("iPXE 1.21.1 on x86-64"),
    script(),
    file(),
    changed(Change.GIVEN),
    changed(Change.INSTALLED),
)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def board(*events: Event, clock: Clock | None = None) -> Board:
    made = Board(clock=clock or Clock())
    take(made, *events)
    return made


def take(made: Board, *events: Event) -> None:
    for event in events:
        made.take(told(Happened(1, 0.0, event)))


def moved(sent: int, seconds: float, file: str = "artifacts/eve/rootfs.img") -> Event:
    return TransferMoved(mac=MAC, machine="node-1", file=file, via="http", sent=sent, size=1000, seconds=seconds)


def only(*events: Event) -> Line:
    (line,) = board(*events).lines(10)
    return line


def shown(made: Board, most: int = 24, width: int = 80) -> list[str]:
    return made.view(most, width).plain.splitlines()


@pytest.mark.parametrize("number", range(len(BOOT)))
def test_a_boot_gets_one_stage_further_with_each_that_it_reaches(number: int) -> None:
    line = only(*BOOT[: number + 1])
    assert bar(line).plain.count("\u2501") == round((number + 1) / len(BOOT) * WIDE)
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
    assert (line.stage, bar(line).plain, line.over) == (Reached.LOCAL, "", True)


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


def test_what_the_doctor_plays_is_no_machine() -> None:
    assert board(DhcpSilent(mac="02:6e:62:00:00:01", reason="NOT_PXE")).lines(5) == ()


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


def test_what_an_installer_says_is_shown() -> None:
    said = InstallerSaid(mac=MAC, machine="node-1", text="formatting sda3")
    assert shown(board(firmware(), said))[1].endswith("formatting sda3")


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
