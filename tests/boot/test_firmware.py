"""Which boot program a width and platform get."""

from __future__ import annotations

import pytest

from netbootd.boot.arch import Cpu, Platform
from netbootd.boot.firmware import Binary, Firmware, is_boot_program
from tests.support.worlds import FIRMWARE


def efi(name: str, cpu: Cpu = Cpu.X86_64) -> Binary:
    return Binary(name, cpu, Platform.EFI, 1)


def bios(name: str) -> Binary:
    return Binary(name, Cpu.I386, Platform.BIOS, 1)


def chosen(*binaries: Binary, wanted: str | None = None) -> str | None:
    found = Firmware(binaries).choose(binaries[0].cpu, binaries[0].platform, wanted)
    return found.name if found else None


def test_bios_prefers_the_program_that_uses_the_rom_driver() -> None:
    assert chosen(bios("ipxe.pxe"), bios("undionly.kkpxe"), bios("undionly.kpxe")) == "undionly.kpxe"
    assert chosen(bios("ipxe.pxe"), bios("undionly.kkpxe")) == "undionly.kkpxe"


def test_uefi_prefers_the_program_that_uses_the_firmware_driver() -> None:
    assert chosen(efi("ipxe.efi"), efi("snponly.efi")) == "snponly.efi"
    assert chosen(efi("ipxe.efi"), efi("snp.efi")) == "snp.efi"
    assert chosen(efi("custom.efi"), efi("ipxe.efi")) == "ipxe.efi"


def test_the_directory_and_the_case_of_a_name_do_not_matter() -> None:
    assert chosen(efi("x/ipxe.efi"), efi("x/SNPONLY.EFI")) == "x/SNPONLY.EFI"


def test_the_shorter_name_wins_among_equals() -> None:
    assert chosen(efi("x86_64-efi/ipxe.efi"), efi("ipxe.efi")) == "ipxe.efi"


def test_a_wanted_program_is_taken_where_its_width_fits() -> None:
    assert chosen(efi("snponly.efi"), efi("ipxe.efi"), wanted="ipxe.efi") == "ipxe.efi"


def test_a_wanted_program_of_another_width_is_passed_over() -> None:
    assert chosen(efi("snponly.efi"), efi("arm.efi", Cpu.ARM64), wanted="arm.efi") == "snponly.efi"
    assert chosen(efi("snponly.efi"), wanted="missing.efi") == "snponly.efi"


@pytest.mark.parametrize("cpu", Cpu)
@pytest.mark.parametrize("platform", Platform)
def test_no_width_ever_gets_anothers_program(cpu: Cpu, platform: Platform) -> None:
    for wanted in (None, *(b.name for b in FIRMWARE.binaries)):
        found = FIRMWARE.choose(cpu, platform, wanted)
        assert found is None or (found.cpu, found.platform) == (cpu, platform)


def test_nothing_fitting_is_none() -> None:
    assert Firmware().choose(Cpu.X86_64, Platform.EFI) is None


def test_a_program_is_found_by_its_exact_name() -> None:
    assert FIRMWARE.named("snponly.efi") is FIRMWARE.choose(Cpu.X86_64, Platform.EFI)
    assert FIRMWARE.named("SNPONLY.EFI") is None


@pytest.mark.parametrize("name", ["ipxe.efi", "SNPONLY.EFI", "undionly.kkkpxe", "arm64-efi/ipxe.efi", "pxelinux.0"])
def test_a_boot_program_is_known_by_its_ending(name: str) -> None:
    assert is_boot_program(name)
    assert not is_boot_program(f"{name}.cfg")
