"""What each era can do, and what is said of a bundle that lacks something."""

from __future__ import annotations

import pytest

from netbootd.payloads.eve.abilities import abilities, broken, notes
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile


def bundle(
    era: Era,
    version: str = "15.3.0",
    *,
    arch: str = "amd64",
    config: int = 1 << 20,
    files: tuple[str, ...] = ("ipxe.efi",),
) -> Bundle:
    iso = (IsoFile("config.img", 4096, config),) if config else ()
    return Bundle("eve", "0" * 64, "eve", era, arch=arch, version=version, config_size=config, files=files, iso=iso)


def can(described: Bundle) -> dict[str, bool | None]:
    return {ability.name: ability.can for ability in abilities(described)}


def test_the_first_era_can_do_everything() -> None:
    assert set(can(bundle(Era.A, "13.3.0")).values()) == {True}
    assert notes(bundle(Era.A, "13.3.0")) == ()


@pytest.mark.parametrize(
    ("era", "config", "expected"),
    [
        (Era.A, 0, True),
        (Era.B1, 0, False),
        (Era.B1, 1 << 20, True),
        (Era.B1X, 0, True),
        (Era.B2, 0, True),
        (Era.B3, 5 << 20, True),
    ],
)
def test_a_node_s_own_configuration_needs_a_config_img_that_it_can_be_laid_over(
    era: Era, config: int, expected: bool
) -> None:
    """There is one in each installer's squashfs; the installer of B1 has the ISO for its root."""
    described = bundle(era, config=config)
    assert can(described)["config"] is expected
    assert any("configuration" in note for note in notes(described)) is not expected


def test_what_is_broken_as_released_is_mended_and_says_so() -> None:
    described = bundle(Era.B1X, "15.1.0", config=0)
    assert set(can(described).values()) == {True}
    (note,) = notes(described)
    assert "an init of its own" in note
    assert note == broken(described)
    assert "take 13.4.3-lts, 14.5.0-lts or 15.2.0" in note


@pytest.mark.parametrize(
    ("version", "expected"),
    [("16.12.0", True), ("16.13.0", False), ("17.3.0", False), ("13.4.3-lts", True), ("", None)],
)
def test_from_16_13_on_the_installer_needs_efi_variables(version: str, expected: bool | None) -> None:
    """cannot mount efivarfs is FATAL there; without a version nothing can be promised."""
    assert can(bundle(Era.B2, version))["BIOS"] is expected


def test_only_x86_has_a_bios() -> None:
    assert can(bundle(Era.A, "13.3.0", arch="arm64"))["BIOS"] is False


@pytest.mark.parametrize(
    ("described", "said"),
    [
        (bundle(Era.B2, files=()), "no ipxe.efi"),
        (bundle(Era.B2, ""), "version is not known"),
        (bundle(Era.B2, arch="riscv64"), "riscv64"),
    ],
)
def test_what_is_missing_is_said_with_what_becomes_of_it(described: Bundle, said: str) -> None:
    (note,) = notes(described)
    assert said in note
