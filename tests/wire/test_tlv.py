"""Code-length-value lists, with RFC 3396's long options."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.wire.errors import WireError
from netbootd.wire.tlv import TRUNCATED_OPTION, decode_options, encode_options

LISTS = st.dictionaries(st.integers(1, 254), st.binary(max_size=700), max_size=12)


def test_each_option_is_a_code_a_length_and_a_value() -> None:
    assert encode_options({53: b"\x02", 60: b"PXEClient"}) == b"\x35\x01\x02\x3c\x09PXEClient"
    assert decode_options(b"\x35\x01\x02\x3c\x09PXEClient\xff") == {53: b"\x02", 60: b"PXEClient"}


def test_an_empty_value_is_an_option_all_the_same() -> None:
    assert encode_options({80: b""}) == b"\x50\x00"
    assert decode_options(b"\x50\x00\xff") == {80: b""}


def test_pads_are_passed_over_and_what_follows_end_is_not_read() -> None:
    assert decode_options(b"\0\0\x35\x01\x02\0\xff\x3c\xff") == {53: b"\x02"}


def test_a_missing_end_is_accepted_when_the_last_option_is_whole() -> None:
    assert decode_options(b"\x35\x01\x02") == {53: b"\x02"}
    assert decode_options(b"") == {}


@pytest.mark.parametrize("area", [b"\x35", b"\x35\x01", b"\x3c\x09PXE", b"\x35\x01\x02\x3c\xff\xff"])
def test_an_option_longer_than_its_area_is_an_error(area: bytes) -> None:
    with pytest.raises(WireError) as caught:
        decode_options(area)

    assert caught.value.reason == TRUNCATED_OPTION


def test_a_long_value_is_split_into_pieces_that_repeat_the_code() -> None:
    encoded = encode_options({43: bytes(600)})

    assert [encoded[at : at + 2] for at in (0, 257, 514)] == [b"\x2b\xff", b"\x2b\xff", b"\x2b\x5a"]
    assert len(encoded) == 600 + 3 * 2
    assert decode_options(encoded) == {43: bytes(600)}


@pytest.mark.parametrize(("size", "pieces"), [(254, 1), (255, 1), (256, 2), (510, 2), (511, 3)])
def test_the_last_piece_of_a_long_value_is_never_empty(size: int, pieces: int) -> None:
    encoded = encode_options({43: b"x" * size})

    assert len(encoded) == size + 2 * pieces
    assert decode_options(encoded) == {43: b"x" * size}


def test_repeated_options_are_joined_in_the_order_met_even_when_apart() -> None:
    assert decode_options(b"\x43\x02ab\x35\x01\x01\x43\x01c", b"\x43\x02de\xff") == {67: b"abcde", 53: b"\x01"}


def test_an_option_cannot_reach_from_one_area_into_the_next() -> None:
    with pytest.raises(WireError):
        decode_options(b"\x43\x04ab", b"cd")


def test_the_largest_datagram_of_repeats_is_read_in_linear_time() -> None:
    """65507 octets of one-octet pieces: joined once, not copied over for each."""
    assert decode_options(b"\x43\x01x" * 21835) == {67: b"x" * 21835}


@pytest.mark.parametrize("code", [0, 255])
def test_pad_and_end_cannot_be_written_as_options(code: int) -> None:
    with pytest.raises(AssertionError):
        encode_options({code: b""})


@given(LISTS)
@settings(deadline=None)
def test_what_is_written_can_be_read_again_in_its_order(options: dict[int, bytes]) -> None:
    assert list(decode_options(encode_options(options)).items()) == list(options.items())


@given(st.binary(max_size=600))
@settings(deadline=None)
def test_no_octets_do_anything_but_parse_or_raise_wire_error(area: bytes) -> None:
    with suppress(WireError):
        decode_options(area)
