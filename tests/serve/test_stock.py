"""Names at the root: which are scripts, and whose release a file is of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.boot.facts import Facts
from netbootd.chain.world import World
from netbootd.payloads.eve.bundle import Bundle, Era
from netbootd.serve.stock import is_script, release_file, without_alias
from netbootd.wire.mac import Mac
from tests.support.worlds import CARD, linux, machine, profile, world

NEW = Bundle("new", "", "sha256-aaaa", Era.B2)
OLD = Bundle("old", "", "sha256-bbbb", Era.A)
EDGE = profile("edge", "eve", {"bundle": "new"})
ATTIC = profile("attic", "eve", {"bundle": "old"})
OTHER_CARD = Mac.parse("52:54:00:00:00:99")
STRANGER = "192.0.2.200"


def stocked(bare: World) -> World:
    return replace(bare, bundles={"new": NEW, "old": OLD})


def found(name: str, world: World, card: Mac | None = None, ip: str = STRANGER) -> str | None:
    return release_file(name, Facts(mac=card), ip, world)


@pytest.mark.parametrize(
    "name",
    [
        "ipxe.cfg",
        "ipxe.cfg.cfg",
        "autoexec.ipxe",
        "autoexec.ipxe.cfg",
        "boot.ipxe",
        "boot.ipxe.cfg",
        "ipxe.efi.cfg",
        "snponly.efi.cfg",
        "undionly.kpxe.cfg",
        "amd64.ipxe.efi.cfg",
    ],
)
def test_a_script_has_its_name_and_that_of_whatever_program_asks(name: str) -> None:
    """EVE's iPXE puts .cfg behind the boot file of the DHCP answer, whatever that is."""
    assert is_script(name)


@pytest.mark.parametrize("name", ["ipxe.efi", "grub.cfg", "config.cfg", ".cfg", "ipxe.cfg.cfg.cfg", "kernel", "", "x"])
def test_what_is_no_script(name: str) -> None:
    assert not is_script(name)


def test_edens_prefix_is_the_root() -> None:
    assert without_alias(("eserver", "installer.iso")) == ("installer.iso",)
    assert without_alias(("eserver",)) == ()
    assert without_alias(("EFI", "eserver")) == ("EFI", "eserver")


class TestWhoseRelease:
    def test_each_client_finds_the_release_that_its_own_profile_boots(self) -> None:
        """Several releases on one server, though GRUB and EVE's script know one root."""
        two = stocked(
            world(EDGE, ATTIC, machines=[machine("edge"), machine("attic", "node-2", OTHER_CARD)], unknown="silent")
        )
        assert found("installer.iso", two, CARD) == "sha256-aaaa/installer.iso"
        assert found("rootfs.img", two, OTHER_CARD) == "sha256-bbbb/rootfs.img"

    def test_a_machine_that_is_named_by_its_address_is_known_by_that(self) -> None:
        named = replace(machine("attic", "node-2"), macs=(), ip=STRANGER)
        two = stocked(world(EDGE, ATTIC, machines=[named], unknown="silent"))
        assert found("kernel", two) == "sha256-bbbb/kernel"
        assert found("kernel", two, ip="192.0.2.201") is None

    def test_strangers_find_the_release_of_the_profile_for_unknown_machines(self) -> None:
        two = stocked(world(EDGE, ATTIC, unknown="attic"))
        assert found("kernel", two) == "sha256-bbbb/kernel"

    def test_or_the_only_one_there_is(self) -> None:
        """A tool that starts one daemon for one release: its machines may sit behind a NAT."""
        again = profile("again", "eve", {"bundle": "new"})
        assert found("EFI/BOOT/BOOTX64.EFI", stocked(world(EDGE, again, linux()))) == "sha256-aaaa/EFI/BOOT/BOOTX64.EFI"
        assert found("kernel", stocked(world(EDGE, ATTIC))) is None
        assert found("kernel", stocked(world(linux()))) is None

    def test_a_machine_that_boots_something_else_finds_none(self) -> None:
        rescued = stocked(world(EDGE, linux(), machines=[machine("rescue")]))
        assert found("kernel", rescued, CARD) is None
        assert found("kernel", rescued, OTHER_CARD) == "sha256-aaaa/kernel"

    def test_a_profile_whose_bundle_is_not_there_has_none(self) -> None:
        lost = profile("lost", "eve", {"bundle": "gone"})
        assert found("kernel", stocked(world(EDGE, lost, machines=[machine("lost")])), CARD) is None

    @pytest.mark.parametrize("name", ["EFI/BOOT/grub.cfg", "efi/boot/GRUB.CFG", "ipxe.efi.cfg", "ipxe.efi.cfg/./"])
    def test_menus_and_scripts_never_go_out_as_the_release_has_them(self, name: str) -> None:
        """They know nothing of the machine, and would install on any."""
        assert found(name, stocked(world(EDGE))) is None
