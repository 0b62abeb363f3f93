"""What is on its way, and how far: told of once a second, ended by the event of its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from netbootd.observe.events import ArtifactServed, Event, TftpAborted, TftpFinished, TransferMoved
from netbootd.observe.running import Running

MAC, IP = "52:54:00:12:34:56", "192.0.2.7"


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def moved(sent: int, seconds: float, file: str = "a", mac: str = MAC) -> TransferMoved:
    return TransferMoved(file=file, via="http", sent=sent, size=1000, seconds=seconds, mac=mac, ip=IP)


def served(file: str = "a", mac: str = MAC) -> Event:
    return ArtifactServed(file=file, status=200, size=1000, sent=10, seconds=1.0, complete=False, mac=mac, ip=IP)


def test_a_machine_shows_how_far_it_is_and_how_fast_of_late() -> None:
    clock = Clock()
    running = Running(clock)
    running(moved(100, 1.0))
    clock.now = 3.0
    running(moved(700, 3.0))
    found = running.of([MAC])
    assert found
    assert (found.file, found.via, found.sent, found.size, found.seconds) == ("a", "http", 700, 1000, 3.0)
    assert found.rate == 300.0
    clock.now = 45.0
    assert running.quiet(found) == 42.0


def test_one_that_begins_anew_is_as_fast_as_it_is_now() -> None:
    running = Running()
    running(moved(900, 3.0))
    running(moved(50, 1.0))
    found = running.of([MAC])
    assert found
    assert (found.sent, found.rate) == (50, 50.0)


@pytest.mark.parametrize(
    "end",
    [
        served,
        lambda: TftpAborted(file="a", reason="TIMED_OUT", mac=MAC, ip=IP),
        lambda: TftpFinished(
            file="a", size=1000, seconds=1.0, blksize=512, windowsize=1, retransmits=0, mac=MAC, ip=IP
        ),
    ],
)
def test_it_is_over_with_its_end_whatever_that_is(end: Callable[[], Event]) -> None:
    running = Running()
    running(moved(100, 1.0))
    running(end())
    assert running.of([MAC]) is None
    assert len(running) == 0


def test_of_several_files_the_one_that_moved_last_is_shown_and_each_ends_alone() -> None:
    clock = Clock()
    running = Running(clock)
    running(moved(100, 1.0, "a"))
    clock.now = 1.0
    running(moved(100, 1.0, "b"))
    assert [found.file for found in [running.of([MAC])] if found] == ["b"]
    running(served("b"))
    assert [found.file for found in [running.of([MAC])] if found] == ["a"]


def test_an_address_whose_machine_became_known_meanwhile_is_forgotten_too() -> None:
    running = Running()
    running(moved(100, 1.0, mac=""))
    running(served())
    assert len(running) == 0


def test_an_end_that_was_missed_is_not_shown_for_ever() -> None:
    clock = Clock()
    running = Running(clock)
    running(moved(100, 1.0))
    clock.now = 3600.0
    assert running.of([MAC]) is None
    assert not running.ways()


def test_files_on_their_way_are_counted_by_the_way_they_go() -> None:
    running = Running()
    running(moved(100, 1.0, "a"))
    running(moved(100, 1.0, "b"))
    running(TransferMoved(file="c", via="tftp", sent=1, size=10, seconds=1.0, ip="192.0.2.8"))
    assert running.ways() == {"http": 2, "tftp": 1}


def test_a_flood_is_bounded_counted_and_hides_nobody_who_moves() -> None:
    running = Running(room=100)
    for number in range(1000):
        running(moved(number + 1, 1.0 + number))
        running(moved(1, 1.0, mac=f"02:00:00:00:{number // 256:02x}:{number % 256:02x}"))
        running(moved(1, 1.0, f"file {number}"))
    assert len(running) == 100
    assert running.dropped == 901
    assert running.of([MAC])
