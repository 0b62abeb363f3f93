"""What netbootd knows of an EVE bundle, as values."""

from __future__ import annotations

import pytest

from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile


def test_only_the_first_era_has_no_iso() -> None:
    assert [era for era in Era if not era.has_iso] == [Era.A]


def test_a_file_of_the_iso_is_found_by_its_path() -> None:
    kernel = IsoFile("boot/kernel", 2048, 10)
    bundle = Bundle("eve", "", "eve", Era.B2, iso=(kernel, IsoFile("config.img", 4096, 20)))
    assert bundle.in_iso("boot/kernel") == kernel
    assert bundle.in_iso("boot/nothing") is None


@pytest.mark.parametrize(
    ("version", "release"),
    [("17.3.0", (17, 3, 0)), ("14.5.0-lts", (14, 5, 0)), ("", None), ("0.0.0-master-0c6de671", (0, 0, 0)), ("x", None)],
)
def test_versions_compare_as_numbers(version: str, release: tuple[int, ...] | None) -> None:
    assert Bundle("eve", "", "eve", Era.B2, version=version).release == release
