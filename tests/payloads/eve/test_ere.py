"""POSIX extended regular expressions: what GRUB's ``regexp`` would say, whatever the pattern costs."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from netbootd.payloads.eve.ere import PATTERN_LIMIT, PatternError, search

ALPHABET = "ab-.^$|()*+?"


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("XR320", "Atlas XR320\x01", ("XR320",)),
        ("XR320", "XR 320", None),
        ("m7.0", "ProLiant m750 Server", ("m750",)),
        ("Model B Rev.*", "Pi 4 Model B Rev 1.4", ("Model B Rev 1.4",)),
        ("^([^,]*,)gpt", "hd0,gpt3", ("hd0,gpt", "hd0,")),
        ("^([^,]*,)gpt", "http,192.0.2.1", None),
        ("-xen(-amd64$|-arm64$|$)", "17.3.0-xen-amd64", ("-xen-amd64", "-amd64")),
        ("-xen(-amd64$|-arm64$|$)", "17.3.0-xen", ("-xen", "")),
        ("-xen(-amd64$|-arm64$|$)", "17.3.0-xen-next", None),
        ("12-.?34", "12-34", ("12-34",)),
        ("12-.?34", "12-x34", ("12-x34",)),
        ("[[:digit:]]+-[a-c]", "x42-b", ("42-b",)),
        ("[]x]", "]", ("]",)),
        ("[^]x]", "]", None),
        ("(a|b)*c", "xabac", ("abac", "a")),
        ("a\\.b", "axb", None),
        ("", "anything", ("",)),
        ("a*", "", ("",)),
        ("(a)?b", "b", ("b", "")),
    ],
)
def test_it_finds_what_grub_would(pattern: str, text: str, found: tuple[str, ...] | None) -> None:
    assert search(pattern, text) == found


@pytest.mark.parametrize("pattern", ["(", ")", "[", "[a", "*", "a{2}", "\\", "\\w", "[[:x:]]", "(" * 30, "[a-\xff]"])
def test_what_it_cannot_read_it_says(pattern: str) -> None:
    with pytest.raises(PatternError):
        search(pattern, "a")


def test_what_would_keep_a_backtracking_matcher_busy_for_ever_costs_nothing() -> None:
    assert search("(a*)*(a|a)*" * 8 + "b", "a" * 200) is None


def test_a_pattern_has_its_limit() -> None:
    with pytest.raises(PatternError):
        search("a" * (PATTERN_LIMIT + 1), "")


@given(st.text(ALPHABET, max_size=12), st.text("ab-.", max_size=12))
def test_whether_it_matches_agrees_with_pythons_own(pattern: str, text: str) -> None:
    """Where both read the pattern alike: Python gives a mark after a mark a meaning of its own."""
    assume("(?" not in pattern and not re.search(r"[*+?]{2}", pattern))
    try:
        theirs = re.search(pattern.replace("$", r"\Z"), text)
    except re.error:
        return
    assert (search(pattern, text) is None) is (theirs is None)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_the_pattern_only_the_declared_error_comes_out(pattern: str, text: str) -> None:
    with contextlib.suppress(PatternError):
        search(pattern, text)
