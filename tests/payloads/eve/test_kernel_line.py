"""The kernel's arguments for a bundle with an ISO: those EVE's GRUB would have built, and where each is from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.args import ArgSetting, command_line, expand, merge
from netbootd.boot.facts import Facts
from netbootd.boot.finding import Severity
from netbootd.payloads.eve import kernel_line as module
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile
from netbootd.payloads.eve.judgement import judge
from netbootd.payloads.eve.kernel_line import CMDLINE, line, smbios
from tests.support import eve_menus
from tests.support.worlds import CARD, args

STOCK = "eve_soft_serial=52-54-00-12-34-56 eve_reboot_after_install"
QEMU = Facts(mac=CARD, manufacturer="QEMU", product="Standard PC")
ACME = Facts(mac=CARD, manufacturer="ACME", product="One")
XR320 = Facts(mac=CARD, manufacturer="Huawei", product="XR320")


def bundle(era: Era = Era.B2, *, menu: bool = True, arch: str = "amd64", config: bool = True) -> Bundle:
    names = ["boot/kernel", "boot/cmdline"]
    names += ["rootfs_installer.img"] if era is not Era.B1 else []
    names += ["config.img"] if config and era is not Era.B1 else []
    return Bundle(
        "eve",
        "",
        "d",
        era,
        arch=arch,
        version="17.3.0",
        iso=tuple(IsoFile(name, 0, 1) for name in names),
        cmdline=eve_menus.CMDLINE,
        grub=eve_menus.MENU if menu else "",
        grub_include=eve_menus.include(era) if menu else "",
    )


def kernel_line(of: Bundle, facts: Facts, own: tuple[ArgSetting, ...] = ()) -> tuple[ArgSetting, ...]:
    """With a profile's and a machine's over them."""
    return merge(module.kernel_line(of, facts), own)


def words(settings: tuple[ArgSetting, ...]) -> str:
    return command_line(expand(settings, lambda _text, _where: CARD.hexhyp))


def origins(settings: tuple[ArgSetting, ...]) -> dict[str, str]:
    return {setting.key: setting.origin for setting in settings}


def test_without_a_menu_the_table_gives_the_line_that_was_seen_on_a_console() -> None:
    """Word for word what EVE's own GRUB built for a virtual machine of 17.3.0."""
    assert words(kernel_line(bundle(menu=False), QEMU)) == (
        "console=ttyS0 console=hvc0 "
        "dom0_mem=640M,max:800M dom0_max_vcpus=1 dom0_vcpus_pin eve_mem=520M,max:650M eve_max_vcpus=1 "
        "ctrd_mem=320M,max:400M ctrd_max_vcpus=1 change=500 clocksource=tsc clocksource_failover=xen "
        "pcie_acs_override=downstream,multifunction crashkernel=2G-16G:128M,16G-128G:256M,128G-:512M "
        "rootdelay=3 linuxkit.unified_cgroup_hierarchy=0 panic=120 rfkill.default_state=0 split_lock_detect=off "
        f"log_buf_len=2M getty rootwait {STOCK}"
    )


def test_with_a_menu_it_is_the_menus() -> None:
    assert words(kernel_line(bundle(), QEMU)) == (
        "console=ttyS0 console=hvc0 dom0_mem=640M,max:800M dom0_max_vcpus=1 dom0_vcpus_pin "
        "clocksource=tsc clocksource_failover=xen "
        "pcie_acs_override=downstream,multifunction crashkernel=2G-16G:128M,16G-128G:256M,128G-:512M "
        f"rootdelay=3 linuxkit.unified_cgroup_hierarchy=0 panic=120 rfkill.default_state=0 getty rootwait {STOCK}"
    )


def test_each_argument_says_where_it_is_from() -> None:
    assert origins(kernel_line(bundle(arch="arm64"), XR320, args("machine node-1", rootwait=False, quiet=True))) == {
        "console": "EVE default for Huawei XR320",
        "dom0_mem": "EVE 17.3.0's own menu",
        "dom0_max_vcpus": "EVE 17.3.0's own menu",
        "dom0_vcpus_pin": "EVE 17.3.0's own menu",
        "pcie_aspm": "EVE default for Huawei XR320",
        "pci": "EVE default for Huawei XR320",
        "pcie_acs_override": "EVE 17.3.0's own menu",
        "rootdelay": CMDLINE,
        "linuxkit.unified_cgroup_hierarchy": CMDLINE,
        "panic": "EVE 17.3.0's own menu",
        "rfkill.default_state": "EVE 17.3.0's own menu",
        "getty": "EVE 17.3.0's own menu",
        "eve_soft_serial": "EVE default",
        "eve_reboot_after_install": "EVE default",
        "quiet": "machine node-1",
    }


@pytest.mark.parametrize("menu", [True, False])
def test_the_table_names_the_board_as_the_menu_does(menu: bool) -> None:
    found = origins(kernel_line(bundle(menu=menu, arch="arm64"), XR320))
    assert (found["console"], found["pci"]) == ("EVE default for Huawei XR320",) * 2
    assert found["rootdelay"] == CMDLINE
    assert "for" not in found["panic"]


def test_users_arguments_go_over_key_by_key() -> None:
    own = (*args("profile p", console=["tty0", "ttyS1,115200"], getty=False), *args("machine m", eve_soft_serial="N1"))
    line = words(kernel_line(bundle(), QEMU, own))
    assert line.startswith("console=tty0 console=ttyS1,115200 dom0_mem=")
    assert " getty" not in line
    assert "eve_soft_serial=N1 eve_reboot" in line


def test_a_boards_own_choice_of_disks_gives_way_to_the_users() -> None:
    """The installer reads one value; twice would be two lines to it."""
    edge = Facts(mac=CARD, manufacturer="x", product="Edge NX")
    assert "eve_install_disk=nvme0n1" in words(kernel_line(bundle(arch="arm64"), edge))
    line = words(kernel_line(bundle(arch="arm64"), edge, args("machine m", eve_install_disk="sda")))
    assert [word for word in line.split() if "install_disk" in word] == ["eve_install_disk=sda"]


@pytest.mark.parametrize("menu", [True, False])
def test_a_board_that_wipes_by_default_still_does_and_is_named(menu: bool) -> None:
    product = "Edge NX" if menu else "ThinkEdge SE70 (NVIDIA Jetson Xavier NX)"
    machine = Facts(mac=CARD, manufacturer="x", product=product, asset="12-34-5")
    settings = kernel_line(bundle(menu=menu, arch="arm64"), machine)
    found = judge(expand(settings, lambda _text, _where: CARD.hexhyp))
    assert [(each.severity, each.text.partition(":")[0]) for each in found] == [
        (Severity.WARNING, f"eve_nuke_disks of EVE default for x {product}"),
        (Severity.INFO, f"eve_install_disk of EVE default for x {product}"),
    ]


@pytest.mark.parametrize("era", [Era.B1, Era.B1X, Era.B2, Era.B3], ids=lambda era: era.value)
@pytest.mark.parametrize("menu", [True, False])
def test_the_root_that_the_menu_names_is_left_out(era: Era, menu: bool) -> None:
    """Whoever makes the initrd knows where it is."""
    assert words(kernel_line(bundle(era, menu=menu), ACME)).startswith("console=tty0 dom0_mem")


def test_a_machine_that_has_said_nothing_is_taken_for_bare_metal() -> None:
    assert words(kernel_line(bundle(), Facts(mac=CARD))).startswith("console=tty0 dom0_mem")


def test_what_the_firmware_says_is_what_is_known() -> None:
    assert smbios(Facts(manufacturer="A", product="B", asset="C", serial="D")) == smbios(
        Facts(manufacturer="A", product="B", asset="C", serial="D", mac=CARD)
    )
    assert smbios(Facts()).manufacturer == ""


@pytest.mark.parametrize(
    ("menu", "why"),
    [
        ("", "it has no entry to boot"),
        ("while true; do x; done", "'while'"),
        ("menuentry a { linux /k root=/x 'a{{b}}'; }", "a brace"),
        ("menuentry a { linux /k root=/x =b; }", "not a name"),
        ("menuentry a { linux /k root=/x 'a=\"'; }", "double quote"),
        ("menuentry a { linux /k quiet; }", "it names no root"),
    ],
)
def test_a_menu_that_cannot_be_used_is_replaced_and_said(menu: str, why: str) -> None:
    """A bundle's words are never a template, and nothing of them that iPXE or the kernel would misread goes on."""
    (note,) = line(replace(bundle(), grub=menu), smbios(ACME)).notes
    assert why in note
    assert "EVE's usual arguments stand in" in note
    assert "dom0_mem" in words(kernel_line(replace(bundle(), grub=menu), ACME))


def test_a_menu_that_was_followed_has_nothing_to_add() -> None:
    assert line(bundle(), smbios(ACME)).notes == ()


def test_repeated_keys_keep_their_order_among_themselves() -> None:
    """The kernel takes the last: rootdelay=3 of the ISO goes over the board's 10, as with GRUB."""
    menu = "menuentry a { linux /k rootdelay=10 root=/x quiet rootdelay=3; }"
    assert words(kernel_line(replace(bundle(), grub=menu), ACME)).startswith("rootdelay=10 rootdelay=3 quiet")


@given(grub=st.text(max_size=60), cmdline=st.text(max_size=30), maker=st.text(max_size=10))
def test_whatever_is_in_a_bundle_there_is_a_line(grub: str, cmdline: str, maker: str) -> None:
    each = replace(bundle(), grub=grub, cmdline=cmdline)
    facts = Facts(mac=CARD, manufacturer=maker)
    assert words(kernel_line(each, facts)).endswith(STOCK)


@given(word=st.text(min_size=1, max_size=20).filter(lambda text: "'" not in text))
def test_whatever_a_menu_makes_of_an_argument_the_line_can_be_written(word: str) -> None:
    menu = f"menuentry a {{ linux /k root=/x '{word}'; }}"
    assert words(kernel_line(replace(bundle(), grub=menu), ACME)).endswith("eve_reboot_after_install")
