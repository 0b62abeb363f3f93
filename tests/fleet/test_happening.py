"""What happens becomes a step, and its like is counted with it."""

from __future__ import annotations

from dataclasses import replace

from netbootd.fleet.happening import FOLD, SAID, Happening, taken_in
from netbootd.fleet.record import Asked, Attempt, Outcome, Reached, Step, Transfer
from netbootd.wire.mac import Mac

CARD = Mac.parse("52:54:00:12:34:56")
ROOM = 64


def boot(*happened: Happening) -> Attempt:
    attempt = Attempt("1", "", CARD, 0.0, 0.0)
    for what in happened:
        attempt = taken_in(attempt, what, ROOM)
    return attempt


def asks(message: str, port: int, **more: str) -> Happening:
    return Happening(Reached.FIRMWARE, 1.0, CARD, detail="PXE", asked=Asked(message, port, "PXE", **more))


def part(at: float, sent: int, seconds: float, **more: int) -> Happening:
    moved = Transfer("http", 100, sent, seconds, **more)
    return Happening(Reached.FILE, at, CARD, bytes=sent, detail="a", file="a", transfer=moved)


def test_each_question_of_a_boot_is_a_step_of_its_own() -> None:
    questions = (asks("DISCOVER", 67), asks("REQUEST", 67), asks("REQUEST", 4011))
    assert [step.asked for step in boot(*questions, *questions).steps] == [each.asked for each in questions]


def test_a_question_repeated_is_one_step_unless_the_answer_is_another() -> None:
    first, second = asks("DISCOVER", 67, offered="a"), asks("DISCOVER", 67, offered="b")
    steps = boot(first, first, second).steps
    assert [(step.times, step.asked and step.asked.offered) for step in steps] == [(2, "a"), (1, "b")]


def test_the_parts_of_a_file_are_one_transfer_whose_times_add_up() -> None:
    (step,) = boot(part(1.0, 60, 2.0, retransmits=1), part(9.0, 40, 1.5, retransmits=2)).steps
    assert (step.bytes, step.times, step.at, step.last) == (100, 2, 1.0, 9.0)
    assert step.transfer == Transfer("http", 100, 40, 3.5, retransmits=3)


def test_to_ask_for_the_size_is_not_to_fetch() -> None:
    probe = replace(part(1.0, 0, 0.0), reason="probed")
    assert len(boot(probe, part(2.0, 100, 1.0)).steps) == 2


def test_what_repeats_much_later_is_told_anew() -> None:
    later = replace(asks("DISCOVER", 67), at=2.0 + FOLD)
    assert len(boot(asks("DISCOVER", 67), later).steps) == 2


def test_a_boot_has_the_files_and_the_arming_of_its_latest_script() -> None:
    script = Happening(Reached.SCRIPT, 1.0, CARD, files=("a",), generation=3)
    attempt = boot(script, replace(script, at=2.0, files=("b",)), part(3.0, 1, 1.0))
    assert (attempt.files, attempt.generation) == (("b",), 3)


def test_what_boots_always_has_its_payload_when_every_file_is_whole() -> None:
    """Nothing else tells of it; a live system is healthy for years, and its boot was not given up."""
    script = Happening(Reached.SCRIPT, 1.0, CARD, files=("a",))
    begun = boot(script, part(3.0, 60, 1.0))
    done = taken_in(begun, part(4.0, 40, 1.0), ROOM)
    assert (begun.outcome, done.outcome) == (Outcome.RUNNING, Outcome.PAYLOAD)
    assert done.steps[-1] == Step(Reached.PAYLOAD, 4.0, last=4.0)
    assert len(taken_in(done, part(5.0, 100, 1.0), ROOM).steps) == len(done.steps)


def test_of_what_installs_the_ledger_alone_says_that_it_has_its_payload() -> None:
    script = Happening(Reached.SCRIPT, 1.0, CARD, files=("a",), generation=3)
    assert boot(script, part(3.0, 100, 1.0)).outcome is Outcome.RUNNING


def test_a_talkative_installer_leaves_room_for_the_rest_and_its_last_words_count() -> None:
    lines = [Happening(Reached.SAID, float(at), CARD, detail=str(at)) for at in range(1000)]
    rest = [Happening(Reached.FILE, 1.0, CARD, detail=str(number)) for number in range(40)]
    attempt = boot(*lines, *rest)
    said = [step for step in attempt.steps if step.stage is Reached.SAID]
    assert [step.detail for step in said] == [str(at) for at in range(1000 - SAID, 1000)]
    assert len(attempt.steps) == SAID + 40
    assert attempt.left_out == 1000 - SAID


def test_a_step_holds_all_that_is_known_of_it() -> None:
    asked, moved = Asked("DISCOVER", 67), Transfer("tftp", 5)
    what = Happening(
        Reached.LOADER, 1.0, CARD, "", 5, "x", trouble=True, file="f", reason="r", asked=asked, transfer=moved
    )
    assert boot(what).steps == (Step(Reached.LOADER, 1.0, 5, "x", 1.0, 1, True, "f", "r", asked, moved),)
