"""Lines as installers and boot programs send them, and as nobody should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.wire.errors import WireError
from netbootd.wire.syslog import LONGEST, Line, Severity, parse_line

LINES = {
    "rfc5424": (
        b"<13>1 2026-11-21T08:00:00.123Z node-1 anaconda 812 - - starting installation",
        Line(Severity.NOTICE, "starting installation", "anaconda", "node-1"),
    ),
    "rfc5424-structured": (
        b'<165>1 2003-10-11T22:14:15.003Z mymachine evntslog - ID47 [exampleSDID@32473 iut="3" x="a\\"]b"][b] text',
        Line(Severity.NOTICE, "text", "evntslog", "mymachine"),
    ),
    "rfc5424-bom": (
        b"<34>1 - - su - ID47 - \xef\xbb\xbf'su root' failed",
        Line(Severity.CRITICAL, "'su root' failed", "su"),
    ),
    "rfc3164": (
        b"<30>Nov 21 08:00:00 node-1 anna[812]: downloading libc6-udeb",
        Line(Severity.INFORMATIONAL, "downloading libc6-udeb", "anna", "node-1"),
    ),
    "busybox-syslogd-R": (
        b"<46>Nov  1 08:00:00 syslogd started: BusyBox v1.35.0\n",
        Line(Severity.INFORMATIONAL, "BusyBox v1.35.0", "started", "syslogd"),
    ),
    "ipxe": (
        b"<6>ipxe: http://192.0.2.1:8080/ipxe.cfg... ok\n",
        Line(Severity.INFORMATIONAL, "http://192.0.2.1:8080/ipxe.cfg... ok", "ipxe"),
    ),
    "ipxe-with-a-name": (
        b"<3>node-1.example.net ipxe: Could not boot\n",
        Line(Severity.ERROR, "Could not boot", "ipxe", "node-1.example.net"),
    ),
    "no-priority": (b"just words", Line(Severity.NOTICE, "just words")),
    "priority-too-large": (b"<999>words", Line(Severity.NOTICE, "<999>words")),
    "new-head-but-no-structured-data": (b"<13>1 a b c d e f", Line(Severity.NOTICE, "1 a b c d e f")),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_is_read_for_who_says_what_and_how_bad_it_is(name: str) -> None:
    data, line = LINES[name]
    assert parse_line(data) == line


@pytest.mark.parametrize("data", [b"", b"<13>", b"\0\n", b"<13>1 - - - - - - "])
def test_a_line_that_says_nothing_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        parse_line(data)


def test_what_is_beyond_the_longest_line_is_not_looked_at() -> None:
    assert len(parse_line(b"<13>" + b"x" * 3 * LONGEST).text) < LONGEST


@pytest.mark.parametrize("data", [b"<13>1 - - - - - " + b"[" * 8000, b'<13>1 - - - - - [a b="' + b"\\" * 8000])
def test_structured_data_that_never_ends_costs_no_more_than_its_length(data: bytes) -> None:
    """It is read in one pass; were it not, this test would not end."""
    assert parse_line(data).text


@given(st.binary(max_size=300) | st.text(alphabet='<>1-[]"\\ =:ab\n', max_size=60).map(str.encode))
def test_any_bytes_are_a_line_or_a_wire_error(data: bytes) -> None:
    try:
        line = parse_line(data)
    except WireError:
        return
    assert line.text == line.text.strip() != ""
