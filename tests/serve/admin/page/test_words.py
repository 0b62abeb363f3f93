"""Times, sizes and stages, as the page says them."""

from __future__ import annotations

import pytest

from netbootd.fleet.record import Outcome, Reached
from netbootd.serve.admin.page.words import OUTCOMES, STAGES, ago, clock, marked, rate, span, when


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "now"), (12.0, "12 s ago"), (59.6, "60 s ago"), (90.0, "2 min ago"), (7200.0, "2 h ago"), (3e5, "3 d ago")],
)
def test_how_long_ago(seconds: float, words: str) -> None:
    assert ago(1000.0, 1000.0 + seconds) == words


def test_what_is_to_come() -> None:
    assert ago(1300.0, 1000.0) == "in 5 min"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "40 ms"), (2.34, "2.3 s"), (200.0, "3 min 20 s"), (7500.0, "2 h 5 min")]
)
def test_how_long_it_took(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_how_fast() -> None:
    assert rate(2_000_000, 4.0) == "500 kB/s"
    assert rate(0, 4.0) == rate(10, 0.0) == ""


def test_the_very_time_is_behind_the_words() -> None:
    assert when(1700000000.4, 1700000060.0) == (
        '<time datetime="2023-11-14T22:13:20Z" title="2023-11-14T22:13:20Z" data-at="1700000000">60 s ago</time>'
    )
    assert ">22:13:20</time>" in clock(1700000000.0)
    assert when(None, 1.0) == "never"


def test_every_stage_and_outcome_has_its_words() -> None:
    assert set(STAGES) == set(Reached)
    assert set(OUTCOMES) == set(Outcome)


def test_what_is_to_be_typed_is_marked_and_the_rest_escaped() -> None:
    assert marked("set `x: <y>` & go") == "Set <code>x: &lt;y&gt;</code> &amp; go"
    assert marked("an odd ` one") == "An odd <code> one</code>"
    assert marked("") == ""
