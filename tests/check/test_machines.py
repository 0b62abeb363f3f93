"""Which machines are looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.boot.facts import Facts
from netbootd.check.machines import ANY_CARD, by_secret, facts_told, made
from netbootd.fleet.record import Record
from tests.support.checked import PROFILES, found
from tests.support.house import furnished
from tests.support.settings import Files
from tests.support.worlds import CARD, OTHER_CARD, linux, machine, world


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(furnished(tmp_path))


def test_a_machine_that_is_named_without_a_card_is_looked_at_as_any_other(files: Files) -> None:
    profiles = PROFILES.replace("ttyS0", "'{{ machine.serial }},{{ machine.mac }}'")
    machines = "machines: [{serial: SN-1, name: n1, profile: rescue}]\n"
    assert found(files, profiles + machines) == []
    assert "n2" in found(files, profiles + machines.replace("serial: SN-1", "ip: 192.0.2.9").replace("n1", "n2"))[0]


def test_a_record_that_no_file_lists_is_a_machine_of_its_own() -> None:
    listed = world(linux(), machines=[machine("rescue")])
    records = (Record("1", (CARD,)), Record("2", (OTHER_CARD,), serial="SN-2", profile="rescue", origin="ada"))
    (found,) = made(listed, records)
    assert (found.macs, found.serial, found.profile, found.origin) == (
        (OTHER_CARD,),
        "SN-2",
        "rescue",
        "the API (ada)",
    )


def test_what_its_ipxe_has_said_is_known_of_it_and_nothing_of_one_without_a_card() -> None:
    said = replace(world(), known=lambda mac: Facts(mac=mac, manufacturer="Acme"))
    assert facts_told(said, machine(None)) == Facts(mac=CARD, manufacturer="Acme")
    assert facts_told(said, machine(None, macs=(), serial="SN-1")) == Facts(mac=ANY_CARD, serial="SN-1")


def test_one_that_its_secret_alone_finds_is_told_to_be_itself() -> None:
    hidden = machine(None, secret="x" * 24, only_by_secret=True)
    assert (by_secret(hidden), by_secret(machine(None))) == (hidden, None)
