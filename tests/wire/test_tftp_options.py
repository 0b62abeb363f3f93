"""What a read is done with: never more than was asked, never an option that was not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.wire.tftp import ReadRequest
from netbootd.wire.tftp_options import Limits, Terms, agree

LIMITS = Limits(max_blksize=1468, max_windowsize=64, timeout=1.0)


def terms(limits: Limits = LIMITS, **options: str) -> Terms:
    return agree(ReadRequest("f", "octet", tuple(options.items())), 5000, limits)


def test_nothing_asked_is_rfc_1350() -> None:
    assert terms() == Terms(blksize=512, windowsize=1, timeout=1.0, accepted=())


@pytest.mark.parametrize(
    ("asked", "given"), [("8", 8), ("512", 512), ("1468", 1468), ("1469", 1468), ("65464", 1468), ("65535", 1468)]
)
def test_blksize_is_what_was_asked_or_lower(asked: str, given: int) -> None:
    agreed = terms(blksize=asked)
    assert agreed.blksize == given
    assert agreed.accepted == (("blksize", str(given)),)


@pytest.mark.parametrize(("asked", "given"), [("1", 1), ("4", 4), ("64", 64), ("65", 64), ("65535", 64)])
def test_windowsize_is_what_was_asked_or_lower(asked: str, given: int) -> None:
    agreed = terms(windowsize=asked)
    assert agreed.windowsize == given
    assert agreed.accepted == (("windowsize", str(given)),)


def test_a_window_of_jumbo_blocks_stays_within_256_kib() -> None:
    agreed = terms(Limits(max_blksize=65464), blksize="65464", windowsize="64")
    assert agreed.accepted == (("blksize", "65464"), ("windowsize", "4"))


def test_the_timeout_is_taken_as_it_is() -> None:
    agreed = terms(timeout="255")
    assert agreed.timeout == 255.0
    assert agreed.accepted == (("timeout", "255"),)


@pytest.mark.parametrize("asked", ["0", "", "4096", "whatever"])
def test_tsize_is_always_answered_with_the_size(asked: str) -> None:
    agreed = terms(tsize=asked)
    assert agreed.accepted == (("tsize", "5000"),)
    assert agreed.told_size


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("blksize", "7"),
        ("blksize", "65536"),
        ("blksize", "-1"),
        ("blksize", "1432 "),
        ("blksize", "0x200"),
        ("blksize", "९९९"),
        ("blksize", "9" * 5000),
        ("windowsize", "0"),
        ("windowsize", "65536"),
        ("timeout", "0"),
        ("timeout", "256"),
        ("timeout", ""),
        ("multicast", ""),
        ("rollover", "0"),
    ],
)
def test_what_cannot_be_met_is_left_out_and_is_no_error(name: str, value: str) -> None:
    options: dict[str, Any] = {name: value}
    assert terms(**options) == terms()


def test_the_answer_keeps_the_clients_order_and_spelling() -> None:
    agreed = terms(TSIZE="0", multicast="", BlkSize="1024")
    assert agreed.accepted == (("TSIZE", "5000"), ("BlkSize", "1024"))
    assert agreed.told_size


@given(
    st.dictionaries(
        st.sampled_from(["blksize", "tsize", "timeout", "windowsize", "x"]),
        st.one_of(st.text(), st.integers(-5, 70000).map(str)),
    ),
    st.builds(Limits, max_blksize=st.integers(8, 65464), max_windowsize=st.integers(1, 65535)),
)
def test_no_answer_is_ever_more_than_was_asked(options: dict[str, str], limits: Limits) -> None:
    agreed = agree(ReadRequest("f", "octet", tuple(options.items())), 10, limits)
    for name, value in agreed.accepted:
        if name != "tsize":
            assert int(value) <= int(options[name])
    assert agreed.blksize <= max(512, limits.max_blksize)
    assert 1 <= agreed.windowsize <= limits.max_windowsize
