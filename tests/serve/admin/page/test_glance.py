"""A machine in one row: how far its boot is, and what it is asked for by."""

from __future__ import annotations

import pytest

from netbootd.fleet.record import Attempt, Outcome, Reached, Record, Step, Transfer
from netbootd.serve.admin.page.glance import key_of, progress_of, stage_words
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
