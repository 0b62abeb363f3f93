"""Lines on paper: one a probe, grep-able where nobody watches, and JSON."""

from __future__ import annotations

import json

import pytest

from netbootd.cli.doctor import show
from netbootd.cli.doctor.line import Line, fail, ok, skipped, warn

GOOD = ok("link", "link", "10.99.0.2/24, up, MTU 1500")
BAD = fail("firewall", "firewall", "chain inet wall input drops UDP 69", "nft insert rule ...")
LATE = warn("clock", "clock", "not kept", "keep it")
LEFT = skipped("dhcp.address", "DISCOVER", "root alone")


def test_a_line_says_what_was_tried_what_came_back_and_below_it_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    show.line(GOOD)
    show.line(BAD)
    assert capsys.readouterr().out == (
        "  ok    link: 10.99.0.2/24, up, MTU 1500\n"
        "  FAIL  firewall: chain inet wall input drops UDP 69\n"
        "        -> nft insert rule ...\n"
    )


def test_what_a_server_said_cannot_break_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    show.line(ok("dhcp.others", "other", "names a\nfile \x1b[31mred"))
    assert capsys.readouterr().out == "  ok    other: names a file ?[31mred\n"


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        ([GOOD], "A machine would boot (1 ok)"),
        ([GOOD, LEFT], "A machine would boot, by all that could be tried (1 ok, 1 skip)"),
        ([GOOD, LATE], "A machine would boot; see the warnings (1 ok, 1 warn)"),
        ([GOOD, LATE, BAD], "A machine would not boot (1 ok, 1 warn, 1 FAIL)"),
    ],
)
def test_the_last_line_is_the_verdict(capsys: pytest.CaptureFixture[str], lines: list[Line], verdict: str) -> None:
    show.summary(lines)
    assert capsys.readouterr().out == f"\n{verdict}\n"


def test_a_program_reads_the_same() -> None:
    said = json.loads(show.as_json([("this machine", [GOOD]), ("network eth0", [BAD])]))
    assert said["boots"] is False
    assert said["counts"] == {"ok": 1, "warn": 0, "fail": 1, "skipped": 0}
    assert said["lines"][1] == {
        "about": "network eth0",
        "probe": "firewall",
        "status": "fail",
        "tried": "firewall",
        "found": "chain inet wall input drops UDP 69",
        "todo": "nft insert rule ...",
    }


def test_what_to_do_about_the_same_thing_stands_once(capsys: pytest.CaptureFixture[str]) -> None:
    show.line(BAD, GOOD)
    show.line(BAD, BAD)
    first, second = (line for line in capsys.readouterr().out.splitlines() if "->" in line)
    assert BAD.todo in first
    assert second.strip() == "-> as above"
