"""When a boot is over, and that each is sent once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.fleet.attempts import QUIET
from netbootd.fleet.record import Attempt, Outcome, Reached, Step
from netbootd.observe import traces
from netbootd.observe.traces import LONGEST, SETTLES, Traces
from netbootd.wire.mac import Mac

MAC = Mac.parse("52:54:00:12:34:56")
BOOT = Attempt("b1", "r1", MAC, 1000.0, 1000.0, steps=(Step(Reached.FIRMWARE, 1000.0, last=1000.0),))


class Sent:
    def __init__(self) -> None:
        self.boots: list[Attempt] = []
        self.traces = Traces(self.boots.append)

    @property
    def ids(self) -> list[str]:
        return [boot.id for boot in self.boots]


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.mark.parametrize(
    ("outcome", "generation", "patience"),
    [
        (Outcome.RUNNING, 0, QUIET),
        (Outcome.LOCAL, 0, QUIET),
        (Outcome.PAYLOAD, 0, QUIET),
        (Outcome.PAYLOAD, 1, LONGEST),
        (Outcome.INSTALLED, 1, SETTLES),
        (Outcome.FAILED, 1, SETTLES),
    ],
)
def test_a_boot_is_over_when_nothing_more_is_to_be_expected(
    sent: Sent, outcome: Outcome, generation: int, patience: float
) -> None:
    boot = replace(BOOT, outcome=outcome, generation=generation)
    sent.traces.took(None, boot)
    sent.traces.look(BOOT.last + patience)
    assert sent.boots == []
    sent.traces.look(BOOT.last + patience + 1)
    sent.traces.look(BOOT.last + patience + 2)
    assert sent.boots == [boot]


def test_a_file_that_takes_long_is_waited_for(sent: Sent) -> None:
    """Meanwhile the boot may count as given up: nothing is heard of it."""
    script = Step(Reached.SCRIPT, 1001.0, last=1001.0)
    asked = replace(BOOT, steps=(*BOOT.steps, script), last=1001.0)
    whole = replace(asked, steps=(*asked.steps, Step(Reached.PAYLOAD, 3000.0)), outcome=Outcome.PAYLOAD, last=3000.0)
    sent.traces.took(None, asked)
    sent.traces.took(asked, replace(asked, outcome=Outcome.ABANDONED))
    sent.traces.look(2999.0)
    assert sent.boots == []
    sent.traces.took(asked, whole)
    sent.traces.look(3000.0 + QUIET + 1)
    assert sent.boots == [whole]


def test_a_boot_is_sent_as_it_was_last(sent: Sent) -> None:
    later = replace(BOOT, last=1030.0, outcome=Outcome.LOCAL)
    sent.traces.took(None, BOOT)
    sent.traces.took(BOOT, later)
    sent.traces.look(1030.0 + QUIET + 1)
    assert sent.boots == [later]


def test_the_next_boot_of_a_machine_ends_the_one_before(sent: Sent) -> None:
    sent.traces.took(None, BOOT)
    sent.traces.took(None, replace(BOOT, id="other", record="r2"))
    sent.traces.took(None, replace(BOOT, id="b2", started=1100.0, last=1100.0))
    assert sent.ids == ["b1"]


def test_a_late_word_of_a_boot_that_is_over_does_not_end_the_one_that_runs(sent: Sent) -> None:
    second = replace(BOOT, id="b2", started=1100.0, last=1100.0)
    sent.traces.took(None, BOOT)
    sent.traces.took(None, second)
    sent.traces.took(BOOT, replace(BOOT, outcome=Outcome.INSTALLED))
    assert sent.ids == ["b1"]
    sent.traces.close()
    assert sent.ids == ["b1", "b2"]


def test_what_is_said_of_a_boot_after_it_was_sent_makes_no_second_trace(sent: Sent) -> None:
    """An hour later it counts as given up, and its machine boots anew: that is no news of it."""
    sent.traces.took(None, BOOT)
    sent.traces.look(BOOT.last + QUIET + 1)
    sent.traces.took(BOOT, replace(BOOT, outcome=Outcome.ABANDONED))
    sent.traces.look(BOOT.last + 3600)
    sent.traces.took(None, replace(BOOT, id="b2", started=9000.0, last=9000.0))
    sent.traces.close()
    assert sent.ids == ["b1", "b2"]


def test_a_boot_whose_record_became_part_of_another_leaves_nothing_behind(sent: Sent) -> None:
    for number in range(3):
        boot = replace(BOOT, id=f"b{number}", record=f"r{number}")
        sent.traces.took(None, boot)
        sent.traces.took(boot, replace(boot, record=f"whole{number}"))
        sent.traces.took(None, replace(BOOT, id=f"next{number}", record=f"r{number}"))
        assert sent.ids == []
    sent.traces.close()
    assert len(sent.ids) == len(set(sent.ids)) == 6
    assert not sent.traces._of


def test_a_flood_of_boots_keeps_no_more_than_there_is_room_for(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MOST", 3)
    for number in range(10):
        sent.traces.took(None, replace(BOOT, id=f"b{number}", record=f"r{number}"))
    assert sent.ids == [f"b{number}" for number in range(7)]


def test_at_the_end_what_is_under_way_is_sent(sent: Sent) -> None:
    sent.traces.took(None, BOOT)
    sent.traces.close()
    sent.traces.close()
    assert sent.boots == [BOOT]
