"""Streams described instead of held: what is cut, joined and replaced is what bytes would be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.wire.segments import Extent, Segments

FILES: dict[str | int, bytes] = {"iso": bytes(range(256)) * 40, 7: bytes(reversed(range(256))) * 40}


def read(extent: Extent) -> bytes:
    return FILES[extent.source][extent.offset : extent.offset + extent.length]


@st.composite
def extents(draw: st.DrawFn) -> Extent:
    source = draw(st.sampled_from(sorted(FILES, key=str)))
    offset = draw(st.integers(0, len(FILES[source])))
    return Extent(source, offset, draw(st.integers(0, len(FILES[source]) - offset)))


LITERALS = st.binary(max_size=40) | st.sampled_from([b"\x55" * 3000, b"\xaa" * 5000])
STREAMS = st.lists(LITERALS | extents() | st.integers(0, 200_000).map(Segments.zeros), max_size=8).map(
    lambda parts: Segments.of(*parts)
)


@st.composite
def ranges(draw: st.DrawFn, streams: st.SearchStrategy[Segments] = STREAMS) -> tuple[Segments, int, int]:
    """A stream and the two ends of a range in it."""
    stream = draw(streams)
    first, second = draw(st.integers(0, stream.length)), draw(st.integers(0, stream.length))
    return stream, min(first, second), max(first, second)


@given(ranges())
def test_a_slice_holds_the_bytes_a_slice_of_the_bytes_holds(drawn: tuple[Segments, int, int]) -> None:
    stream, start, stop = drawn
    part = stream.slice(start, stop - start)
    assert part.joined(read) == stream.joined(read)[start:stop]
    assert part.length == stop - start


@given(ranges(), STREAMS)
def test_a_range_replaced_is_the_bytes_with_that_range_replaced(
    drawn: tuple[Segments, int, int], other: Segments
) -> None:
    stream, start, stop = drawn
    whole = stream.joined(read)
    assert stream.replace(start, stop, other).joined(read) == whole[:start] + other.joined(read) + whole[stop:]


@given(ranges(), STREAMS, st.data())
def test_a_range_of_a_stream_with_a_part_replaced_is_a_slice_of_the_replaced_bytes(
    drawn: tuple[Segments, int, int], other: Segments, data: st.DataObject
) -> None:
    replaced = drawn[0].replace(drawn[1], drawn[2], other)
    _, start, stop = data.draw(ranges(st.just(replaced)))
    assert replaced.slice(start, stop - start).joined(read) == replaced.joined(read)[start:stop]


@given(STREAMS, STREAMS)
def test_two_streams_added_are_their_bytes_added(first: Segments, second: Segments) -> None:
    assert (first + second).joined(read) == first.joined(read) + second.joined(read)
    assert (first + second).length == first.length + second.length


@given(STREAMS, st.sampled_from([1, 4, 512, 2048]))
def test_padding_is_zeros_up_to_the_alignment(stream: Segments, alignment: int) -> None:
    padded = stream.padded(alignment)
    assert padded.length % alignment == 0
    assert padded.joined(read) == stream.joined(read) + bytes(padded.length - stream.length)
    assert padded.length - stream.length < alignment


@given(ranges())
def test_no_piece_is_empty_and_the_length_is_that_of_the_pieces(drawn: tuple[Segments, int, int]) -> None:
    stream, start, stop = drawn
    for each in (stream, stream.slice(start, stop - start)):
        sizes = [len(piece.joined(read)) for piece in map(Segments.of, each.pieces)]
        assert all(sizes)
        assert each.length == sum(sizes)


def test_a_literal_is_shared_and_not_copied_by_slicing() -> None:
    image = bytes(5 << 20)
    (piece,) = Segments.of(image).slice(1, 4 << 20).pieces
    assert isinstance(piece, memoryview)
    assert piece.obj is image


def test_zeros_of_any_length_share_one_page() -> None:
    pages = {id(piece.obj) for piece in Segments.zeros(5 << 20).pieces if isinstance(piece, memoryview)}
    assert len(pages) == 1


def test_the_two_halves_of_an_extent_put_together_are_one_extent_again() -> None:
    whole = Segments.of(Extent("iso", 0, 1 << 40))
    assert whole.slice(0, 700) + whole.slice(700, (1 << 40) - 700) == whole


def test_extents_that_do_not_follow_each_other_stay_two() -> None:
    apart = (Extent("iso", 0, 10), Extent("iso", 11, 10), Extent(7, 21, 5))
    assert Segments.of(*apart).pieces == apart


def test_short_literals_that_meet_become_one_write() -> None:
    assert Segments.of(b"padding", b"", b"header", Extent("iso", 0, 1), b"\0").pieces == (
        memoryview(b"paddingheader"),
        Extent("iso", 0, 1),
        memoryview(b"\0"),
    )


def test_nothing_is_a_stream_of_no_bytes() -> None:
    assert Segments() == Segments.of() == Segments.of(b"", Extent("iso", 5, 0)) == Segments.zeros(0)
    assert Segments().length == 0
    assert Segments().joined() == b""


@pytest.mark.parametrize(("start", "length"), [(-1, 2), (0, 11), (11, 0), (3, -1), (5, 6)])
def test_asking_beyond_the_ends_is_our_own_mistake(start: int, length: int) -> None:
    with pytest.raises(AssertionError):
        Segments.of(b"0123456789").slice(start, length)


def test_a_range_backwards_an_extent_below_zero_and_an_extent_nobody_fetches_are_our_own_mistakes() -> None:
    with pytest.raises(AssertionError):
        Segments.of(b"0123456789").replace(5, 4, Segments())
    with pytest.raises(AssertionError):
        Extent("iso", -1, 3)
    with pytest.raises(AssertionError):
        Segments.of(Extent("iso", 0, 1)).joined()
