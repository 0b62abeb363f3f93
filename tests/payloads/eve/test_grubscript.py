"""A bundle's menu, followed for one machine: the arguments GRUB would have built."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.payloads.eve.bundle import Era
from netbootd.payloads.eve.grubcommands import Smbios
from netbootd.payloads.eve.grubscript import Menu, MenuError, evaluate
from tests.support.eve_menus import CMDLINE, MENU, include

QEMU = Smbios("QEMU", "Standard PC (Q35 + ICH9, 2009)")
ACME = Smbios("ACME", "Server 1")
XR320 = Smbios("Huawei", "Atlas XR320\x01")
PLUMBING = "root=/installer.iso rootimg=/rootfs_installer.img rootaddmount=/config.img:/config.img"


def followed(machine: Smbios, era: Era = Era.B2, arch: str = "x86_64", *files: str, netboot: bool = True) -> Menu:
    return evaluate(MENU, include(era), machine, arch=arch, netboot=netboot, cmdline=f"{CMDLINE}\n", files=files)


def line(machine: Smbios, era: Era = Era.B2, arch: str = "x86_64", *files: str, netboot: bool = True) -> str:
    return " ".join(followed(machine, era, arch, *files, netboot=netboot).kernel_args)


def test_the_line_of_a_virtual_machine() -> None:
    """In GRUB's order, as it was seen on the console of one."""
    assert line(QEMU) == (
        f"console=ttyS0 console=hvc0 {PLUMBING} dom0_mem=640M,max:800M dom0_max_vcpus=1 dom0_vcpus_pin "
        "clocksource=tsc clocksource_failover=xen "
        "pcie_acs_override=downstream,multifunction crashkernel=2G-16G:128M,16G-128G:256M,128G-:512M "
        f"{CMDLINE} panic=120 rfkill.default_state=0 getty rootwait"
    )


def test_the_line_of_bare_metal() -> None:
    assert line(ACME).startswith(
        f"console=tty0 {PLUMBING} dom0_mem=640M,max:800M dom0_max_vcpus=1 dom0_vcpus_pin pcie_acs"
    )


@pytest.mark.parametrize(
    ("era", "files", "root"),
    [
        (Era.B1, (), "root=/installer.iso"),
        (Era.B1X, ("rootfs_installer.img",), "root=/installer.iso"),
        (Era.B2, ("config.img",), PLUMBING),
        (Era.B3, ("config.img",), "root=/rootfs_installer.img rootaddmount=/config.img:/config.img"),
        (Era.B3, (), "root=/rootfs_installer.img"),
    ],
)
def test_each_era_finds_its_root_its_own_way(era: Era, files: tuple[str, ...], root: str) -> None:
    assert f"console=tty0 {root} dom0_mem" in line(ACME, era, "x86_64", *files)


def test_without_a_network_it_is_found_by_its_label() -> None:
    assert "root=LABEL=EVEISO " in line(ACME, netboot=False)


@pytest.mark.parametrize(
    ("machine", "arch", "tweaks"),
    [
        (Smbios("HPE", "ProLiant DL360 Gen10"), "x86_64", "cmos-rtc-probe=1"),
        (Smbios("HPE", "ProLiant m750 Server Blade"), "x86_64", "cmos-rtc-probe=1 pci=realloc=off"),
        (XR320, "arm64", "pcie_aspm=off pci=pcie_bus_perf"),
        (Smbios("x", "Edge NX"), "arm64", "fbcon=map:0 eve_install_disk=nvme0n1"),
        (
            Smbios("x", "Edge NX", asset="12-34-1"),
            "arm64",
            "fbcon=map:0 eve_nuke_disks=mmcblk0 eve_install_disk=nvme0n1",
        ),
    ],
)
def test_boards_are_told_apart_by_smbios(machine: Smbios, arch: str, tweaks: str) -> None:
    assert f"dom0_vcpus_pin {tweaks} pcie_acs_override" in line(machine, Era.B2, arch)


def test_a_boards_console_goes_over_the_architectures() -> None:
    assert line(XR320, Era.B2, "arm64").startswith("console=ttyAMA0,115200n8 root=")
    assert line(ACME, Era.B2, "arm64").startswith("console=tty0 console=ttyS0,115200 console=hvc0 root=")


def test_crashkernel_is_for_x86() -> None:
    assert "crashkernel" not in line(ACME, Era.B2, "arm64")


def test_it_says_what_was_loaded_and_what_it_is_called() -> None:
    menu = followed(ACME)
    assert (menu.title, menu.kernel) == ("Boot -installer", "/boot/kernel")
    assert menu.initrds == (
        "/boot/ucode.img",
        "/boot/initrd.img",
        "newc:/installer.iso:(http,server)/installer.iso",
    )
    assert menu.variables["flavor"] == "kvm"
    assert menu.notes == ()


def test_the_default_entry_may_be_another() -> None:
    menu = "set default=1\nmenuentry a { linux /k a; }\nmenuentry b { linux /k b; }\n"
    assert evaluate(menu, "", ACME, arch="x86_64").kernel_args == ("b",)
    assert evaluate(menu.replace("=1", "=7"), "", ACME, arch="x86_64").kernel_args == ("a",)


def test_entries_may_depend_on_what_was_found() -> None:
    menu = (
        'if [ "$many" = "true" ]; then\n  menuentry x { linux /k x; }\n  menuentry y { linux /k y; }\nelse\n'
        '  menuentry "only" { linux /k "two words" \'$x\' $x; }\nfi\n'
    )
    assert evaluate(menu, "", ACME, arch="x86_64").kernel_args == ("two words", "$x")
    assert evaluate("set many=true\n" + menu, "", ACME, arch="x86_64").kernel_args == ("x",)


@pytest.mark.parametrize(
    ("menu", "why"),
    [
        ("", "no entry"),
        ("menuentry a { true; }", "no Linux kernel"),
        ("menuentry a { multiboot2 /xen.gz; module2 /k; }", "no Linux kernel"),
        ("submenu a { menuentry b { linux /k; } }", "no Linux kernel"),
        ("menuentry a { linux /k", "without its '}'"),
        ("while true; do true; done", "'while'"),
        ("function f { f; }\nf", "too deep"),
        ("configfile ($root)/EFI/BOOT/grub_include.cfg", "too deep"),
        ("source ($root)/EFI/BOOT/grub_include.cfg", "too deep"),
        ('regexp "(a" b', "pattern"),
        ("regexp 'a{3}' b", "counted repetition"),
    ],
)
def test_a_menu_that_cannot_be_followed_says_why(menu: str, why: str) -> None:
    with pytest.raises(MenuError, match=why):
        evaluate(menu, "configfile ($root)/EFI/BOOT/grub_include.cfg", ACME, arch="x86_64")


LINES = """\
set a=b
set a="$a$a$b"
export a
unset a
if [ -n "$a" -a -f /x ]; then
elif true; then
else
fi
function f {
}
f $a
$a $b
menuentry x {
linux /k $a
initrd $a
regexp --set a "$a*(b)" $b
regexp --set 9:a (b) b
smbios -t 1 -s 0x1a --set a
smbios -t x -s
smbios --set
cat -s a /boot/cmdline
cat
probe -s a --label $root
probe
configfile /EFI/BOOT/grub_include.cfg
source
[ ( a ) ]
[ a
test ! -z $a -o
a=b
! !
submenu x {
$5 ${10} $@
set
set x
export
search --set=a x
return
""".splitlines()


@given(st.lists(st.sampled_from(LINES) | st.text(max_size=20), max_size=40).map("\n".join), st.text(max_size=30))
def test_whatever_the_menu_only_the_declared_error_comes_out(menu: str, text: str) -> None:
    with contextlib.suppress(MenuError):
        evaluate(menu, menu, Smbios(text, text, asset=text), arch=text, cmdline=text, files=(text,))
    with contextlib.suppress(MenuError):
        evaluate(MENU, menu, Smbios(text), arch="x86_64", cmdline=text)
