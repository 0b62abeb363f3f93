"""A machine in one row: where it stands in the fleet, and how far its boot is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.fleet.lifecycle import Standing, State
from netbootd.fleet.record import Attempt, Outcome, Reached, Record, Step, Transfer
from netbootd.serve.admin.page.glance import Rank, is_booting, key_of, progress_of, rank_of, stage_words
from netbootd.serve.admin.roster import Seat
from netbootd.wire.mac import Mac

MAC = Mac.parse("52:54:00:00:00:01")


def boot(*steps: Step, files: tuple[str, ...] = (), outcome: Outcome = Outcome.RUNNING) -> Attempt:
    return Attempt("1", "r", MAC, 0.0, max((step.last for step in steps), default=0.0), outcome, steps, files=files)


def at(stage: Reached, when: float = 1.0) -> Step:
    return Step(stage, when, last=when)


def fetched(name: str, sent: int, size: int, when: float = 1.0) -> Step:
    return Step(Reached.FILE, when, sent, last=when, file=name, transfer=Transfer("http", size, sent, 1.0))


@pytest.mark.parametrize(
    ("state", "booting", "troubled", "rank"),
    [
        (State.INSTALLED, False, True, Rank.TROUBLE),
        (State.FAILED, False, False, Rank.TROUBLE),
        (State.DISCOVERED, True, False, Rank.BOOTING),
        (State.INSTALLING, False, False, Rank.BOOTING),
        (State.DISCOVERED, False, False, Rank.STRANGER),
        (State.ARMED, False, False, Rank.ARMED),
        (State.LOCAL, False, False, Rank.REST),
        (State.INSTALLED, False, False, Rank.REST),
    ],
)
def test_who_needs_a_person_comes_first(state: State, booting: bool, troubled: bool, rank: Rank) -> None:
    assert rank_of(Standing(state, ""), booting, troubled) is rank


def test_a_boot_goes_on_until_it_was_quiet_for_long() -> None:
    running = boot(at(Reached.FIRMWARE, 10.0))
    assert is_booting(running, 200.0)
    assert not is_booting(running, 400.0)
    assert not is_booting(replace(running, outcome=Outcome.LOCAL), 11.0)
    assert not is_booting(None, 0.0)


@pytest.mark.parametrize(
    ("steps", "files", "phase", "part"),
    [
        ((at(Reached.FIRMWARE),), (), 1, 1.0),
        ((at(Reached.FIRMWARE), at(Reached.IPXE)), (), 3, 1.0),
        ((at(Reached.SCRIPT),), ("a", "b"), 4, 1.0),
        ((fetched("a", 10, 10), fetched("b", 5, 10)), ("a", "b"), 5, 0.75),
        ((fetched("a", 10, 10), fetched("b", 5, 10)), ("a", "b", "c", "d"), 5, 0.375),
        ((fetched("a", 5, 10),), (), 5, 0.5),
        ((fetched("a", 10, 10), at(Reached.PAYLOAD)), ("a", "b"), 5, 1.0),
        ((at(Reached.PAYLOAD), at(Reached.SYSTEM)), (), 6, 1.0),
    ],
)
def test_how_far_a_boot_is(steps: tuple[Step, ...], files: tuple[str, ...], phase: int, part: float) -> None:
    found = progress_of(boot(*steps, files=files))
    assert found is not None
    assert found.phase == phase
    assert found.part == pytest.approx(part)


def test_who_was_left_to_its_disk_makes_no_progress() -> None:
    assert progress_of(boot(at(Reached.LOCAL))) is None
    assert progress_of(None) is None


def test_what_happened_last_with_how_much_of_it_is_there() -> None:
    assert stage_words(boot(at(Reached.SCRIPT, 1.0), fetched("a", 5, 10, 2.0))) == ("file", "a, 50%", 2.0)
    assert stage_words(boot()) == stage_words(None) == ("", "", None)


def test_a_machine_is_asked_for_by_what_no_other_claims() -> None:
    assert key_of(Seat(None, Record("a b/c", (MAC,)))) == "a%20b%2Fc"
    assert key_of(Seat(None, None, MAC)) == str(MAC)
