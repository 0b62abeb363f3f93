"""The DHCP part, as far as it can be known without a wire: what the settings promise, and who may ask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.cli.doctor import wire
from netbootd.cli.doctor.kinds import Heard, Kind
from netbootd.cli.doctor.line import Status
from netbootd.cli.doctor.patient import Patient
from netbootd.net.interfaces import Address, Interface
from tests.support.doctored import ETH0, patient
from tests.support.house import furnished


@pytest.fixture
def one(tmp_path: Path) -> Patient:
    return patient(furnished(tmp_path))


def test_without_a_daemon_each_kind_is_told_what_it_would_get(one: Patient) -> None:
    lines = list(wire.answers(wire.Asked(ETH0), one))
    (bios,) = [each for each in lines if each.probe == "dhcp.offer.bios"]
    assert bios.status is Status.SKIPPED
    assert "it would be offered undionly.kpxe" in bios.found


def test_what_each_kind_loads_is_known_from_the_settings(one: Patient) -> None:
    lines, files = wire.on_port(wire.Asked(ETH0), one)
    assert lines == []
    assert files == {
        Kind.BIOS: "undionly.kpxe",
        Kind.UEFI: "snponly.efi",
        Kind.HTTP: "http://10.99.0.2:8080/firmware/snponly.efi",
        Kind.IPXE: "http://10.99.0.2:8080/ipxe.cfg",
    }


def test_where_strangers_are_met_with_silence_boot_programs_are_fetched_all_the_same(tmp_path: Path) -> None:
    """Machines that have a name get them."""
    _, files = wire.on_port(wire.Asked(ETH0), patient(furnished(tmp_path), "unknown: silent\n"))
    assert files == {Kind.BIOS: "undionly.kpxe", Kind.UEFI: "snponly.efi"}


def test_of_another_machines_netbootd_nothing_is_promised(one: Patient) -> None:
    other = replace(one, server="127.0.40.12")
    lines, files = wire.on_port(wire.Asked(ETH0), other)
    assert files == {}
    assert [each.status for each in lines] == [Status.FAIL]


def test_where_nobody_gives_addresses_the_interface_that_is_not_served_is_named(one: Patient) -> None:
    spare = Interface("eth1", 3, (Address("192.168.1.2", 24),))
    (line,) = [
        each for each in wire.answers(wire.Asked(ETH0), replace(one, spare=(spare,))) if each.probe == "dhcp.address"
    ]
    assert line.todo.startswith("Are machines at eth1 (192.168.1.2/24)? Then interfaces: [eth1], and restart netbootd.")


def test_where_nobody_may_ask_one_line_says_so(one: Patient) -> None:
    (line,) = wire.answers(wire.Asked(ETH0, error="root alone"), replace(one, root=False))
    assert (line.status, line.found) == (Status.SKIPPED, "root alone")
    assert "sudo" in line.todo


def test_a_netbootd_elsewhere_is_found_on_any_interface() -> None:
    heard = Heard(kind=Kind.IPXE, server="10.99.0.7", file="http://10.99.0.7:8080/ipxe.cfg")
    assert wire.found_elsewhere([wire.Asked(ETH0), wire.Asked(ETH0, (heard,))]) == "10.99.0.7"
    assert wire.found_elsewhere([wire.Asked(ETH0)]) is None


def test_without_an_interface_nobody_is_asked(one: Patient) -> None:
    assert wire.ask(replace(one, interfaces=())) == ()
