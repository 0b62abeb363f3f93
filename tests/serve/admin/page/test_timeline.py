"""A boot as a picture: to scale while something happens, silence as silence, and everything where it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netbootd.fleet.record import Attempt, Outcome, Reached, Step, Transfer
from netbootd.serve.admin.page.timeline import Chart, chart, measure
from netbootd.wire.mac import Mac

MAC = Mac.parse("52:54:00:00:00:01")
MB = 1_000_000


def boot(*steps: Step, outcome: Outcome = Outcome.INSTALLED) -> Attempt:
    last = max((step.last for step in steps), default=0.0)
    return Attempt("1", "r", MAC, min((step.at for step in steps), default=0.0), last, outcome, steps)


def step(
    at: float, stage: Reached = Reached.FILE, seconds: float = 0.0, size: int = 0, last: float | None = None
) -> Step:
    moved = Transfer("http", size, size, seconds) if seconds or size else None
    return Step(stage, at, size, last=at if last is None else last, transfer=moved)


def drawn(*steps: Step, now: float = 0.0, outcome: Outcome = Outcome.INSTALLED) -> Chart:
    return chart(boot(*steps, outcome=outcome), now)


def test_each_thing_that_happened_has_its_lane_in_the_order_of_time() -> None:
    found = drawn(step(3.0, Reached.SCRIPT), step(0.0, Reached.FIRMWARE), step(1.0, Reached.IPXE))
    assert [lane.label for lane in found.lanes] == ["firmware asks", "iPXE asks", "script"]
    assert [lane.kind for lane in found.lanes] == ["dhcp", "dhcp", "data"]
    assert [lane.top for lane in found.lanes] == sorted(lane.top for lane in found.lanes)


def test_places_are_to_scale_while_something_happens() -> None:
    found = drawn(step(0.0), step(2.0), step(4.0))
    first, second, third = (lane.x for lane in found.lanes)
    assert second - first == pytest.approx(third - second)
    assert (first, third) == (1.0, 99.0)


def test_a_transfer_is_as_long_as_it_took_though_it_is_told_of_at_its_end() -> None:
    (lane,) = drawn(step(10.0, seconds=10.0, size=MB)).lanes
    assert (lane.x, lane.x + lane.width) == (1.0, 99.0)


def test_a_long_silence_takes_little_room_and_says_how_long_it_was() -> None:
    found = drawn(step(0.0), step(2.0), step(3602.0, Reached.SYSTEM))
    (gap,) = found.gaps
    assert gap.text == "1 h 0 min"
    assert gap.width == 16.0
    assert [tick.text for tick in found.ticks] == ["0", "+2 s", "+1 h"]


def test_where_there_was_nothing_but_silence_it_takes_all_the_room() -> None:
    found = drawn(step(0.0), now=71.0, outcome=Outcome.RUNNING)
    (gap,) = found.gaps
    assert (gap.x, gap.x + gap.width) == (1.0, 99.0)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.3, ["0", "+0.1 s", "+0.2 s", "+0.3 s"]),
        (1.2, ["0", "+0.5 s", "+1 s", "+1.2 s"]),
        (17.6, ["0", "+5 s", "+10 s", "+15 s", "+17.6 s"]),
        (240.0, ["0", "+1 min", "+2 min", "+3 min", "+4 min"]),
    ],
)
def test_without_silence_the_axis_has_times_that_are_easily_said(seconds: float, words: list[str]) -> None:
    assert [tick.text for tick in drawn(step(seconds, seconds=seconds)).ticks] == words


def test_where_there_is_little_room_the_ends_of_the_axis_stay() -> None:
    found = drawn(step(0.0), step(2.0), step(3602.0, Reached.SYSTEM))
    assert [tick.extra for tick in found.ticks] == [False, True, False]


def test_a_short_wait_is_no_silence() -> None:
    assert drawn(step(0.0), step(4.0), step(11.0)).gaps == ()


@pytest.mark.parametrize("outcome", [Outcome.RUNNING, Outcome.ABANDONED])
def test_a_boot_that_has_not_ended_shows_how_long_nothing_has_happened(outcome: Outcome) -> None:
    found = drawn(step(0.0), step(5.0), now=65.0, outcome=outcome)
    (gap,) = found.gaps
    assert gap.text == "60.0 s"
    assert gap.x + gap.width == 99.0
    assert gap.anchor == "end", "its words do not hang over the edge"


def test_one_that_has_ended_does_not() -> None:
    assert drawn(step(0.0), step(5.0), now=65.0).gaps == ()


def test_several_silences_leave_room_for_the_rest() -> None:
    found = drawn(*(step(100.0 * n, seconds=3.0) for n in range(1, 9)))
    assert len(found.gaps) == 7
    assert sum(gap.width for gap in found.gaps) <= 60.5


def test_a_boot_of_which_nothing_is_kept_is_an_empty_picture() -> None:
    found = drawn(outcome=Outcome.ABANDONED, now=1000.0)
    assert found.lanes == ()
    assert found.said == "0 stages in 0 ms: came no further"


def test_it_says_in_a_sentence_what_it_shows() -> None:
    assert drawn(step(0.0), step(31.0)).said == "2 stages in 31.0 s: installed"


def test_of_a_path_the_end_is_shown_and_of_words_the_beginning() -> None:
    path, words = f"{'long/' * 20}vmlinuz", "said " * 20
    one, other = drawn(replace(step(0.0), file=path), replace(step(1.0), detail=words)).lanes
    assert one.detail.startswith("…")
    assert one.detail.endswith("/vmlinuz")
    assert len(one.detail) == 46
    assert other.detail == words, "the page cuts it where there is no more room"


@pytest.mark.parametrize(
    ("transfer", "words"),
    [
        (Transfer("tftp", 262_144, 262_144, 0.8, 1468, 4, 3), "262 kB, 328 kB/s, 3 sent again"),
        (Transfer("http", 61 * MB, MB, 30.0), "1.0 MB of 61 MB, 33 kB/s"),
        (Transfer("http", 0, 512), "512 bytes"),
    ],
)
def test_how_much_how_fast_and_what_was_sent_again(transfer: Transfer, words: str) -> None:
    assert measure(Step(Reached.FILE, 0.0, transfer=transfer)) == words


moments = st.floats(0.0, 1e6, allow_nan=False)


@example([(0.0, 0.0, 2.2250738585e-313)], Outcome.RUNNING, 0.0)
@given(st.lists(st.tuples(moments, moments, st.floats(0.0, 1e5)), max_size=12), st.sampled_from(Outcome), moments)
def test_whatever_happened_stays_within_the_picture_and_in_order(
    spans: list[tuple[float, float, float]], outcome: Outcome, after: float
) -> None:
    attempt = boot(*(step(at, seconds=took, last=at + more) for at, more, took in spans), outcome=outcome)
    found = chart(attempt, attempt.last + after)
    for lane in found.lanes:
        assert 0.9 <= lane.x <= lane.x + lane.width <= 99.2
    assert [lane.x for lane in found.lanes] == sorted(lane.x for lane in found.lanes)
    for gap in found.gaps:
        assert 0.9 <= gap.x <= gap.x + gap.width <= 99.2
    assert all(0.9 <= tick.x <= 99.2 for tick in found.ticks)
