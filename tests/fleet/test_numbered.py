"""Whose soft serial counts: the machine's own entry, then the record's, then what the profile says for all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.fleet.numbered import Numbered, numbered
from netbootd.fleet.record import Record
from netbootd.fleet.soft_serials import Range
from tests.support.worlds import CARD, args, eve, machine

RANGE = Range("NODE-", 1, 99, 2)
BY_RANGE, BY_TEMPLATE = eve(soft_serial="NODE-[01-99]"), eve(soft_serial="{{ machine.mac | hexhyp }}")
LISTED = machine("edge", "node-1", soft_serial="FILE-1")
SET = Record("1", (CARD,), name="node-1", soft_serial="API-1", origin="ada")
ASSIGNED = replace(SET, soft_serial="NODE-07", soft_serial_by="profile edge")


def test_a_file_goes_over_the_record_and_that_over_the_profile() -> None:
    assert numbered(LISTED, SET, BY_RANGE) == Numbered("FILE-1", "machine node-1")
    assert numbered(None, SET, BY_RANGE) == Numbered("API-1", "machine node-1, by the API")
    assert numbered(None, None, BY_TEMPLATE) == Numbered("{{ machine.mac | hexhyp }}", "profile edge", own=False)
    assert numbered(None, Record("1"), eve()) is None


def test_one_of_a_range_waits_until_it_is_assigned_and_then_is_the_profile_s() -> None:
    assert numbered(None, Record("1"), BY_RANGE) == Numbered("", "profile edge", own=False, range=RANGE)
    assert numbered(None, ASSIGNED, BY_RANGE) == Numbered("NODE-07", "profile edge", own=False)


@pytest.mark.parametrize(("own", "place"), [(True, 2), (False, 1)])
def test_it_lies_where_whoever_said_it_stands(own: bool, place: int) -> None:
    layers = (args(quiet=True), args(console="tty0"), args(eve_soft_serial="ARG-1"))
    laid = Numbered("X-1", "somebody", own).laid(layers, "eve_soft_serial")
    (setting,) = laid[place]
    assert (setting.key, setting.values, len(laid)) == ("eve_soft_serial", ("X-1",), 4)
    assert Numbered("X-1", "somebody").laid(layers, "") == Numbered("", "range").laid(layers, "x") == layers
