"""Names of files in a bundle's installer.iso, and where they lead."""

from __future__ import annotations

import pytest

from netbootd.artifacts.inside import Inside, inside
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile

FILES = (IsoFile("boot/kernel", 4096, 10), IsoFile("iso/notes", 8192, 20))
EVE = Bundle("eve-17.3.0", "d1e5", "sha256-d1", Era.B2, iso=FILES, iso_size=90_000)
DEEP = Bundle("lines/17/eve", "", "lines/17/eve", Era.B2, iso=FILES, iso_size=70_000)
CLASSIC = Bundle("eve-13.3.0", "", "eve-13.3.0", Era.A)
BUNDLES = {"eve-17.3.0": EVE, "d1e5": EVE, "sha256-d1": EVE, "lines/17/eve": DEEP, "eve-13.3.0": CLASSIC}
KERNEL = Inside("sha256-d1/installer.iso", 90_000, 4096, 10)


@pytest.mark.parametrize("name", ["eve-17.3.0", "d1e5", "sha256-d1", "/eve-17.3.0", "./eve-17.3.0/"])
def test_a_bundle_goes_by_each_of_its_names(name: str) -> None:
    """What is opened is its directory, whose content never changes."""
    assert inside(BUNDLES, f"{name}/iso/boot/kernel") == KERNEL


def test_a_directory_below_others_is_a_bundle_too() -> None:
    assert inside(BUNDLES, "lines/17/eve/iso/boot/kernel") == Inside("lines/17/eve/installer.iso", 70_000, 4096, 10)


def test_an_iso_may_have_a_directory_of_that_name() -> None:
    assert inside(BUNDLES, "eve-17.3.0/iso/iso/notes") == Inside("sha256-d1/installer.iso", 90_000, 8192, 20)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "iso",
        "iso/boot/kernel",
        "eve-17.3.0/iso",
        "eve-17.3.0/iso/boot",
        "eve-17.3.0/iso/boot/kernel/x",
        "eve-17.3.0/iso/BOOT/KERNEL",
        "eve-17.3.0/iso/../iso/boot/kernel",
        "eve-17.3.0/boot/kernel",
        "eve-17/iso/boot/kernel",
        "eve-13.3.0/iso/boot/kernel",
    ],
)
def test_anything_else_leads_nowhere(path: str) -> None:
    assert inside(BUNDLES, path) is None
