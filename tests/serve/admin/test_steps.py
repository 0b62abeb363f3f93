"""Steps and transfers as the API says them."""

from __future__ import annotations

from netbootd.fleet.record import Asked, Attempt, Reached, Step, Transfer
from netbootd.observe.diagnosis.model import Cause, Diagnosis
from netbootd.observe.events import TransferMoved
from netbootd.observe.running import Running
from netbootd.serve.admin.steps import diagnosis_shape, progress_shape, step_shape
from netbootd.wire.mac import Mac

CARD, OTHER = Mac.parse("52:54:00:12:34:56"), Mac.parse("52:54:00:12:34:57")
BOOT = Attempt("1", "", CARD, 100.0, 200.0)


def test_a_question_says_who_was_asked_and_what_was_offered() -> None:
    asked = Asked("REQUEST", 67, "x86 BIOS PXE", "x86 BIOS", "192.0.2.1")
    shown = step_shape(Step(Reached.FIRMWARE, 101.5, last=104.25, times=2, reason="LEASE_REQUEST", asked=asked), BOOT)
    assert (shown.stage, shown.after, shown.until, shown.times) == ("firmware", 1.5, 4.25, 2)
    assert shown.reason == "LEASE_REQUEST"
    assert shown.asked
    assert shown.asked.model_dump() == {
        "message": "REQUEST",
        "port": 67,
        "client": "x86 BIOS PXE",
        "arch": "x86 BIOS",
        "server": "192.0.2.1",
        "offered": None,
    }


def test_a_file_says_how_fast_it_went_all_parts_together() -> None:
    moved = Transfer("tftp", 1000, 400, 0.5, 512, 4, 3)
    shown = step_shape(Step(Reached.LOADER, 101.0, 1000, file="a", transfer=moved), BOOT).transfer
    assert shown
    assert (shown.rate, shown.size, shown.sent, shown.retransmits) == (2000, 1000, 400, 3)


def test_a_diagnosis_says_what_to_do_and_why() -> None:
    found = Diagnosis(Cause.FILE_MISSING, "it asks for a", "import it", ("404 at 5 s",), 105.0)
    assert diagnosis_shape(found).model_dump() == {
        "cause": "file_missing",
        "sentence": "it asks for a",
        "advice": "import it",
        "evidence": ["404 at 5 s"],
        "at": "1970-01-01T00:01:45+00:00",
    }


def test_what_took_no_time_has_no_rate() -> None:
    shown = step_shape(Step(Reached.LOADER, 101.0, transfer=Transfer("tftp", 1000)), BOOT).transfer
    assert shown
    assert shown.rate == 0


def test_what_a_machine_fetches_by_any_of_its_cards() -> None:
    now = 10.0
    running = Running(lambda: now)
    running(TransferMoved(mac=str(OTHER), file="a", via="http", sent=50, size=100, seconds=2.0))
    now = 14.0
    found = progress_shape(running, (CARD, OTHER))
    assert found
    assert (found.file, found.sent, found.size, found.rate, found.quiet) == ("a", 50, 100, 25, 4.0)
    assert progress_shape(running, (CARD,)) is None
