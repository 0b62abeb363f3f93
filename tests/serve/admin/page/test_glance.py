"""A machine in one row: how far its boot is, and what it is asked for by."""

from __future__ import annotations

from typing import Any

import pytest

from netbootd.fleet.lifecycle import State
from netbootd.fleet.record import Attempt, Outcome, Reached, Record, Step, Transfer
from netbootd.observe.diagnosis.model import Cause, Diagnosis
from netbootd.serve.admin.overview import Rank
from netbootd.serve.admin.page.glance import Glance, key_of, progress_of, stage_words
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


def glance(**more: Any) -> Glance:
    said: dict[str, Any] = dict.fromkeys(("key", "name", "mac", "what", "why", "profile", "stage", "detail"), "")
    said |= {"progress": None, "seen": None, "trouble": None, "booting": False, "conflict": ""}
    return Glance(**{**said, "state": State.APPROVED, "rank": Rank.REST, **more})


def sick(cause: Cause) -> Diagnosis:
    return Diagnosis(cause, "it is sick", "heal it", (), 0.0)


def test_what_is_wrong_is_its_cause_else_why_it_failed_and_who_claims_to_be_it() -> None:
    assert glance(state=State.FAILED, why="no disk").wrong == ("no disk",)
    assert glance(state=State.FAILED, why="no disk", trouble=sick(Cause.NO_ADDRESS)).wrong == ("it is sick",)
    assert glance(conflict="a and b").wrong == ("two records claim one identity: a and b",)
    assert glance(why="a file lists it").wrong == ()


def test_that_two_claim_one_identity_is_said_once() -> None:
    assert glance(conflict="a and b", trouble=sick(Cause.SHARED_IDENTITY)).wrong == ("it is sick",)


def test_what_happened_last_with_how_much_of_it_is_there() -> None:
    assert stage_words(boot(at(Reached.SCRIPT, 1.0), fetched("a", 5, 10, 2.0))) == ("file", "50% of a")
    assert stage_words(boot()) == stage_words(None) == ("", "")


def test_a_machine_is_asked_for_by_what_no_other_claims() -> None:
    assert key_of(Seat(None, Record("a b/c", (MAC,)))) == "a%20b%2Fc"
    assert key_of(Seat(None, None, MAC)) == str(MAC)
