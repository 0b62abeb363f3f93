"""No machine is installed without the soft serial it is to have, or with another's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netbootd.boot.facts import Facts
from netbootd.chain import serials
from netbootd.chain.scripts import script
from netbootd.chain.world import World
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import Record
from netbootd.fleet.snapshot import Snapshot
from tests.support.worlds import CARD, FIRMWARE, ONCE, SITE, args, eve, linux, machine, templates

NODE = Facts(mac=CARD, serial="SN-1")
ASSIGNED = Record("1", (CARD,), soft_serial="NODE-07", soft_serial_by="profile edge")
RANGE = "NODE-[01-99]"


def world(rule: str = "", record: Record | None = None, rival: str = "", **machine_keys: Any) -> World:
    listed = machine("edge", "node-1", **machine_keys)
    fleet = Snapshot([eve(soft_serial=rule)], [listed])
    return World(
        fleet,
        FIRMWARE,
        templates(),
        stage=lambda _mac: Stage.ARMED,
        recorded=lambda _facts: record,
        rival=lambda _serial, _facts, _machine: rival,
    )


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (world("{{ machine.serial }}-x"), "SN-1-x"),
        (world(RANGE, ASSIGNED), "NODE-07"),
        (world(RANGE, ASSIGNED, soft_serial="FILE-1"), "FILE-1"),
        (world(RANGE, ASSIGNED, args=args("machine node-1", eve_soft_serial="ARG-1")), "ARG-1"),
        (world(), CARD.hexhyp),
    ],
)
def test_its_script_says_what_settings_and_records_make_of_it(known: World, said: str) -> None:
    rendered = script(NODE, known, SITE)
    assert [arg.value for arg in rendered.args if arg.key == "eve_soft_serial"] == [said]
    assert serials.spoken(known, known.assignment(NODE), NODE) == said


def test_one_that_waits_for_its_number_is_told_so_and_gets_nothing() -> None:
    rendered = script(NODE, world(RANGE), SITE)
    assert (rendered.payload, rendered.unnumbered, rendered.awaited) == ("refused", True, True)
    assert "it has no soft serial of NODE-[01-99] yet (profile edge)" in rendered.failure
    assert serials.spoken(world(RANGE), world(RANGE).assignment(NODE), NODE) == ""


def test_one_whose_arguments_name_it_waits_for_none() -> None:
    named = world(RANGE, args=args("machine node-1", eve_soft_serial="ARG-1"))
    assert not serials.waits(named.assignment(NODE))
    assert script(NODE, named, SITE).payload == "eve"


def test_what_another_has_is_on_the_screen_and_nothing_is_wiped() -> None:
    rendered = script(NODE, world("{{ machine.serial }}", rival="node-2 of machines.yaml:4"), SITE)
    assert rendered.payload == "refused"
    assert "its soft serial SN-1 already belongs to node-2 of machines.yaml:4" in rendered.failure
    assert "node-2" in rendered.text


def test_a_template_that_makes_no_soft_serial_is_refused() -> None:
    own = linux(boots=ONCE, soft_serial="{{ machine.serial }}_1", args=args(hostname="{{ machine.soft_serial }}"))
    known = replace(world(), fleet=Snapshot([own], [machine("rescue", "node-1")]))
    assert "the soft serial of profile rescue: 'SN-1_1' is no soft serial" in script(NODE, known, SITE).failure


def test_other_payloads_take_it_where_their_arguments_ask() -> None:
    own = linux(boots=ONCE, soft_serial=RANGE, args=args(hostname="{{ machine.soft_serial }}"))
    fleet = Snapshot([own], [machine("rescue", "node-1")])
    known = replace(world(RANGE, ASSIGNED), fleet=fleet)
    assert "hostname=NODE-07" in [str(arg) for arg in script(NODE, known, SITE).args]
