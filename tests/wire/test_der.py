"""DER's elements, one level of them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.wire.der import Element, elements
from netbootd.wire.errors import WireError


def test_elements_follow_each_other() -> None:
    assert elements(bytes.fromhex("0201053003020107")) == (Element(2, b"\5"), Element(0x30, b"\2\1\7"))


def test_none_are_none() -> None:
    assert elements(b"") == ()


@pytest.mark.parametrize("size", [0, 127, 128, 255, 256, 70_000])
def test_a_length_may_take_several_octets(size: int) -> None:
    """8.1.3.5: below 128 in one octet, else the number of them first."""
    octets = size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    length = bytes((size,)) if size < 128 else bytes((0x80 | len(octets),)) + octets
    assert elements(b"\4" + length + bytes(size)) == (Element(4, bytes(size)),)


@pytest.mark.parametrize("data", ["30", "3002ff", "0201053003ff", "3080", "3084ffffffff", "308201", "3085010000000000"])
def test_what_is_cut_off_or_has_no_such_length_is_refused(data: str) -> None:
    with pytest.raises(WireError):
        elements(bytes.fromhex(data))


@given(st.binary(max_size=64))
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(WireError):
        assert sum(len(each.content) + 2 for each in elements(data)) <= len(data)


def test_a_key_is_not_shown() -> None:
    assert "secret" not in repr(Element(4, b"secret"))
