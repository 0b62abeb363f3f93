"""EVE-OS, classic layout: the stock script's arguments, files and boards, and a node's own configuration."""

from __future__ import annotations

import gzip

import pytest

from netbootd.boot.args import ArgSetting, command_line, expand, merge
from netbootd.boot.facts import Facts
from netbootd.boot.model import ConfigFile
from netbootd.boot.plan import KernelPlan
from netbootd.payloads import Order
from netbootd.payloads.eve import PAYLOAD, Settings
from netbootd.payloads.eve.bundle import Bundle, Era
from netbootd.wire.cpio import members
from netbootd.wire.fat_reader import read_fat
from tests.support.worlds import CARD, SITE, args

SETTINGS = Settings("eve-13.3/")
ARTIFACTS = "http://192.0.2.1:8080/artifacts/eve-13.3"


def rendered(text: str, _where: str) -> str:
    return text.replace("{{ machine.mac | hexhyp }}", CARD.hexhyp)


def ordered(manufacturer: str | None = None, *layers: tuple[ArgSetting, ...]) -> KernelPlan:
    facts = Facts(mac=CARD, manufacturer=manufacturer)
    merged = expand(merge(PAYLOAD.defaults(SETTINGS, facts, None), *layers), rendered)
    plan = PAYLOAD.plan(SETTINGS, Order(facts, SITE, merged))
    assert isinstance(plan, KernelPlan)
    return plan


def test_the_initrds_stand_in_the_stock_order() -> None:
    """The init looks for the squashfs from the front, so rootfs.img is last."""
    plan = ordered()

    assert plan.kernel.url == f"{ARTIFACTS}/kernel"
    assert [image.name for image in plan.initrds] == ["initrd.img", "installer.img", "initrd.bits", "rootfs.img"]
    assert [image.url for image in plan.initrds] == [f"{ARTIFACTS}/{image.name}" for image in plan.initrds]


def test_the_defaults_are_those_of_the_stock_script() -> None:
    assert ordered().line == (
        "eve_soft_serial=52-54-00-12-34-56 eve_reboot_after_install "
        "root=/initrd.image find_boot=netboot overlaytmpfs fastboot"
    )


@pytest.mark.parametrize(
    ("manufacturer", "board"),
    [
        ("Supermicro", "console=ttyS1,115200n8"),
        ("Huawei", "console=ttyAMA0,115200n8 pcie_aspm=off pci=pcie_bus_perf"),
        (
            "Dell Inc.",
            "console=ttyS0 console=ttyS1 console=ttyS2 console=ttyAMA0 console=ttyAMA1 console=tty0",
        ),
    ],
)
def test_a_known_manufacturer_decides_the_console(manufacturer: str, board: str) -> None:
    plan = ordered(manufacturer)

    assert plan.line.endswith(f"fastboot {board}")
    assert (plan.fallback, plan.variants) == ((), ())


def test_while_the_manufacturer_is_unknown_ipxe_decides() -> None:
    plan = ordered()

    assert plan.fallback_line.startswith("console=ttyS0 ")
    assert plan.fallback_line.endswith(" console=tty0")
    assert {v.manufacturer: v.line for v in plan.variants} == {
        "Huawei": "console=ttyAMA0,115200n8 pcie_aspm=off pci=pcie_bus_perf",
        "Supermicro": "console=ttyS1,115200n8",
    }


@pytest.mark.parametrize("manufacturer", [None, "Supermicro", "Dell Inc."])
def test_the_profiles_console_goes_before_the_boards(manufacturer: str | None) -> None:
    plan = ordered(manufacturer, args(console="ttyS4"))

    everywhere = command_line((*plan.args, *plan.fallback, *(arg for v in plan.variants for arg in v.args)))
    assert [word for word in everywhere.split() if word.startswith("console=")] == ["console=ttyS4"]


def test_a_board_with_nothing_left_to_say_is_left_out() -> None:
    assert [v.manufacturer for v in ordered(None, args(console="ttyS4")).variants] == ["Huawei"]
    assert ordered(None, args(console="ttyS4", pci="x", pcie_aspm=False)).variants[0].line == "pcie_aspm=off"


def test_each_argument_can_be_overridden_or_taken_away() -> None:
    plan = ordered("Supermicro", args(eve_soft_serial="N1", eve_reboot_after_install=False), args(overlaytmpfs=False))

    assert plan.line.startswith("eve_soft_serial=N1 root=/initrd.image find_boot=netboot fastboot")


def test_its_own_arguments_say_so() -> None:
    assert {arg.origin for arg in ordered("Supermicro").args} == {"EVE default", "EVE default for Supermicro"}


class TestConfig:
    """A node's own configuration."""

    def planned(self, *config: ConfigFile) -> KernelPlan:
        plan = PAYLOAD.plan(SETTINGS, Order(Facts(mac=CARD), SITE, (), config=config, token="T" * 32))
        assert isinstance(plan, KernelPlan)
        return plan

    def test_goes_before_the_squashfs(self) -> None:
        plan = self.planned(ConfigFile("server", b"zed.example\n"))

        names = [image.name for image in plan.initrds]
        assert names == ["initrd.img", "installer.img", "initrd.bits", "config.cpio.gz", "rootfs.img"]
        assert plan.initrds[3].url == f"http://192.0.2.1:8080/node/{'T' * 32}/config.cpio.gz"

    def test_is_an_image_of_a_mebibyte_in_the_one_document(self) -> None:
        (made,) = self.planned(ConfigFile("server", b"zed.example\n")).documents

        (found,) = [each for each in members(gzip.decompress(made.content.joined())) if each.mode & 0o100000]
        assert (made.name, found.name, len(found.data)) == ("config.cpio.gz", "media/root-rw/config.img", 1 << 20)
        assert read_fat(found.data).files == {"server": b"zed.example\n"}

    def test_lies_over_that_of_the_release(self) -> None:
        stock = (ConfigFile("server", b"stock"), ConfigFile("root-certificate.pem", b"stock"))
        bundle = Bundle("eve-13.3", "", "eve-13.3", Era.A, stock=stock)
        order = Order(Facts(), SITE, (), bundles={"eve-13.3": bundle}, config=(ConfigFile("server", b"mine"),))
        (made,) = PAYLOAD.plan(SETTINGS, order).documents  # type: ignore[union-attr]
        (found,) = [each for each in members(gzip.decompress(made.content.joined())) if each.mode & 0o100000]
        assert read_fat(found.data).files == {"server": b"mine", "root-certificate.pem": b"stock"}

    def test_is_not_there_without_files(self) -> None:
        plan = self.planned()

        assert plan.documents == ()
        assert "config.cpio.gz" not in [image.name for image in plan.initrds]
