"""GRUB's conditions."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.payloads.eve.grubsyntax import MenuError
from netbootd.payloads.eve.grubtest import holds


def is_file(path: str) -> bool:
    return path == "/there"


def true(*args: str) -> bool:
    return holds(args, is_file)


@pytest.mark.parametrize(
    "args",
    [
        ("a", "=", "a"),
        ("a", "==", "a"),
        ("a", "!=", "b"),
        ("", "=", ""),
        ("a", "<", "b"),
        ("9", "-lt", "10"),
        ("-1", "-le", "0"),
        ("x", "-eq", "0"),
        ("-n", "a"),
        ("-z", ""),
        ("-f", "/there"),
        ("-e", "/there"),
        ("!", "-f", "/missing"),
        ("!", "!", "a"),
        ("a",),
        ("-n", "a", "-a", "-f", "/there"),
        ("a", "=", "b", "-o", "c", "=", "c"),
        ("(", "a", "=", "b", "-o", "a", ")", "-a", "b"),
        ("a", "-o", "", "-a", ""),
        ("-n",),
    ],
)
def test_what_holds(args: tuple[str, ...]) -> None:
    assert true(*args)


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("",),
        ("a", "=", "b"),
        ("-n", ""),
        ("-f", "/missing"),
        ("(", "a", "-o", "b", ")", "-a", ""),
        ("", "-o", ""),
        ("a", "!=", "xen", "-a", "a", "!=", "a"),
    ],
)
def test_what_does_not(args: tuple[str, ...]) -> None:
    assert not true(*args)


@pytest.mark.parametrize("args", [("(", "a"), ("a", ")"), ("a",) * 65])
def test_what_is_no_condition(args: tuple[str, ...]) -> None:
    with pytest.raises(MenuError):
        true(*args)


@given(st.lists(st.sampled_from(["-a", "-o", "!", "(", ")", "=", "-n", "-f", "-eq", "a", ""]), max_size=70))
def test_whatever_the_words_only_the_declared_error_comes_out(args: list[str]) -> None:
    with contextlib.suppress(MenuError):
        true(*args)
