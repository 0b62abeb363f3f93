"""Text from elsewhere, made fit to be shown."""

from __future__ import annotations

import pytest

from netbootd.wire.text import printable


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("node-1", "node-1"),
        ("a\nb\r\tc", "a?b??c"),
        ("\x1b[2Jgone", "?[2Jgone"),
        ("\u202egnp.exe", "?gnp.exe"),  # a right-to-left override turns a name round on the screen
        ("line\u2028break", "line?break"),
        ("\udcff", "?"),  # a byte that was not UTF-8
        ("Müller's Büro", "Müller's Büro"),
    ],
)
def test_text_from_the_wire_cannot_break_a_line_or_steer_a_terminal(hostile: str, shown: str) -> None:
    assert printable(hostile) == shown


def test_long_text_is_cut_where_it_can_be_seen() -> None:
    assert printable("x" * 120) == "x" * 120
    assert printable("x" * 121) == "x" * 119 + "…"
    assert printable("x" * 1_000_000, 5) == "xxxx…"
