"""How far a transfer is: told once a second, and never of one that takes less."""

from __future__ import annotations

from netbootd.serve.pace import EVERY, Pace, Paces, every


def test_it_is_told_once_a_second_whatever_the_pieces() -> None:
    now, told = 100.0, list[tuple[int, float]]()
    pace = Pace(lambda sent, seconds: told.append((sent, seconds)), clock=lambda: now)
    for _ in range(32):
        now += EVERY / 8
        pace(5)
    assert [seconds for _, seconds in told] == [1.0, 2.0, 3.0, 4.0]
    assert [sent for sent, _ in told] == [40, 80, 120, 160]


def test_nothing_is_told_of_one_that_is_through_sooner() -> None:
    told = list[int]()
    pace = Pace(lambda sent, _seconds: told.append(sent), clock=lambda: 0.0)
    for _ in range(1000):
        pace(1 << 20)
    assert told == []
    assert pace.sent == 1000 << 20


def test_it_knows_how_long_it_has_been() -> None:
    now = 1.0
    pace = Pace(lambda _sent, _seconds: None, clock=lambda: now)
    now = 3.5
    assert pace.seconds == 2.5


def test_many_at_once_are_told_of_no_more_often_than_some() -> None:
    assert [every(running) for running in (1, 50, 500, 5000)] == [EVERY, EVERY, 10.0, 100.0]


def test_who_runs_is_counted_while_it_runs() -> None:
    paces = Paces()
    with paces.pace(lambda _sent, _seconds: None), paces.pace(lambda _sent, _seconds: None):
        assert paces.running == 2
    assert paces.running == 0
