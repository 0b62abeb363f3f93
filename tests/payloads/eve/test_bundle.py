"""What netbootd knows of an EVE bundle, as values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile
from netbootd.payloads.eve.grubsyntax import MenuError, parse


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


def test_its_menu_is_parsed_once_for_all_machines_that_follow_it() -> None:
    bundle = Bundle("eve", "", "eve", Era.B2, grub="set a=b")
    assert bundle.menu() == parse("set a=b")
    assert bundle.menu() is bundle.menu()
    assert replace(bundle, grub="set c=d").menu() == parse("set c=d")


def test_a_menu_that_cannot_be_read_says_so_whenever_it_is_asked_for() -> None:
    bundle = Bundle("eve", "", "eve", Era.B2, grub="menuentry {")
    for _ in range(2):
        with pytest.raises(MenuError):
            bundle.menu()
