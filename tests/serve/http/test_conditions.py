"""What of a file a request gets: RFC 9110 section 13 (conditions) and 14 (ranges) as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.serve.http.conditions import (
    Current,
    Failed,
    Judgement,
    NotModified,
    Part,
    Unsatisfiable,
    Whole,
    judge,
)

BEFORE = "Sat, 21 Nov 2026 00:59:59 GMT"
THEN = "Sat, 21 Nov 2026 01:00:00 GMT"
LATER = "Sat, 21 Nov 2026 01:00:01 GMT"
FILE = Current(size=1000, etag='"now"', modified=1795222800)
EMPTY = Current(size=0, etag='"now"', modified=1795222800)


def get(current: Current = FILE, /, **headers: str) -> Judgement:
    return judge("GET", {name.replace("_", "-"): value for name, value in headers.items()}, current)


@pytest.mark.parametrize(
    ("wanted", "judgement"),
    [
        ("bytes=0-", Part(0, 1000)),
        ("bytes=0-0", Part(0, 1)),
        ("bytes=10-19", Part(10, 10)),
        ("bytes=999-", Part(999, 1)),
        ("bytes=990-5000", Part(990, 10)),
        ("bytes=-1", Part(999, 1)),
        ("bytes=-5000", Part(0, 1000)),
        ("BYTES=1-2", Part(1, 2)),
        ("bytes=1000-", Unsatisfiable()),
        ("bytes=1000-1001", Unsatisfiable()),
        ("bytes=99999999999999999999999-", Unsatisfiable()),
        ("bytes=-0", Unsatisfiable()),
        ("bytes=0-1,5-6", Whole()),
        ("bytes=5-4", Whole()),
        ("bytes=2000-4", Whole()),
        ("bytes=-", Whole()),
        ("bytes=", Whole()),
        ("bytes=a-b", Whole()),
        ("bytes=1-2;", Whole()),
        ("lines=1-2", Whole()),
        ("bytes=" + "9" * 5000 + "-", Whole()),
        ("bytes=١-٢", Whole()),
    ],
)
def test_one_range_is_a_part_and_anything_unusual_the_whole_file(wanted: str, judgement: Judgement) -> None:
    assert get(Range=wanted) == judgement


@pytest.mark.parametrize("wanted", ["bytes=0-", "bytes=-5", "bytes=7-"])
def test_any_range_of_an_empty_file_is_the_empty_file(wanted: str) -> None:
    """GRUB takes a 416 for an error."""
    assert get(EMPTY, Range=wanted) == Whole()


def test_a_head_request_ignores_ranges() -> None:
    assert judge("HEAD", {"Range": "bytes=0-1"}, FILE) == Whole()


@pytest.mark.parametrize(
    ("validator", "judgement"),
    [
        ('"now"', Part(500, 500)),
        ('"then"', Whole()),
        ('W/"now"', Whole()),
        (THEN, Part(500, 500)),
        (BEFORE, Whole()),
        (LATER, Whole()),
        ("nonsense", Whole()),
    ],
)
def test_a_download_is_resumed_only_if_the_file_is_still_the_same(validator: str, judgement: Judgement) -> None:
    """s.13.1.5, the strong comparison: a stale tag must not stitch two files together."""
    assert get(Range="bytes=500-", If_Range=validator) == judgement


def test_if_range_without_a_range_means_nothing() -> None:
    assert get(If_Range='"then"') == Whole()


@pytest.mark.parametrize(
    ("headers", "judgement"),
    [
        ({"If_None_Match": '"now"'}, NotModified()),
        ({"If_None_Match": 'W/"now"'}, NotModified()),
        ({"If_None_Match": '"old", "now"'}, NotModified()),
        ({"If_None_Match": "*"}, NotModified()),
        ({"If_None_Match": '"old"'}, Whole()),
        ({"If_None_Match": '"old"', "If_Modified_Since": LATER}, Whole()),
        ({"If_Modified_Since": THEN}, NotModified()),
        ({"If_Modified_Since": LATER}, NotModified()),
        ({"If_Modified_Since": BEFORE}, Whole()),
        ({"If_Modified_Since": "nonsense"}, Whole()),
        ({"If_Modified_Since": "Sat, 99 Nov 99999 99:99:99 GMT"}, Whole()),
        ({"If_None_Match": '"now"', "Range": "bytes=0-1"}, NotModified()),
        ({"If_Match": '"now"'}, Whole()),
        ({"If_Match": "*"}, Whole()),
        ({"If_Match": '"old"'}, Failed()),
        ({"If_Match": 'W/"now"'}, Failed()),
        ({"If_Match": '"now"', "If_Unmodified_Since": BEFORE}, Whole()),
        ({"If_Unmodified_Since": BEFORE}, Failed()),
        ({"If_Unmodified_Since": THEN}, Whole()),
        ({"If_Match": '"now"', "If_None_Match": '"now"'}, NotModified()),
    ],
)
def test_conditions_are_weighed_in_the_order_of_section_13_2_2(headers: dict[str, str], judgement: Judgement) -> None:
    assert get(**headers) == judgement


def test_something_without_validators_is_always_sent() -> None:
    bare = Current(size=10, etag="", modified=None)
    assert get(bare, If_None_Match='"x"', If_Modified_Since=LATER) == Whole()
    assert get(bare, Range="bytes=2-", If_Range='"x"') == Whole()
    assert get(bare, Range="bytes=2-", If_Range=THEN) == Whole()
    assert get(bare, Range="bytes=2-") == Part(2, 8)


HEADERS = st.sampled_from(
    ["Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"]
)


@given(st.dictionaries(HEADERS, st.text(max_size=60)), st.integers(0, 5000))
def test_no_header_breaks_it_and_a_part_lies_inside_the_file(headers: dict[str, str], size: int) -> None:
    judgement = judge("GET", headers, Current(size, '"now"', 0))
    if isinstance(judgement, Part):
        assert judgement.count > 0
        assert 0 <= judgement.offset <= size - judgement.count


@given(st.from_regex(r"\Abytes=[0-9]{0,6}-[0-9]{0,6}\Z"), st.integers(1, 5000))
def test_every_single_range_is_answered_within_the_file(wanted: str, size: int) -> None:
    judgement = judge("GET", {"Range": wanted}, Current(size, '"now"', 0))
    assert isinstance(judgement, Whole | Part | Unsatisfiable)
    if isinstance(judgement, Part):
        assert 0 <= judgement.offset < judgement.offset + judgement.count <= size
