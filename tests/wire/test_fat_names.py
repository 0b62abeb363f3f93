"""Long names and their 8.3 aliases."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.wire.fat_names import FatError, aliases, check_name, checksum, folded, long_entries, pieces_of

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=30) | st.from_regex(
    r"[a-zA-Z ~_.]{1,12}", fullmatch=True
)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["server"], [b"SERVER     "]),
        (["grub.cfg"], [b"GRUB    CFG"]),
        (["root-certificate.pem"], [b"ROOT-C~1PEM"]),
        (["bootstrap-config.pb"], [b"BOOTST~1PB "]),
        (["DevicePortConfig"], [b"DEVICE~1   "]),
        (["onboard.cert.pem", "onboard.key.pem"], [b"ONBOAR~1PEM", b"ONBOAR~2PEM"]),
        (["override.json"], [b"OVERRI~1JSO"]),
        ([".hidden"], [b"HIDDEN~1   "]),
        (["a b"], [b"AB~1       "]),
        (["Größe"], [b"GR_SSE~1   "]),
        (["+", "=", "ü"], [b"_~1        ", b"_~2        ", b"_~3        "]),
        (["..."], [b"_~1        "]),
    ],
    ids=str,
)
def test_a_name_that_is_not_8_3_gets_an_alias_with_a_number(names: list[str], expected: list[bytes]) -> None:
    assert [aliases(names)[name] for name in names] == expected


def test_numbers_grow_into_the_name() -> None:
    names = [f"certificate number {number}" for number in range(12)]
    assert [aliases(names)[name] for name in (names[8], names[9])] == [b"CERTIF~9   ", b"CERTI~10   "]


def test_an_alias_made_up_never_hides_a_file_that_has_that_name() -> None:
    """Linux takes the first entry whose long or short name is the one asked for."""
    assert aliases(["onboarding", "onboar~1"]) == {"onboar~1": b"ONBOAR~1   ", "onboarding": b"ONBOAR~2   "}


@given(st.lists(NAMES, max_size=30, unique_by=folded))
def test_aliases_differ_and_are_8_3(names: list[str]) -> None:
    made = aliases(names)
    assert set(made) == set(names)
    assert len(set(made.values())) == len(names)
    for alias in made.values():
        assert re.fullmatch(rb"[A-Z0-9$%'_@~`!(){}^#&-]+ *", alias[:8])
        assert re.fullmatch(rb"[A-Z0-9$%'_@~`!(){}^#&-]* *", alias[8:])
        assert len(alias) == 11


def test_many_names_that_begin_alike_take_no_longer_each() -> None:
    names = [f"interface-{number}.json" for number in range(5000)]
    assert len(set(aliases(names).values())) == 5000


def test_a_long_name_is_entries_of_13_units_the_last_first() -> None:
    ours = bytes((0x0F, 0, checksum(b"ROOT-C~1PEM")))
    assert list(long_entries("root-certificate.pem", b"ROOT-C~1PEM")) == [
        b"\x42" + _wide("ate.p") + ours + _wide("em\0\uffff\uffff\uffff") + b"\0\0" + _wide("\uffff\uffff"),
        b"\x01" + _wide("root-") + ours + _wide("certif") + b"\0\0" + _wide("ic"),
    ]


def _wide(text: str) -> bytes:
    return text.encode("utf-16-le")


@pytest.mark.parametrize(("name", "count"), [("a", 1), ("n" * 13, 1), ("n" * 14, 2), ("n" * 255, 20), ("😀" * 7, 2)])
def test_a_name_takes_as_many_entries_as_its_units_need(name: str, count: int) -> None:
    assert len(list(long_entries(name, b"A          "))) == pieces_of(name) == count


def test_a_name_that_fills_its_last_entry_has_no_end_mark() -> None:
    (entry,) = long_entries("thirteenchars", b"THIRTE~1   ")
    assert entry[28:] == _wide("rs")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        (".", "end in a dot"),
        ("..", "end in a dot"),
        ("name.", "end in a dot"),
        ("name ", "blank"),
        ("a:b", "':'"),
        ("a\\b", "'\\\\'"),
        ("what?", "'?'"),
        ("a\nb", "'\\n'"),
        ("n" * 256, "256 characters; FAT ends at 255"),
        ("😀" * 128, "256 characters"),
        ("\ud800", "Unicode"),
    ],
)
def test_what_fat_cannot_hold_is_refused_with_the_path_and_the_reason(name: str, why: str) -> None:
    with pytest.raises(FatError, match=re.escape(why)) as caught:
        check_name(name, f"GlobalConfig/{name}")
    assert "GlobalConfig" in str(caught.value)


@pytest.mark.parametrize("name", ["server", ".hidden", "a b", "n" * 255, "Größe", "😀", "a+b,c;d=[e]", "con"])
def test_what_fat_can_hold_is_not_refused(name: str) -> None:
    check_name(name, name)


def test_names_are_the_same_when_only_capitals_differ() -> None:
    assert folded("Server.PEM") == folded("sERVER.pem")
    assert folded("GRÖSSE") == folded("grösse")
    assert folded("große") != folded("grosse")
