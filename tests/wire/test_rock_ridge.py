"""System use areas: the names and kinds Rock Ridge adds, and areas that go on elsewhere."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.wire import rock_ridge
from netbootd.wire.errors import WireError
from netbootd.wire.rock_ridge import Fetch, SystemUse, skipped, system_use
from tests.support.iso import SUSP, child, continued, entry, mode, name


def nowhere(block: int, offset: int, length: int) -> bytes:
    raise AssertionError(f"nothing goes on at {block}, {offset}, {length}")


def areas(**parts: bytes) -> Fetch:
    """``bN=`` is what a continuation in block N holds."""
    return lambda block, offset, length: parts[f"b{block}"][offset : offset + length]


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (SUSP, 0),
        (SUSP[:-1] + b"\x0e", 14),
        (bytes(14) + SUSP, 0),
        (SUSP + name(b"more"), 0),
        (b"", None),
        (SUSP[:-1], None),
        (bytes(13) + SUSP, None),
        (SUSP.replace(b"\xbe\xef", b"\xef\xbe"), None),
        (name(b"first") + SUSP, None),
    ],
    ids=repr,
)
def test_the_root_says_whether_susp_is_used_and_what_to_pass_over(area: bytes, expected: int | None) -> None:
    """SP comes first, or after the 14 bytes of CD-ROM XA."""
    assert skipped(area) == expected


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (b"", SystemUse()),
        (name(b"Kernel"), SystemUse(name=b"Kernel")),
        (name(b"Ker", 1) + mode(0o100755) + name(b"nel"), SystemUse(name=b"Kernel", mode=0o100755)),
        (name(b"", 2) + name(b"", 4), SystemUse()),
        (entry(b"SL", b"\0\0\x04boot"), SystemUse(link=True)),
        (child(77), SystemUse(child=77)),
        (entry(b"RE", b""), SystemUse(relocated=True)),
        (entry(b"ZF", b"pz\x04\x0f" + bytes(8)), SystemUse(compressed=True)),
        (entry(b"TF", b"\x0e" + bytes(21)) + name(b"a"), SystemUse(name=b"a")),
        (entry(b"NM", b""), SystemUse()),
        (name(b"a") + b"\0\0\0\0\0", SystemUse(name=b"a")),
        (name(b"a") + b"xyz", SystemUse(name=b"a")),
        (name(b"a") + entry(b"ST", b"") + name(b"not read"), SystemUse(name=b"a")),
    ],
    ids=repr,
)
def test_what_the_entries_say(area: bytes, expected: SystemUse) -> None:
    assert system_use(area, nowhere) == expected


def test_a_long_name_goes_on_in_a_continuation_area_read_after_the_record_own() -> None:
    area = continued(9, 4, 9) + name(b"first-", 1)
    assert system_use(area, areas(b9=b"????" + name(b"last"))) == SystemUse(name=b"first-last")


def test_a_continuation_area_may_itself_go_on() -> None:
    fetch = areas(b9=name(b"b", 1) + continued(8, 0, 6), b8=name(b"c"))
    assert system_use(name(b"a", 1) + continued(9, 0, 34), fetch) == SystemUse(name=b"abc")


def test_continuation_areas_without_end_are_an_error() -> None:
    with pytest.raises(WireError) as caught:
        system_use(continued(9, 0, 28), areas(b9=continued(9, 0, 28)))
    assert caught.value.reason == rock_ridge.TOO_MANY_CONTINUATIONS


def test_a_name_longer_than_any_linux_has_is_an_error() -> None:
    system_use(name(b"n" * 200, 1) + name(b"n" * 55), nowhere)
    with pytest.raises(WireError) as caught:
        system_use(name(b"n" * 200, 1) + name(b"n" * 56), nowhere)
    assert caught.value.reason == rock_ridge.NAME_TOO_LONG


@pytest.mark.parametrize(
    "area", [b"NM\x03\x01", b"NM\x06\x01a", b"PX\x07\x01abc", b"CE\x04\x01", b"CL\x04\x01"], ids=repr
)
def test_an_entry_that_cannot_be_is_an_error(area: bytes) -> None:
    with pytest.raises(WireError) as caught:
        system_use(area, nowhere)
    assert caught.value.reason == rock_ridge.BAD_ENTRY


ENTRIES = st.builds(entry, st.sampled_from([b"NM", b"CE", b"CL", b"PX", b"SL", b"ST", b"XX"]), st.binary(max_size=40))


@given(st.lists(ENTRIES | st.binary(max_size=8), max_size=6).map(b"".join), st.binary(max_size=200))
def test_no_bytes_do_anything_but_parse_or_raise_wire_error(area: bytes, elsewhere: bytes) -> None:
    skipped(area)
    with suppress(WireError):
        system_use(area, lambda block, offset, length: elsewhere[offset : offset + length])
