"""What commands share: settings found or refused, and lines that read well where they are read."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from netbootd.boot.site import Site
from netbootd.cli.common import counted, human, site, wrapped
from tests.support.cli import netbootd
from tests.support.house import furnished, settings
from tests.support.settings import Files

LONG = "a REQUEST on port 67 belongs to the DHCP server that offered the address, and this one offers none"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_on_a_terminal_a_long_text_goes_on_below_itself() -> None:
    assert wrapped(LONG, "  silence  ", Terminal()).split("\n") == [
        "  silence  a REQUEST on port 67 belongs to the DHCP server that offered the",
        "           address, and this one offers none",
    ]


def test_into_a_pipe_it_stays_one_line_for_grep() -> None:
    assert wrapped(LONG, "  silence  ", io.StringIO()) == f"  silence  {LONG}"


def test_what_has_no_spaces_is_never_torn() -> None:
    url = "http://192.0.2.1:8080/artifacts/" + "x" * 90
    assert url in wrapped(f"see {url} there", "  ", Terminal())


def test_an_empty_text_leaves_no_blanks_behind() -> None:
    assert wrapped("", "  answer   ", Terminal()) == wrapped("", "  answer   ", io.StringIO()) == "  answer"


@pytest.mark.parametrize("command", ["check", "render", "explain", "run"])
def test_wrong_settings_are_told_by_every_command_in_a_line_each_and_end_with_1(tmp_path: Path, command: str) -> None:
    path = Files(tmp_path).write("netbootd.yaml", "http: {prot: 1}\nunknwon: x\n")
    subject = () if command in ("check", "run") else ("52:54:00:12:34:56",)
    ran = netbootd(command, *subject, "-c", path)
    assert (ran.code, ran.err.splitlines()) == (
        1,
        [
            f"error: {path}:1: http.prot: unknown key; did you mean 'port'?",
            f"error: {path}:2: unknwon: unknown key; did you mean 'unknown'?",
        ],
    )


@pytest.mark.parametrize("what", ["none.yaml", "."])
def test_settings_that_cannot_be_read_are_told_in_a_line(tmp_path: Path, what: str) -> None:
    ran = netbootd("check", "-c", tmp_path / what)
    assert ran.code == 1
    assert str(tmp_path) in ran.err
    assert len(ran.err.splitlines()) == 1


def test_the_environment_may_name_the_settings(tmp_path: Path) -> None:
    path = Files(furnished(tmp_path)).write("mine.yaml", settings(tmp_path))
    ran = netbootd("check", NETBOOTD_CONFIG=str(path))
    assert f"settings   {path}" in ran.out


def test_machines_come_back_to_the_served_interface_or_where_the_settings_say(tmp_path: Path) -> None:
    files = Files(tmp_path)
    assert site(files.load("interfaces: [lo]\nhttp: {port: 80}\ntftp: {port: 70}\n")) == Site("127.0.0.1", 80, 70)
    assert site(files.load("interfaces: [lan9]\n")) == Site("127.0.0.1")
    assert site(files.load("{listen: 127.0.0.9, tftp: {mode: off}}")) == Site("127.0.0.9", tftp_port=None)
    there = site(files.load("advertise: 192.0.2.9\nhttp: {public_url: 'http://boot.example.net'}\n"))
    assert (there.address, there.base_url) == ("192.0.2.9", "http://boot.example.net")


@pytest.mark.parametrize("command", [("check",), ("explain", "52:54:00:00:00:07"), ("explain", "CAPTURE")])
def test_nothing_is_wider_than_the_terminal(command: tuple[str, ...]) -> None:
    """In a directory with a short name, for names are not torn apart."""
    more = "profiles:\n  r: {payload: linux, kernel: none, boots: once, args: {a: b}}\nunknown: r\n"
    capture = Path(__file__).parents[1] / "captures" / "seabios-ipxe-rom.pcap"
    line = [str(capture) if each == "CAPTURE" else each for each in command]
    with tempfile.TemporaryDirectory(prefix="n") as directory:
        path = Files(furnished(Path(directory))).write("n.yaml", settings(Path(), more))
        shown = on_a_terminal([*line, "-c", str(path)])
    assert shown
    assert [each for each in shown if len(each) > 80] == []


def on_a_terminal(arguments: list[str]) -> list[str]:
    """The lines a person sees, colours left out."""
    here, there = pty.openpty()
    with os.fdopen(here, "rb", buffering=0) as screen:
        environ = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
        process = subprocess.Popen(
            [sys.executable, "-m", "netbootd", *arguments], stdout=there, stderr=there, env=environ
        )
        os.close(there)
        shown = b""
        while True:
            try:
                shown += screen.read(65536) or b""
            except OSError:  # the last writer closed it
                break
        process.wait()
    text = shown.decode()
    for colour in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[35m", "\x1b[36m"):
        text = text.replace(colour, "")
    assert "\x1b" not in text
    return text.replace("\r", "").splitlines()


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1_572_864, "1.5 MiB"),
        (5 << 30, "5.0 GiB"),
        (5 << 40, "5120.0 GiB"),
    ],
)
def test_sizes_are_told_in_units_a_person_reads(size: int, said: str) -> None:
    assert human(size) == said


@pytest.mark.parametrize(("number", "said"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_things_are_counted_in_words(number: int, said: str) -> None:
    assert counted(number, "file") == said
