"""EVE boots by its own GRUB and its own menu (``route: grub``), with what netbootd adds to that for each node.

Firmware, iPXE, GRUB, kernel, squashfs and vfat are real; installers and menu are the stand-ins of `tests.lab.eve` and
`tests.lab.grub`.  Debian's GRUB 2.06 knows HTTP at port 80 alone, as EVE's own does before 16.12.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from netbootd.payloads.eve.bundle import Era
from tests.lab import eve, grub, payload
from tests.lab.firmware import Firmware
from tests.lab.lab import Lab
from tests.lab.machine import Hardware, Machine
from tests.support.eve_bundles import VERSIONS, put

pytestmark = pytest.mark.lab

NODE_1, NODE_2 = "52:54:00:99:00:01", "52:54:00:99:00:02"
MENU = "the lab's menu boots"
type_of_lab = Callable[..., Lab]


def settings(*machines: str, **profiles: str) -> str:
    """Profiles as ``name="bundle, route"``; machines as they stand in a settings file."""
    made = (f"  {name}: {{payload: eve, auto: true, {rest}}}" for name, rest in profiles.items())
    lines = ["http: {port: 80}", "profiles:", *made, "machines:", *(f"  - {machine}" for machine in machines)]
    return "\n".join([*lines, ""])


def by_grub(bundle: str) -> str:
    return f"bundle: {bundle}, route: grub"


def node(mac: str, profile: str, name: str, config: Path, more: str = "") -> str:
    args = f"console: ttyS0, eve_soft_serial: {name.upper()}, eve_install_server: {name}.example.net{more}"
    return f"{{mac: '{mac}', name: {name}, profile: {profile}, args: {{{args}}}, config: {config}}}"


def own(directory: Path, name: str) -> Path:
    """A node's own configuration."""
    return put(directory / name, {"server": f"{name}.example.net".encode(), "note": name.encode()})


def installer_of(machine: Machine) -> tuple[list[str], str, str]:
    """Its arguments, its root and its configuration; the machine then switches itself off."""
    line, root, config = (machine.expect(pattern) for pattern in (payload.CMDLINE, eve.ROOT, eve.CONFIG))
    machine.expect_off()
    return line.split(), root, config


def installed(lab: Lab) -> list[str]:
    """Who has all of its installer, by netbootd's books."""
    events = lab.daemon.events()
    return sorted(str(event["mac"]) for event in events if event.get("change") == "given its payload")


@pytest.mark.parametrize("era", [Era.B2, Era.B3], ids=lambda era: era.name.lower())
def test_a_node_comes_to_its_installer_by_the_menu_of_the_release(
    era: Era, lab: type_of_lab, eve_bundle: Callable[[Era], str], tmp_path: Path
) -> None:
    """With its own arguments, each once, also where the menu has others for the board; and its own configuration.

    The init is the release's, and its last file is known to be the last.
    """
    machine_of = node(NODE_1, "edge", "one", own(tmp_path, "one"), ", eve_install_disk: nvme0n1")
    opened = lab(settings(machine_of, edge=by_grub(eve_bundle(era))))
    with opened.power_on(Hardware(firmware=Firmware.UEFI_PXE, mac=NODE_1, product=grub.BOARD)) as machine:
        args, root, config = installer_of(machine)
        assert MENU in machine.console.text
        assert machine.expect(eve.INIT, 0) == "of the release"
    assert root == f"squashfs {VERSIONS[era]}"
    assert config == "note=one server=one.example.net"
    assert {"eve_soft_serial=ONE", "eve_install_server=one.example.net", "eve_install_disk=nvme0n1"} < set(args)
    assert {"dom0_mem=640M,max:800M", "rootdelay=3", "getty", "rootwait", "fbcon=map:0"} < set(args)
    assert [arg for arg in args if arg.startswith("console=")] == ["console=ttyS0"]
    assert max(Counter(arg.partition("=")[0] for arg in args).values()) == 1
    assert installed(opened) == [NODE_1]


def test_two_nodes_at_once_one_by_grub_and_one_without(
    lab: type_of_lab, eve_bundle: Callable[[Era], str], tmp_path: Path
) -> None:
    """Different releases, serials, servers and configurations, from one netbootd at the same time."""
    opened = lab(
        settings(
            node(NODE_1, "grubbed", "one", own(tmp_path, "one")),
            node(NODE_2, "plain", "two", own(tmp_path, "two")),
            grubbed=by_grub(eve_bundle(Era.B2)),
            plain=f"bundle: {eve_bundle(Era.B3)}",
        )
    )
    first = Hardware(firmware=Firmware.UEFI_PXE, mac=NODE_1)
    second = Hardware(firmware=Firmware.BIOS_IPXE, mac=NODE_2)
    with opened.power_on(first) as menu, opened.power_on(second) as direct:
        got_two, got_one = installer_of(direct), installer_of(menu)
    assert {"eve_soft_serial=ONE", "eve_install_server=one.example.net"} < set(got_one[0])
    assert {"eve_soft_serial=TWO", "eve_install_server=two.example.net"} < set(got_two[0])
    assert got_one[1:] == (f"squashfs {VERSIONS[Era.B2]}", "note=one server=one.example.net")
    assert got_two[1:] == (f"squashfs {VERSIONS[Era.B3]}", "note=two server=two.example.net")
    assert installed(opened) == [NODE_1, NODE_2]


def test_a_node_that_lost_power_in_mid_transfer_boots_anew(
    lab: type_of_lab, eve_bundle: Callable[[Era], str], tmp_path: Path
) -> None:
    """GRUB's connections start at the same port each time: those it left behind must be cut before."""
    opened = lab(settings(node(NODE_1, "edge", "one", own(tmp_path, "one")), edge=by_grub(eve_bundle(Era.B2))))
    hardware = Hardware(firmware=Firmware.UEFI_PXE, mac=NODE_1)
    with opened.power_on(hardware) as machine:
        machine.expect(MENU)
        machine.cut_power()
    assert installed(opened) == []
    with opened.power_on(hardware) as machine:
        _, root, config = installer_of(machine)
    assert (root, config) == (f"squashfs {VERSIONS[Era.B2]}", "note=one server=one.example.net")
    assert installed(opened) == [NODE_1]
