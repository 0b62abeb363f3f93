"""A machine as it is shown: what it is called, where it stands, what others claim of it, and who says what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.fleet.lifecycle import State
from netbootd.fleet.record import Record
from netbootd.serve.admin.roster import Roster, Seat
from netbootd.serve.admin.view import View, setting
from tests.support.crowd import TWINS, rivals
from tests.support.fleet import BARE, EDGE, FLEET, STRANGER, Api
from tests.support.worlds import args


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def roster(api: Api) -> Roster:
    return Roster(api.services())


@pytest.fixture
def view(api: Api) -> View:
    return View(api.services())


def test_a_machine_is_called_by_its_name_else_by_its_card_else_by_its_record(view: View, roster: Roster) -> None:
    assert view.called(roster.of_card(EDGE)) == "node-1"
    assert view.called(roster.of_card(STRANGER)) == str(STRANGER)
    assert view.called(Seat(None, Record("a1", serial="S1"))) == "a1"


def test_in_full_it_says_where_that_name_stands(view: View, roster: Roster) -> None:
    listed = roster.of_card(EDGE)
    assert listed.machine is not None
    assert view.in_full(listed) == f"node-1 ({listed.machine.origin})"
    assert view.in_full(roster.of_card(STRANGER)) == str(STRANGER), "nothing is said twice"


def test_one_that_has_shown_no_card_stands_where_its_file_has_it(view: View) -> None:
    cardless = replace(FLEET.machines[0], macs=(), serial="S1")
    assert view.standing(Seat(cardless, None)).state is State.APPROVED
    assert view.standing(Seat(None, Record("a1", serial="S1"))).state is State.DISCOVERED


def test_what_is_claimed_is_told_with_the_card_and_with_each_that_claims_it(
    api: Api, view: View, roster: Roster
) -> None:
    rivals(api)
    ids = [record.id for record in api.records.of_card(TWINS)]
    seats = [roster.of_card(TWINS), *(roster.find(id) for id in ids)]
    assert all(id in view.conflict(seat) for seat in seats for id in ids)
    assert view.conflict(roster.of_card(EDGE)) == ""


def test_who_has_no_profile_is_in_tables_all_the_same(view: View, roster: Roster) -> None:
    row = view.row(roster.of_card(BARE))
    assert (row.name, row.profile, row.release, row.state) == ("node-3", "", "", "approved")
    assert view.profile(roster.of_card(BARE)) == ""
    assert view.profile(roster.of_card(EDGE)) == "lab-eve"


def test_a_secret_among_arguments_is_named_and_not_told() -> None:
    (secret, plain) = (setting(each, "file", "c.yaml:1") for each in args("c.yaml:1", root_password="hunter2", x="1"))
    assert secret.values is not None
    assert "hunter2" not in secret.values[0]
    assert plain.values == ["1"]
    (away,) = (setting(replace(each, values=None), "file", "c.yaml:1") for each in args("c.yaml:1", x="1"))
    assert away.values is None
