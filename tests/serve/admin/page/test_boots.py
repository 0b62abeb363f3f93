"""The boots of a machine: the latest first, their steps as a table with the silence between them."""

from __future__ import annotations

from dataclasses import replace

from netbootd.fleet.record import Attempt, Outcome, Reached, Step, Transfer
from netbootd.serve.admin.overview import Overview
from netbootd.serve.admin.page.boots import boots_of, entries
from netbootd.serve.admin.roster import Roster
from netbootd.wire.mac import Mac
from tests.support.crowd import FIVE, STUCK, crowd

MAC = Mac.parse("52:54:00:00:00:01")


def boot(*steps: Step) -> Attempt:
    return Attempt("1", "r", MAC, 100.0, 100.0, Outcome.RUNNING, steps)


def step(at: float, stage: Reached = Reached.SCRIPT) -> Step:
    return Step(stage, at, last=at)


def test_each_step_is_a_row_with_its_time_from_the_first_on() -> None:
    rows = list(entries(boot(step(103.0), step(100.0, Reached.IPXE))))
    assert [(row.at, row.after) for row in rows] == [(100.0, 0.0), (103.0, 3.0)]
    assert [row.stage for row in rows] == ["its iPXE asked for an address", "it fetched its script"]


def test_a_long_wait_is_a_row_of_its_own_as_long_as_it_was() -> None:
    (_, silence, _) = entries(boot(step(100.0), step(160.0)))
    assert (silence.stage, silence.at, silence.after, silence.measure) == ("", 100.0, 0.0, "60.0 s")


def test_what_was_on_its_way_was_no_silence() -> None:
    """A transfer is told of at its end."""
    fetched = Step(Reached.FILE, 160.0, 9, last=160.0, file="kernel", transfer=Transfer("http", 9, 9, 59.0))
    assert [row.at for row in entries(boot(step(100.0), fetched))] == [100.0, 101.0]


def test_what_a_step_says_twice_is_shown_once() -> None:
    (row,) = entries(boot(replace(step(100.0), file="kernel", detail="kernel")))
    assert row.detail == "kernel"


def test_a_boot_of_which_nothing_is_kept_has_no_rows() -> None:
    assert list(entries(boot())) == []


def test_the_latest_comes_first_and_each_has_what_is_wrong_in_it() -> None:
    site = crowd(1700000000.0, 4)
    services = site.services()
    overview, roster = Overview(services), Roster(services)
    good, stuck = (boots_of(roster.of_card(mac), overview, site.now) for mac in (FIVE, STUCK))
    assert [each.attempt.started for each in good] == sorted((each.attempt.started for each in good), reverse=True)
    assert [bool(each.troubles) for each in stuck] == [True, False]
    assert [len(each.chart.lanes) for each in stuck] == [len(each.attempt.steps) for each in stuck]
