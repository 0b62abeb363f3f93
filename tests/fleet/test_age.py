"""History that is too old is thrown away for good, so no clock that jumps has it be so."""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.fleet.age import Age
from netbootd.fleet.history import History
from netbootd.fleet.record import Attempt, Record
from tests.support.worlds import CARD

DAY = 86400.0
NEW = 1_700_000_000.0
STORED = History((Record("1", (CARD,), last_seen=NEW - DAY),), (Attempt("b", "1", CARD, NEW - 60, NEW),))


@dataclass
class Clocks:
    wall: float = NEW + 10
    clock: float = 5.0

    def age(self, history: History = STORED) -> Age:
        return Age(history, wall=lambda: self.wall, clock=lambda: self.clock)

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.clock += seconds


def test_it_is_as_late_as_has_passed_since_the_newest_was_written() -> None:
    clocks = Clocks()
    age = clocks.age()
    assert age.now() == NEW
    clocks.pass_(DAY)
    assert age.now() == NEW + DAY


def test_a_clock_that_jumps_ahead_makes_nothing_older() -> None:
    clocks = Clocks()
    age = clocks.age()
    clocks.wall += 200 * DAY
    assert age.now() == NEW
    assert clocks.age().now() == NEW, "nor one that is wrong when netbootd starts"


def test_one_that_is_set_back_counts() -> None:
    clocks = Clocks(wall=NEW - 400 * DAY)
    assert clocks.age().now() == NEW - 400 * DAY


def test_where_nothing_is_stored_yet_it_is_what_it_was_at_the_start() -> None:
    clocks = Clocks()
    age = clocks.age(History())
    clocks.wall += 200 * DAY
    assert age.now() == NEW + 10
