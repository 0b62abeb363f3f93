"""A bundle's own GRUB and menu: what iPXE and GRUB are told, and what the node fetches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd import __version__
from netbootd.boot.facts import Facts
from netbootd.boot.model import ConfigFile
from netbootd.boot.plan import GrubPlan
from netbootd.boot.site import Site
from netbootd.chain.scripts import Loader, Rendered, script
from netbootd.fleet.lifecycle import Stage
from netbootd.payloads.eve import Route
from netbootd.payloads.eve.bundle import Bundle, Era
from netbootd.wire.fat_reader import read_fat
from netbootd.wire.segments import Extent, Segments
from tests.support import eve_bundles, eve_menus, ipxe
from tests.support.eve_bundles import MIB
from tests.support.worlds import CARD, SITE, args, profile, settled

ISOS = [era for era in Era if era.has_iso]
NODE = Facts(mac=CARD, manufacturer="ACME", platform="efi")
OWN = (ConfigFile("server", b"zed.example\n", "n1.yaml:3"),)
PORT_80 = replace(SITE, http_port=80)


def bundle(era: Era, **more: object) -> Bundle:
    found = eve_bundles.bundle(era)
    menu = {"grub": eve_menus.MENU, "grub_include": eve_menus.include(era), "cmdline": eve_menus.CMDLINE}
    return replace(found, name="eve", files=("EFI/BOOT/BOOTX64.EFI", "installer.iso"), **menu, **more)  # type: ignore[arg-type]


def got(
    of: Bundle | None,
    loader: Loader = Loader.GRUB,
    site: Site = PORT_80,
    facts: Facts = NODE,
    config: tuple[ConfigFile, ...] = (),
) -> Rendered:
    """The script of an armed machine whose profile takes this bundle's own way."""
    own = args("profile edge", eve_install_server="zed.example")
    edge = profile("edge", "eve", {"bundle": "eve", "route": Route.GRUB}, args=own, config=config)
    return script(
        facts, replace(settled(edge, stage=Stage.ARMED), bundles={"eve": of} if of else {}), site, loader=loader
    )


def plan(of: Bundle, **more: object) -> GrubPlan:
    found = got(of, **more).plan  # type: ignore[arg-type]
    assert isinstance(found, GrubPlan)
    return found


def document(of: GrubPlan, name: str) -> Segments:
    return next(each.content for each in of.documents if each.name == name)


def text(of: GrubPlan) -> str:
    return document(of, "grub.cfg").joined().decode()


@pytest.mark.parametrize("era", ISOS, ids=lambda era: era.value)
def test_golden_what_grub_gets(era: Era, golden: Callable[[str, str], None]) -> None:
    rendered = got(bundle(era))
    golden(f"scripts/eve-{era.value}-grub-route.grub", rendered.text.replace(__version__, "VERSION"))
    assert isinstance(rendered.plan, GrubPlan)
    golden(f"scripts/eve-{era.value}-grub-route-include.grub", text(rendered.plan))


@pytest.mark.parametrize("era", ISOS, ids=lambda era: era.value)
def test_golden_what_ipxe_gets(era: Era, golden: Callable[[str, str], None]) -> None:
    rendered = got(bundle(era), Loader.IPXE)
    golden(f"scripts/eve-{era.value}-grub-route.ipxe", rendered.text.replace(__version__, "VERSION"))
    assert set(ipxe.names(rendered.text)) <= ipxe.COMMANDS


def test_ipxe_tells_grub_the_server_before_it_starts_it() -> None:
    """The router's word stands there otherwise, and GRUB asks it for half a minute a name."""
    lines = got(bundle(Era.B2), Loader.IPXE).text.splitlines()
    told = [n for n, line in enumerate(lines) if line.startswith("set ") and "/" in line.split()[1]]
    assert all(lines[n].endswith("||") for n in told)
    assert {lines[n].split()[1] for n in told} >= {"netX/next-server", "netX/filename", "proxydhcp/next-server"}
    assert max(told) < next(n for n, line in enumerate(lines) if line.startswith("chain "))


def test_addresses_are_numbers_whatever_the_public_url_says() -> None:
    """GRUB has no TLS, and no name server where the DHCP server named none."""
    site = replace(PORT_80, public_url="https://boot.example.net")
    for loader in Loader:
        assert "boot.example.net" not in got(bundle(Era.B2), loader, site).text
    assert "boot.example.net" not in text(plan(bundle(Era.B2), site=site))


def test_a_port_stands_in_every_name() -> None:
    site = replace(SITE, http_port=8088)
    rendered = got(bundle(Era.B2), site=site)
    assert "set cmddevice=http,192.0.2.1:8088\n" in rendered.text
    assert rendered.text.count("http,192.0.2.1") == rendered.text.count("http,192.0.2.1:8088")
    assert "(http,192.0.2.1:8088)/node/TOKEN/installer.iso" in text(plan(bundle(Era.B2), site=site))


@pytest.mark.parametrize(
    ("version", "fine"), [("16.11.0", False), ("14.5.5-lts", False), ("", False), ("16.12.0", True)]
)
def test_another_port_needs_a_grub_that_knows_ports(version: str, fine: bool) -> None:
    rendered = got(bundle(Era.B2, version=version), site=SITE)
    assert (rendered.failure == "") is fine
    assert fine or "set http.port: 80, or take route: direct" in rendered.failure


@pytest.mark.parametrize("loader", list(Loader))
def test_a_bios_machine_is_told_why_not(loader: Loader) -> None:
    rendered = got(bundle(Era.B2), loader, facts=replace(NODE, platform="pcbios"))
    assert "its GRUB is a UEFI program, and this machine boots by BIOS; take route: direct" in rendered.failure
    assert "UEFI program" in " ".join(rendered.text.split())


def test_era_a_has_no_such_route() -> None:
    rendered = got(Bundle("eve", "0" * 64, "sha256-0", Era.A))
    assert "6.3 to 13.3, which has no GRUB of its own; take route: direct" in rendered.failure


def test_a_bundle_that_is_not_there_is_not_taken_for_an_old_one() -> None:
    assert "there is no bundle eve, and route: grub starts" in got(None).failure


def test_a_bundle_that_is_an_iso_alone_has_its_grub_in_it() -> None:
    of = replace(bundle(Era.B2), files=("installer.iso",))
    assert "/artifacts/sha256-1/iso/EFI/BOOT/BOOTX64.EFI" in got(of, Loader.IPXE).text


def test_a_bundle_without_a_grub_is_refused() -> None:
    of = replace(bundle(Era.B2), files=("installer.iso",), iso=())
    assert "it has no EFI/BOOT/BOOTX64.EFI; take route: direct" in got(of).failure


@pytest.mark.parametrize(
    ("era", "names"),
    [
        (Era.B1, ["grub.cfg", "installer.iso"]),
        (Era.B1X, ["grub.cfg", "installer.iso"]),
        (Era.B2, ["grub.cfg", "installer.iso"]),
        (Era.B3, ["grub.cfg", "config.img", "rootfs_installer.img"]),
    ],
)
def test_the_installer_s_image_comes_last_and_under_the_token(era: Era, names: list[str]) -> None:
    found = plan(bundle(era))
    assert [each.name for each in found.documents] == names
    assert found.last == f"http://192.0.2.1/node/TOKEN/{names[-1]}"
    assert text(found).index(names[-1]) > max((text(found).index(f"newc:/{name}") for name in names[1:-1]), default=0)


def test_a_node_s_configuration_is_beside_the_squashfs_of_b3() -> None:
    image = document(plan(bundle(Era.B3), config=OWN), "config.img").joined()
    assert read_fat(image).files["server"] == b"zed.example\n"


def test_a_configuration_that_b3_s_iso_lacks_is_laid_over_as_well() -> None:
    found = eve_bundles.bundle(Era.B3, config=0)
    of = replace(bundle(Era.B3), iso=found.iso, iso_size=found.iso_size)
    assert [each.name for each in plan(of).documents] == ["grub.cfg", "rootfs_installer.img"]
    assert "rootaddmount=/config.img:/config.img" in text(plan(of, config=OWN))


@pytest.mark.parametrize("era", [Era.B1, Era.B1X])
def test_who_cannot_take_a_configuration_says_so(era: Era) -> None:
    assert "takes no configuration of a node's own by its GRUB" in got(bundle(era), config=OWN).failure


@cache
def replaced() -> tuple[Segments, bytes]:
    """The node's ISO as netbootd describes it, and one whose config.img was written over in place."""
    of = bundle(Era.B2)
    described = document(plan(of, config=OWN), "installer.iso")
    place = of.in_iso("config.img")
    assert place
    real = bytearray(eve_bundles.iso(Era.B2))
    own = described.slice(place.offset, place.size).joined()
    assert read_fat(own).files["server"] == b"zed.example\n"
    real[place.offset : place.offset + place.size] = own
    return described, bytes(real)


def of_the_iso(extent: Extent) -> bytes:
    assert extent.source == "sha256-1/installer.iso"
    return eve_bundles.iso(Era.B2)[extent.offset : extent.offset + extent.length]


def test_the_iso_with_a_node_s_configuration_has_the_size_of_the_iso() -> None:
    described, real = replaced()
    assert described.length == len(real) == len(eve_bundles.iso(Era.B2))
    assert described.joined(of_the_iso) == real
    literals = sum(len(piece) for piece in described.pieces if not isinstance(piece, Extent))
    assert literals == MIB  # nothing else of it is held


@given(st.data())
def test_any_range_of_it_is_that_of_a_real_one(data: st.DataObject) -> None:
    described, real = replaced()
    start = data.draw(st.integers(0, described.length))
    length = data.draw(st.integers(0, described.length - start))
    assert described.slice(start, length).joined(of_the_iso) == real[start : start + length]
