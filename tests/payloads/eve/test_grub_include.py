"""What is added to a bundle's menu: run through the menu itself, it makes the node's line, each argument once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.args import Arg, ArgSetting, Layer, expand, merge
from netbootd.boot.facts import Facts
from netbootd.payloads.base import CannotBoot
from netbootd.payloads.eve.bundle import Bundle, Era
from netbootd.payloads.eve.grub_include import include
from netbootd.payloads.eve.grubcommands import Smbios
from netbootd.payloads.eve.grubscript import Menu, evaluate
from netbootd.payloads.eve.kernel_line import kernel_line, smbios
from tests.support import eve_bundles, eve_menus

INITRD = "/boot/initrd.img newc:/installer.iso:(http,192.0.2.1:8080)/node/TOKEN/installer.iso"
HPE = Facts(manufacturer="HPE", product="ProLiant m750 Server Blade")
EDGE = Facts(manufacturer="nobody", product="Edge NX", asset="12-x34-5")


def bundle(era: Era = Era.B2, arch: str = "amd64", menu: str = eve_menus.MENU) -> Bundle:
    found = eve_bundles.bundle(era)
    return replace(found, arch=arch, grub=menu, grub_include=eve_menus.include(era), cmdline=eve_menus.CMDLINE)


def wanted(of: Bundle, facts: Facts, **own: str | bool | tuple[str, ...]) -> tuple[Arg, ...]:
    """All that the chain would hand over: the menu's own arguments, netbootd's, and a profile's over them."""
    settings = [ArgSetting(key, _texts(value), "profile edge", Layer.PROFILE) for key, value in own.items()]
    return expand(merge(kernel_line(of, facts), settings), lambda _text, _where: "52-54-00-12-34-56")


def _texts(value: str | bool | tuple[str, ...]) -> tuple[str, ...] | None:
    match value:
        case True:
            return ()
        case False:
            return None
        case str():
            return (value,)
    return value


def booted(of: Bundle, facts: Facts, text: str) -> Menu:
    arch = {"amd64": "x86_64"}.get(of.arch, of.arch)
    files = [file.path for file in of.iso]
    return evaluate(of.grub, of.grub_include, smbios(facts), arch=arch, cmdline=of.cmdline, files=files, config=text)


def without_root(menu: Menu) -> list[str]:
    return [word for word in menu.kernel_args if word.partition("=")[0] not in ("root", "rootimg", "rootaddmount")]


def sorted_words(args: tuple[Arg, ...]) -> list[str]:
    return sorted(arg.word for arg in args)


@pytest.mark.parametrize("era", [era for era in Era if era.has_iso], ids=lambda era: era.value)
def test_the_kernel_gets_the_node_s_arguments(era: Era) -> None:
    of = bundle(era)
    args = wanted(of, HPE, eve_install_server="zed.example", eve_disable_verify=True)
    menu = booted(of, HPE, include(of, smbios(HPE), args, INITRD))
    assert sorted(without_root(menu)) == sorted_words(args)
    assert "eve_install_server=zed.example" in menu.kernel_args
    assert "pci=realloc=off" in menu.kernel_args  # what the menu does for the board stays
    assert menu.initrds[-2:] == tuple(INITRD.split())


def test_what_the_menu_brings_by_itself_is_left_to_it() -> None:
    of = bundle()
    text = include(of, smbios(HPE), wanted(of, HPE), INITRD)
    assert [line.partition("=")[0] for line in text.splitlines() if line.startswith("set ")] == [
        "set extra",
        "set initrd",
        "set timeout",
    ]


def test_the_console_is_replaced_and_not_joined_by_another() -> None:
    of = bundle()
    args = wanted(of, HPE, console=("ttyS1,115200n8",))
    menu = booted(of, HPE, include(of, smbios(HPE), args, INITRD))
    assert [word for word in menu.kernel_args if word.startswith("console=")] == ["console=ttyS1,115200n8"]


def test_a_disk_that_the_board_would_choose_is_not_given_twice() -> None:
    """The installer would read two lines for one value."""
    of = bundle(arch="arm64")
    args = wanted(of, EDGE, eve_install_disk="sda", eve_nuke_disks=False)
    menu = booted(of, EDGE, include(of, smbios(EDGE), args, INITRD))
    assert Counter(word.partition("=")[0] for word in menu.kernel_args)["eve_install_disk"] == 1
    assert not any(word.startswith("eve_nuke_disks") for word in menu.kernel_args)
    assert "fbcon=map:0" in menu.kernel_args


@pytest.mark.parametrize("key", ["rootdelay", "panic", "dom0_mem", "change", "crashkernel", "getty", "clocksource"])
def test_any_argument_can_be_changed_wherever_the_menu_has_it(key: str) -> None:
    of = bundle()
    virtual = Facts(manufacturer="QEMU")
    args = wanted(of, virtual, **{key: "7"})
    menu = booted(of, virtual, include(of, smbios(virtual), args, INITRD))
    assert [word for word in menu.kernel_args if word.partition("=")[0] == key] == [f"{key}=7"]
    assert sorted(without_root(menu)) == sorted_words(args)


@pytest.mark.parametrize("key", ["rootdelay", "panic", "dom0_mem", "crashkernel", "getty", "clocksource"])
def test_any_argument_can_be_taken_away(key: str) -> None:
    of = bundle()
    virtual = Facts(manufacturer="QEMU")
    args = wanted(of, virtual, **{key: False})
    menu = booted(of, virtual, include(of, smbios(virtual), args, INITRD))
    assert not any(word.partition("=")[0] == key for word in menu.kernel_args)


def test_the_root_of_a_broken_release_is_put_right() -> None:
    of = bundle(Era.B1X)
    text = include(of, Smbios(), wanted(of, Facts()), INITRD, ("root=/installer.iso", "rootimg=/rootfs_installer.img"))
    root = [word for word in booted(of, Facts(), text).kernel_args if word.startswith(("root=", "rootimg="))]
    assert root == ["root=/installer.iso", "rootimg=/rootfs_installer.img"]


@pytest.mark.parametrize("value", ["a b", 'a"b', "a'b", "a\\b"])
def test_what_cannot_get_through_grub_is_refused(value: str) -> None:
    of = bundle()
    args = (*wanted(of, HPE), Arg("dyndbg", value, "machine node-1", Layer.MACHINE))
    with pytest.raises(CannotBoot, match=r"argument dyndbg of machine node-1: a .* does not get through GRUB"):
        include(of, smbios(HPE), args, INITRD)


def test_a_menu_that_sets_something_after_the_node_s_own_part_is_found_out() -> None:
    """In older releases the flavor's arguments come last."""
    first, source = "set_${flavor}_boot\n", "given source $config_grub_cfg\n"
    menu = eve_menus.MENU.replace(first, "").replace(source, source + first)
    of = bundle(menu=menu)
    assert include(of, smbios(HPE), wanted(of, HPE), INITRD)
    with pytest.raises(CannotBoot, match="its own menu leaves no way to set crashkernel"):
        include(of, smbios(HPE), wanted(of, HPE, crashkernel="0"), INITRD)


def test_a_menu_that_cannot_be_followed_gets_eve_s_usual_names() -> None:
    of = bundle(menu="while true; do true; done\n")
    args = wanted(of, HPE, console=("ttyS1,115200n8",), eve_install_server="zed.example")
    text = include(of, smbios(HPE), args, INITRD)
    assert 'set dom0_console="console=ttyS1,115200n8"\nexport dom0_console\n' in text
    assert 'set dom0_extra_args="$dom0_extra_args eve_soft_serial=' in text
    assert "dom0_platform_tweaks" not in text
    with pytest.raises(CannotBoot, match="no way to set dom0_mem"):
        include(of, smbios(HPE), wanted(of, HPE, dom0_mem="1G"), INITRD)


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1).filter(str.isprintable))
def test_any_value_arrives_as_it_is_or_not_at_all(value: str) -> None:
    of = bundle()
    args = (*wanted(of, HPE), Arg("x", value, "profile edge", Layer.PROFILE))
    try:
        text = include(of, smbios(HPE), args, INITRD)
    except CannotBoot:
        assert set(value) & set(" \t'\"\\")
        return
    assert f"x={value}" in booted(of, HPE, text).kernel_args
