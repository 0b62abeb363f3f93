"""What a probe says."""

from __future__ import annotations

from netbootd.cli.doctor.line import Status, fail, ok, skipped, warn


def test_only_what_is_wrong_says_what_to_do() -> None:
    assert ok("a", "tried", "found").todo == ""
    assert [each.status for each in (warn("a", "t", "f", "do"), fail("a", "t", "f", "do"))] == [
        Status.WARN,
        Status.FAIL,
    ]


def test_what_needs_more_rights_says_how_to_get_them() -> None:
    assert skipped("a", "t", "root alone may", "sudo").todo == "sudo"
