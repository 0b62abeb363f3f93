"""Pieces of an installer.iso, and the configuration a node gets of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.model import ConfigFile
from netbootd.payloads import Order
from netbootd.payloads.base import CannotBoot
from netbootd.payloads.eve import iso
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile
from netbootd.wire.fat_reader import read_fat
from netbootd.wire.segments import NOTHING, Extent
from tests.support.worlds import SITE

FILES = (IsoFile("boot/kernel", 2048, 100), IsoFile("config.img", 4096, 900))
BUNDLE = Bundle("eve", "", "sha256-1", Era.B3, iso=FILES, iso_size=9000)
WITHOUT = replace(BUNDLE, iso=BUNDLE.iso[:1])


def order(*config: ConfigFile) -> Order:
    return Order(Facts(), SITE, (), config=config)


def test_a_file_is_where_it_lies_in_the_iso() -> None:
    assert iso.part(BUNDLE, "boot/kernel").pieces == (Extent("sha256-1/installer.iso", 2048, 100),)
    assert iso.whole(BUNDLE).pieces == (Extent("sha256-1/installer.iso", 0, 9000),)


def test_what_does_not_lie_in_one_piece_cannot_be_fetched_and_all_of_it_is_named() -> None:
    assert iso.lacking(BUNDLE, "boot/kernel", "config.img") == ""
    told = "bundle eve: its installer.iso has no a, no b that lies in it in one piece"
    assert iso.lacking(BUNDLE, "a", "boot/kernel", "b") == told
    with pytest.raises(CannotBoot, match="no a that lies"):
        iso.part(BUNDLE, "a")


def test_without_files_of_its_own_a_node_gets_the_configuration_of_the_iso_if_there_is_one() -> None:
    assert iso.config(BUNDLE, order()).pieces == (Extent("sha256-1/installer.iso", 4096, 900),)
    assert iso.config(WITHOUT, order()) == NOTHING


@pytest.mark.parametrize(
    ("bundle", "size"),
    [
        (replace(BUNDLE, config_size=2 << 20), 2 << 20),
        (replace(BUNDLE, iso=(IsoFile("config.img", 0, 4 << 20),)), 4 << 20),
        (WITHOUT, 1 << 20),
    ],
    ids=["as the bundle says", "as in the ISO", "the least there was"],
)
def test_its_own_files_make_an_image_of_the_size_of_the_release(bundle: Bundle, size: int) -> None:
    made = iso.config(bundle, order(ConfigFile("server", b"mine"))).joined()
    assert (len(made), read_fat(made).files) == (size, {"server": b"mine"})
