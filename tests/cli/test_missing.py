"""A boot program that is missing is a warning where somebody may need it, and one note where nobody is known to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.boot.arch import Cpu, Platform
from netbootd.boot.facts import Facts
from netbootd.boot.firmware import Binary, Firmware
from netbootd.chain.world import World
from netbootd.cli.missing import missed
from netbootd.fleet.rules import Condition, Rule
from netbootd.payloads.eve.bundle import Bundle, Era
from tests.support.worlds import eve, linux, machine, world

USUAL = Firmware(
    (
        Binary("undionly.kpxe", Cpu.I386, Platform.BIOS, 1),
        Binary("snponly.efi", Cpu.X86_64, Platform.EFI, 1),
    )
)
HOUSE = world(linux(), eve(), machines=[machine("rescue")], firmware=USUAL)


def warned(house: World) -> list[str]:
    return [each.message.partition(" is missing, ")[0] for each in missed(house) if each.severity == "warning"]


def test_what_any_network_may_have_is_a_warning_with_the_remedy() -> None:
    said = [str(each) for each in missed(replace(HOUSE, firmware=Firmware()))]
    assert said[:2] == [
        "firmware: undionly.kpxe is missing, BIOS machines get no answer; to fix: apt-get install ipxe",
        "firmware: snponly.efi is missing, x86-64 UEFI machines get no answer; to fix: apt-get install ipxe",
    ]


def test_what_nothing_speaks_of_is_one_note() -> None:
    (note,) = missed(HOUSE)
    assert (note.severity, note.message) == (
        "info",
        "ARM64 UEFI machines and 32-bit UEFI machines would get no answer (no arm64-efi/snponly.efi, no "
        "i386-efi/snponly.efi); these settings speak of none",
    )


def test_a_bundle_of_that_architecture_makes_it_a_warning() -> None:
    shelf = {"eve-arm": Bundle("eve-arm", "", "eve-arm", Era.B2, arch="arm64")}
    assert warned(replace(HOUSE, bundles=shelf)) == ["arm64-efi/snponly.efi"]


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        ((Condition("arch", "arm64"),), ["arm64-efi/snponly.efi"]),
        ((Condition("arch", "arm*"), Condition("manufacturer", "ACME")), ["arm64-efi/snponly.efi"]),
        ((Condition("arch", "i386"), Condition("platform", "pcbios")), []),
        ((Condition("arch", "x86_64"),), []),
        ((Condition("manufacturer", "ACME"),), []),
    ],
)
def test_so_does_a_rule_that_names_it(conditions: tuple[Condition, ...], told: list[str]) -> None:
    house = world(linux(), machines=[machine("rescue")], rules=[Rule(conditions, "rescue")], firmware=USUAL)
    assert warned(house) == told


def test_so_does_a_machine_whose_ipxe_once_said_so() -> None:
    said = replace(HOUSE, known=lambda mac: Facts(mac=mac, buildarch="arm64", platform="efi"))
    assert warned(said) == ["arm64-efi/snponly.efi"]
    bios = replace(HOUSE, known=lambda mac: Facts(mac=mac, buildarch="i386", platform="pcbios"))
    assert warned(bios) == []
