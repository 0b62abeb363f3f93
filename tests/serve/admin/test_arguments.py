"""Kernel arguments by the API."""

from __future__ import annotations

import pytest

from netbootd.boot.args import ArgSetting, Layer
from netbootd.serve.admin.arguments import patched, setting
from netbootd.serve.admin.asked import ArgumentValue
from netbootd.serve.admin.problems import Problem
from tests.support.worlds import args


@pytest.mark.parametrize(
    ("value", "values"),
    [("x", ("x",)), ("", ("",)), (["a", "b"], ("a", "b")), (True, ()), (False, None), ("{{ machine.mac }}", None)],
)
def test_a_value_is_what_settings_would_make_of_it(value: ArgumentValue, values: tuple[str, ...] | None) -> None:
    expected = ("{{ machine.mac }}",) if value == "{{ machine.mac }}" else values
    assert setting("key", value, "ada") == ArgSetting("key", expected, "ada", Layer.MACHINE)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("a b", True, "is not a name a kernel argument can have"),
        ("", True, "is not a name"),
        ("a", 'b"c', "args.a: it holds a double quote"),
        ("a", ["b", "c\nd"], "args.a: it holds a control character"),
        ("a", "${net0/mac}", "which iPXE would expand"),
    ],
)
def test_what_cannot_stand_on_a_command_line_is_refused(key: str, value: ArgumentValue, words: str) -> None:
    with pytest.raises(Problem, match=words):
        setting(key, value, "ada")


def test_null_takes_a_key_away_and_null_for_all_of_them_takes_all() -> None:
    before = args("ada", a="1", b="2", c="3")
    after = patched(before, {"a": None, "b": "4", "d": True}, "bob")
    assert [(each.key, each.values, each.origin) for each in after] == [
        ("c", ("3",), "ada"),
        ("b", ("4",), "bob"),
        ("d", (), "bob"),
    ]
    assert patched(before, None, "bob") == ()
