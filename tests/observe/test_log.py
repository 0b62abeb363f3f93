"""The three forms of the log, and that nothing from outside can break them or stop the daemon."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import TYPE_CHECKING

import pytest

from netbootd.observe.banner import Banner
from netbootd.observe.events import (
    DaemonNotice,
    DhcpAnswered,
    DhcpSilent,
    Event,
    HostileValue,
    MachineTrouble,
    ScriptServed,
    TftpAborted,
    TftpStarted,
)
from netbootd.observe.log import LogSink, configure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAC = "52:54:00:12:34:56"
OFFER = DhcpAnswered(
    mac=MAC, message="DISCOVER", answer="OFFER", client="x86-64 UEFI PXE", file="snponly.efi", style="direct", port=67
)
BOOT = ScriptServed(mac=MAC, machine="node-1", script="ipxe.cfg", payload="local")
LOST = TftpAborted(ip="192.0.2.7", file="ipxe.efi", reason="TIMED_OUT")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _standard_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines_of(stream: io.StringIO, *events: Event, **how: object) -> list[str]:
    """What ``events`` look like in the form that ``how`` asks for."""
    sink = LogSink(configure(stream=stream, **({"environ": {}} | how)))  # type: ignore[arg-type]
    for event in events:
        sink(event)
    return stream.getvalue().splitlines()


def test_in_a_terminal_a_line_is_time_machine_and_sentence() -> None:
    offered, boots, lost, notice = lines_of(
        Terminal(), OFFER, BOOT, LOST, DaemonNotice(text="settings read again"), environ={"NO_COLOR": "1"}
    )
    assert re.fullmatch(r"\d\d:\d\d:\d\d  52:54:00:12:34:56  offered snponly\.efi to x86-64 UEFI PXE", offered)
    assert boots[10:] == "node-1             boots its own disk"
    assert lost[10:] == "192.0.2.7          warning: lost ipxe.efi after 0 bytes: the client fell silent"
    assert notice[10:] == "netbootd           settings read again"
    assert max(map(len, (offered, boots, notice))) <= 80


def test_what_a_line_tells_people_to_type_names_the_settings_that_the_daemon_was_given() -> None:
    stream = Terminal()
    logger = configure("text", stream=stream, environ={"NO_COLOR": "1"})
    LogSink(logger, settings="lab.yaml")(MachineTrouble(mac=MAC, cause="no_pxe", reason="is stuck", advice="x"))
    assert f"is stuck; what to do: netbootd explain -c lab.yaml {MAC}" in stream.getvalue()


def test_colours_are_for_terminals_only_and_can_be_refused() -> None:
    plain = "\n".join(
        lines_of(io.StringIO(), OFFER, LOST)
        + lines_of(Terminal(), OFFER, LOST, environ={"NO_COLOR": "1"})
        + lines_of(Terminal(), OFFER, LOST, environ={"TERM": "dumb"})
    )
    assert "\033" not in plain
    assert "\033" in lines_of(Terminal(), OFFER)[0]


def test_colours_read_on_light_and_on_dark() -> None:
    """Faint, bold, magenta and red only: yellow and white vanish on one ground, black and blue on the other."""
    notices = [DaemonNotice(text=level, severity=level) for level in ("debug", "info", "warning", "error")]
    shown = "".join(lines_of(Terminal(), *notices, level="debug"))
    assert set(re.findall(r"\033\[(\d*)m", shown)) == {"", "1", "2", "31", "35"}


def test_in_a_file_the_line_carries_the_date() -> None:
    (line,) = lines_of(io.StringIO(), BOOT)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  node-1             boots its own disk", line)


def test_in_the_journal_a_line_has_a_priority_and_neither_time_nor_colour(tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w+") as stream:
        about = (tmp_path / "journal").stat()
        sink = LogSink(configure(stream=stream, environ={"JOURNAL_STREAM": f"{about.st_dev}:{about.st_ino}"}))
        sink(BOOT)
        sink(LOST)
        sink(DaemonNotice(text="port 69 is taken", severity="error"))
        sink.banner(Banner(version="0.1.0"))
        stream.seek(0)
        lines = stream.read().splitlines()
    assert lines[:3] == [
        "<6>node-1             boots its own disk",
        "<4>192.0.2.7          lost ipxe.efi after 0 bytes: the client fell silent",
        "<3>netbootd           port 69 is taken",
    ]
    assert all(line.startswith("<6>") for line in lines[3:])


def test_in_json_a_line_is_one_object_with_every_field() -> None:
    (line,) = lines_of(io.StringIO(), OFFER, format="json")
    found = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", found.pop("time"))
    assert found == {
        "level": "info",
        "event": "dhcp.answered",
        "sentence": "offered snponly.efi to x86-64 UEFI PXE",
        "mac": MAC,
        "machine": "",
        "ip": "",
        "message": "DISCOVER",
        "answer": "OFFER",
        "client": "x86-64 UEFI PXE",
        "file": "snponly.efi",
        "style": "direct",
        "port": 67,
        "interface": "",
        "arch": "",
        "server": "",
        "uuid": "",
    }


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_no_value_makes_a_second_line_or_steers_the_terminal(form: str, stream: Callable[[], io.StringIO]) -> None:
    hostile = "x\n12:00:00  node-2  boots\x1b[2J\u2028\u202e\x9b\udcff"
    written = stream()
    lines_of(
        written,
        ScriptServed(mac=hostile, machine=hostile, script=hostile),
        HostileValue(ip=hostile, field=hostile, reason=hostile),
        DaemonNotice(text=hostile, severity="error"),
        format=form,
    )
    assert written.getvalue().count("\n") == 3
    assert not re.search("[\u2028\u202e\x9b\udcff\r]|\x1b\\[2J", written.getvalue())


def test_the_level_is_a_floor() -> None:
    events = (TftpStarted(file="a", size=1), BOOT, LOST)
    assert len(lines_of(io.StringIO(), *events, level="debug")) == 3
    assert len(lines_of(io.StringIO(), *events)) == 2
    assert len(lines_of(io.StringIO(), *events, level="warning")) == 1


def test_what_repeats_is_written_once_then_counted_when_its_window_ends() -> None:
    stream, now, timers = io.StringIO(), 0.0, list[tuple[float, "Callable[[], None]"]]()
    sink = LogSink(configure("json", stream=stream), clock=lambda: now, call_later=lambda *timer: timers.append(timer))
    for _ in range(312):
        sink(LOST)
    assert stream.getvalue().count("\n") == 1
    now = 5.0
    ((delay, ring),) = timers  # one timer, however many packets
    assert delay == 5.0
    ring()
    again = json.loads(stream.getvalue().splitlines()[1])
    assert (again["event"], again["repeated"], len(timers)) == ("tftp.aborted", 311, 1)


def test_a_timer_that_rings_too_early_for_a_later_window_is_wound_again() -> None:
    stream, now, timers = io.StringIO(), 0.0, list[tuple[float, "Callable[[], None]"]]()
    sink = LogSink(configure(stream=stream), clock=lambda: now, call_later=lambda *timer: timers.append(timer))
    sink(LOST)
    sink(LOST)
    now = 4.0
    sink(BOOT)
    sink(BOOT)
    now = 5.0
    timers.pop()[1]()
    assert [line.split("  ", 1)[1].strip() for line in stream.getvalue().splitlines()[2:]] == [
        "192.0.2.7          warning: lost ipxe.efi after 0 bytes: the client fell silent (repeated 1 time)"
    ]
    now = 10.0
    timers.pop()[1]()
    assert "boots its own disk (repeated 1 time)" in stream.getvalue()
    assert timers == []


def test_without_a_timer_the_count_comes_with_the_next_event_or_the_end() -> None:
    stream, now = io.StringIO(), 0.0
    sink = LogSink(configure(stream=stream), clock=lambda: now)
    sink(LOST)
    sink(LOST)
    now = 60.0
    sink(BOOT)
    assert "repeated 1 time)" in stream.getvalue().splitlines()[1]
    sink(BOOT)
    sink.flush()
    assert stream.getvalue().splitlines()[-1].endswith("boots its own disk (repeated 1 time)")


def test_silence_told_at_debug_is_never_counted_together() -> None:
    """Whoever asks for debug wants each packet."""
    assert len(lines_of(io.StringIO(), *[DhcpSilent(mac=MAC, reason="NOT_PXE")] * 3, level="debug")) == 3


def test_the_banner_is_shown_as_it_is_or_as_its_facts() -> None:
    text, facts = io.StringIO(), io.StringIO()
    LogSink(configure("text", stream=text)).banner(Banner(version="9.9", profiles=("rescue",)))
    LogSink(configure("json", stream=facts)).banner(Banner(version="9.9", profiles=("rescue",)))
    assert text.getvalue().startswith("netbootd 9.9: network boot beside the DHCP server you have\n\n  serving ")
    found = json.loads(facts.getvalue())
    assert (found["event"], found["version"], found["profiles"]) == ("daemon.started", "9.9", ["rescue"])
    assert "banner" not in found


@pytest.mark.parametrize("broken", [BrokenPipeError("reader gone"), ValueError("I/O operation on closed file")])
def test_a_log_that_nobody_reads_any_more_does_not_stop_the_daemon(broken: Exception) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise broken

    assert lines_of(Gone(), OFFER) == []


def test_complaints_of_the_libraries_take_the_same_form() -> None:
    stream = io.StringIO()
    configure("text", stream=stream, environ={})
    try:
        raise ValueError("first\nsecond\x1b[2J")
    except ValueError:
        logging.getLogger("aiohttp.server").exception("Error handling request from %s", "192.0.2.7\n")
    head, *rest = stream.getvalue().splitlines()
    assert head.endswith("  aiohttp.server     error: Error handling request from 192.0.2.7")
    assert rest[0] == "    Traceback (most recent call last):"
    assert rest[-2:] == ["    ValueError: first", "    second?[2J"]


def test_complaints_of_the_libraries_in_json_stay_one_line() -> None:
    stream = io.StringIO()
    configure("json", stream=stream)
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task>")
    found = json.loads(stream.getvalue())
    assert (found["event"], found["source"], found["level"]) == ("python.log", "asyncio", "error")
    assert (found["sentence"], found["lines"]) == ("Task exception was never retrieved", ["future: <Task>"])
