"""EVE from 13.4 on without GRUB: the kernel out of the ISO, and one initrd that holds what the era's init asks for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from netbootd.boot.args import Arg, Layer
from netbootd.boot.facts import Facts
from netbootd.boot.model import ConfigFile
from netbootd.boot.plan import KernelPlan
from netbootd.load import payload_files
from netbootd.payloads import Order
from netbootd.payloads.base import CannotBoot
from netbootd.payloads.eve import direct
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile
from netbootd.wire import cpio
from netbootd.wire.fat_reader import read_fat
from netbootd.wire.segments import Extent
from tests.support import eve_bundles
from tests.support.eve_bundles import bundle
from tests.support.worlds import CARD, SITE

OWN = (ConfigFile("server", b"mine.example\n"),)
FILES = payload_files()
ISO_ERAS = tuple(era for era in Era if era.has_iso)
each_era = pytest.mark.parametrize("era", ISO_ERAS, ids=lambda era: era.value)


def planned(
    described: Bundle, *args: Arg, config: tuple[ConfigFile, ...] = (), board: str | None = "ACME"
) -> KernelPlan:
    facts = Facts(mac=CARD, manufacturer=board)
    return direct.plan(described, Order(facts, SITE, args, config=config, token="T" * 32, files=FILES))


def read(era: Era) -> Callable[[Extent], bytes]:
    """Fetches what an extent says."""

    def fetch(extent: Extent) -> bytes:
        assert extent.source == "sha256-1/installer.iso"
        return eve_bundles.iso(era)[extent.offset : extent.offset + extent.length]

    return fetch


def document(plan: KernelPlan, name: str, era: Era) -> bytes:
    (content,) = (each.content for each in plan.documents if each.name == name)
    made = content.joined(read(era))
    assert len(made) == content.length
    return made


def late(plan: KernelPlan, era: Era) -> dict[str, bytes]:
    """What comes after the initrd of the ISO."""
    initrd = eve_bundles.iso_files(era)["boot/initrd.img"]
    stream = document(plan, "initrd", era)
    assert stream.startswith(initrd)
    return {member.name: bytes(member.data) for member in cpio.members(stream[len(initrd) + -len(initrd) % 512 :])}


@each_era
def test_the_kernel_is_that_of_the_iso_and_one_initrd_follows(era: Era) -> None:
    """Both under the machine's own token; the names are those ``initrd=`` calls."""
    plan = planned(bundle(era))
    assert plan.kernel.url == f"{SITE.base_url}/node/{'T' * 32}/kernel"
    assert [image.url for image in plan.initrds] == [f"{SITE.base_url}/node/{'T' * 32}/initrd"]
    assert document(plan, "kernel", era) == eve_bundles.X86_KERNEL


@pytest.mark.parametrize(
    ("era", "root", "brought"),
    [
        (Era.B1, "root=/installer.iso", ["init", "installer.iso", "config.img"]),
        (Era.B1X, "root=/rootfs_installer.img", ["init", "rootfs_installer.img", "config.img"]),
        (Era.B2, "root=/rootfs_installer.img", ["init", "rootfs_installer.img", "config.img"]),
        (Era.B3, "root=/rootfs_installer.img", ["rootfs_installer.img", "config.img"]),
    ],
    ids=lambda value: value.value if isinstance(value, Era) else None,
)
def test_each_era_gets_what_its_init_asks_for(era: Era, root: str, brought: list[str]) -> None:
    """The init is netbootd's for all but B3, whose own does the same."""
    plan = planned(with_config(bundle(era)), config=OWN)
    assert list(late(plan, era)) == brought
    assert plan.line.split()[:2] == [root, "rootaddmount=/config.img:/config.img"]


def with_config(described: Bundle) -> Bundle:
    """With a config.img in the ISO, as installers made by EVE's container have."""
    if described.in_iso("config.img"):
        return described
    return replace(described, iso=(*described.iso, IsoFile("config.img", 0, eve_bundles.MIB)))


def test_the_arguments_are_those_of_the_order_and_an_own_root_goes_before() -> None:
    """The order has what EVE's menu would have built, and what profile and machine say."""
    own = (
        Arg("root", "/other.img", "machine n1", Layer.MACHINE),
        Arg("eve_soft_serial", "N1", "machine n1", Layer.MACHINE),
    )
    assert planned(bundle(Era.B2), *own).line == (
        "rootaddmount=/config.img:/config.img root=/other.img eve_soft_serial=N1"
    )


@each_era
def test_the_payload_is_the_release_s_own_byte_for_byte(era: Era) -> None:
    brought = late(planned(bundle(era)), era)
    if era is Era.B1:
        assert brought["installer.iso"] == eve_bundles.iso(era)
    else:
        assert brought["rootfs_installer.img"] == eve_bundles.iso_files(era)["rootfs_installer.img"]


def test_a_node_s_own_configuration_takes_the_place_of_the_release_s() -> None:
    stock, own = late(planned(bundle(Era.B2)), Era.B2), late(planned(bundle(Era.B2), config=OWN), Era.B2)
    assert stock["config.img"] == eve_bundles.iso_files(Era.B2)["config.img"]
    assert b"mine.example\n" in own["config.img"]
    assert len(own["config.img"]) == len(stock["config.img"])


def test_where_the_iso_has_no_configuration_that_of_the_squashfs_counts() -> None:
    """As ``make installer-net`` leaves it: nothing to lay over it, until a node has its own."""
    found = bundle(Era.B2, config=0)
    assert "rootaddmount" not in planned(found).line
    assert "rootaddmount=/config.img:/config.img" in planned(found, config=OWN).line


def test_an_iso_that_is_the_root_and_has_no_configuration_takes_none() -> None:
    """A file cannot be laid over one that is not there, and the node would install with the wrong configuration."""
    with pytest.raises(CannotBoot, match="takes no configuration of a node's own"):
        planned(bundle(Era.B1), config=OWN)


def test_what_is_too_much_for_the_image_is_refused_in_words() -> None:
    with pytest.raises(CannotBoot, match="too much for an image of 1024 KiB"):
        planned(bundle(Era.B2), config=(ConfigFile("server", bytes(2 << 20)),))


def test_microcode_comes_first() -> None:
    """The kernel looks for it at the very start, and what follows it stays aligned."""
    described = replace(bundle(Era.B2), iso=(*bundle(Era.B2).iso, IsoFile("boot/ucode.img", 0, 700)))
    stream = document(planned(described), "initrd", Era.B2)
    assert stream[:700] == eve_bundles.iso(Era.B2)[:700]
    assert stream[1024:].startswith(b"\x1f\x8binitrd")


def test_a_gigabyte_costs_no_memory() -> None:
    """Whatever the size of the ISO, what is held are headers, the init and the node's files."""
    rootfs = IsoFile("rootfs_installer.img", 1 << 20, 1 << 30)
    others = (file for file in bundle(Era.B2).iso if file.path != rootfs.path)
    (content,) = (
        d.content for d in planned(replace(bundle(Era.B2), iso=(*others, rootfs))).documents if d.name == "initrd"
    )
    assert content.length > 1 << 30
    assert sum(len(piece) for piece in content.pieces if isinstance(piece, memoryview)) < 16 << 10


def test_an_iso_file_too_big_for_an_archive_is_refused() -> None:
    rootfs = IsoFile("rootfs_installer.img", 0, 5 << 30)
    others = (file for file in bundle(Era.B2).iso if file.path != rootfs.path)
    with pytest.raises(CannotBoot, match="newc ends at 4 GiB"):
        planned(replace(bundle(Era.B2), iso=(*others, rootfs)))


def test_the_init_is_one_a_shell_can_read() -> None:
    """The busybox of the release runs it; here the shell of this system looks at its syntax."""
    assert FILES[direct.INIT].startswith(b"#!/bin/sh\n")
    subprocess.run(["sh", "-n"], input=FILES[direct.INIT], check=True)


def test_the_init_comes_with_the_order() -> None:
    """Nothing here reads a file: what is handed in is what the kernel unpacks."""
    order = Order(Facts(mac=CARD), SITE, (), files={direct.INIT: b"#!/bin/sh\nother\n"})
    assert late(direct.plan(bundle(Era.B2), order), Era.B2)["init"] == b"#!/bin/sh\nother\n"


@pytest.mark.parametrize("era", [Era.B1X, Era.B2, Era.B3], ids=lambda era: era.value)
def test_a_node_s_own_files_lie_over_those_of_the_release(era: Era) -> None:
    stock = (ConfigFile("server", b"stock"), ConfigFile("root-certificate.pem", b"stock"))
    made = late(planned(replace(bundle(era), stock=stock), config=OWN), era)["config.img"]
    assert read_fat(made).files == {"server": b"mine.example\n", "root-certificate.pem": b"stock"}


WHOLE = tuple(IsoFile(path, 2048, 4096) for path in ("boot/initrd.img", "boot/kernel", "rootfs_installer.img"))


def with_iso(era: Era, iso: tuple[IsoFile, ...] = WHOLE) -> Bundle:
    return Bundle("eve-17.3.0", "", "sha256-1", era, iso=iso)


@each_era
def test_every_era_boots_the_one_broken_as_released_included(era: Era) -> None:
    assert direct.refusal(with_iso(era)) == ""


@pytest.mark.parametrize("lacking", WHOLE, ids=lambda file: file.path)
def test_an_iso_without_what_is_loaded_from_it_is_refused(lacking: IsoFile) -> None:
    iso = tuple(file for file in WHOLE if file is not lacking)
    assert direct.refusal(with_iso(Era.B2, iso)) == (
        f"bundle eve-17.3.0: its installer.iso has no {lacking.path} that lies in it in one piece"
    )


def test_the_first_installers_with_an_iso_have_no_squashfs_in_it() -> None:
    assert direct.refusal(with_iso(Era.B1, WHOLE[:2])) == ""
