"""Which profile a machine has: by files, and beside them by what is on record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.plan import LocalMethod
from netbootd.chain.dhcp import DhcpTrace
from netbootd.chain.scripts import script
from netbootd.chain.world import World
from netbootd.fleet.record import Record
from netbootd.fleet.rules import Rule
from netbootd.fleet.snapshot import Snapshot
from tests.support import ipxe
from tests.support.worlds import (
    CARD,
    FIRMWARE,
    OTHER_CARD,
    SITE,
    args,
    ask,
    eve,
    linux,
    machine,
    question,
    settled,
    templates,
)

SET = Record("1", (CARD,), name="edge-9", profile="edge", soft_serial="E-7", origin="ada")
FLEET = Snapshot([eve("edge"), linux("rescue")], [machine("rescue", "node-2", OTHER_CARD)])


def world(record: Record | None = SET, fleet: Snapshot = FLEET) -> World:
    return World(
        fleet, FIRMWARE, templates(), recorded=lambda facts: record if record and facts.mac in record.macs else None
    )


def test_what_the_api_set_names_a_machine_and_its_profile() -> None:
    found = world().assignment(Facts(mac=CARD))
    assert found.profile
    assert (found.name, found.profile.name, found.why) == ("edge-9", "edge", "the API (ada) names it")


def test_its_soft_serial_is_an_argument_of_the_kernel() -> None:
    rendered = script(Facts(mac=CARD), world(), SITE)
    assert "eve_soft_serial=E-7" in [str(arg) for arg in rendered.args]


def test_a_file_s_own_soft_serial_goes_over_it() -> None:
    listed = replace(machine("edge", "node-1", CARD), args=args("machine node-1", eve_soft_serial="FILE-1"))
    rendered = script(Facts(mac=CARD), world(fleet=Snapshot([eve("edge")], [listed])), SITE)
    assert "eve_soft_serial=FILE-1" in [str(arg) for arg in rendered.args]


class TestLeftToItsOwnDisk:
    """Whoever says how: the profile, the file that lists the machine, or somebody by the API."""

    @staticmethod
    def left(by: str, method: LocalMethod) -> World:
        another = LocalMethod.POWEROFF if method is not LocalMethod.POWEROFF else LocalMethod.EXIT
        profile = eve("edge", local=method if by == "profile" else another)
        listed = machine("edge", "node-1", CARD, local=method if by == "file" else None)
        if by != "api":
            return world(None, Snapshot([profile], [listed]))
        return world(replace(SET, name="node-1", soft_serial=None, local=method), Snapshot([profile]))

    @pytest.mark.parametrize("method", LocalMethod)
    @pytest.mark.parametrize("by", ["profile", "file", "api"])
    def test_each_way_counts(self, by: str, method: LocalMethod) -> None:
        rendered = script(Facts(mac=CARD), self.left(by, method), SITE)
        expected = script(Facts(mac=CARD), settled(eve("edge", local=method)), SITE)
        assert rendered.payload == "local"
        assert ipxe.commands(rendered.text) == ipxe.commands(expected.text)

    @pytest.mark.parametrize("method", LocalMethod)
    @pytest.mark.parametrize("by", ["profile", "file", "api"])
    def test_its_firmware_is_met_with_silence_by_that_alone(self, by: str, method: LocalMethod) -> None:
        trace: DhcpTrace = ask(question(), self.left(by, method))
        assert (trace.reply is None) is (method is LocalMethod.SILENT)

    def test_a_file_s_word_goes_over_the_api_s(self) -> None:
        listed = machine("edge", "node-1", CARD, local=LocalMethod.EXIT)
        both = world(replace(SET, local=LocalMethod.POWEROFF), Snapshot([eve("edge")], [listed]))
        assert both.assignment(Facts(mac=CARD)).local is LocalMethod.EXIT

    def test_what_the_api_says_counts_where_the_file_says_nothing(self) -> None:
        record = Record("1", (CARD,), local=LocalMethod.SANBOOT, origin="ada")
        both = world(record, Snapshot([eve("edge")], [machine("edge", "node-1", CARD)]))
        assert both.assignment(Facts(mac=CARD)).local is LocalMethod.SANBOOT


def test_others_are_found_as_if_there_were_no_records() -> None:
    for facts in (Facts(mac=OTHER_CARD), Facts()):
        assert world().assignment(facts) == FLEET.lookup(facts)


def test_a_rule_goes_below_what_was_set_for_one_machine() -> None:
    fleet = Snapshot(FLEET.profiles.values(), [], [Rule((), "rescue")])
    assert world(fleet=fleet).assignment(Facts(mac=CARD)).profile == fleet.profiles["edge"]
    named = replace(SET, profile=None)
    assert world(named, fleet).assignment(Facts(mac=CARD)).profile == fleet.profiles["rescue"]


def test_a_machine_that_a_file_may_yet_turn_out_to_name_goes_on_to_say_who_it_is() -> None:
    listed = replace(machine("rescue", "node-1"), macs=(), serial="SN-1")
    fleet = Snapshot(FLEET.profiles.values(), [listed])
    assert world(fleet=fleet).assignment(Facts(mac=CARD)).undecided
    told = world(fleet=fleet).assignment(Facts(mac=CARD, serial="SN-1"))
    assert (told.name, told.undecided) == ("node-1", False)


def test_strangers_are_told_nothing_of_a_machine_that_only_its_own_url_makes_it() -> None:
    own = replace(machine("rescue", "node-1", CARD), secret="Zq2uWm7xKp4tVn9rYc3sHd6f", only_by_secret=True)
    found = world(fleet=Snapshot(FLEET.profiles.values(), [own])).assignment(Facts(mac=CARD))
    assert (found.withheld, found.profile, found.name) == (True, None, "")
