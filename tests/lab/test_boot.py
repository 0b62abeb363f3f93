"""Real firmware boots through netbootd, from power-on to a kernel that tells what arguments it was given.

Beside netbootd runs a DHCP server that knows nothing of PXE.  A machine counts as booted when its kernel's own
``/proc/cmdline``, printed on the serial console, holds what the settings say for it, and in the settings' order.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab import payload
from tests.lab.disks import LOCAL, bios_disk, uefi_disk
from tests.lab.firmware import Firmware
from tests.lab.lab import Lab
from tests.lab.machine import Hardware, Machine

pytestmark = pytest.mark.lab

NODE_1 = "52:54:00:99:00:01"
NODE_2 = "52:54:00:99:00:02"
NODE_3 = "52:54:00:99:00:03"
STRANGER = "52:54:00:99:00:99"

SETTINGS = f"""
unknown: menu
profiles:
  menu: {{payload: menu, timeout: 4}}
  disk: {{payload: local}}
  rescue:
    payload: linux
    kernel: lab/vmlinuz
    initrd: [lab/initrd.gz]
    args: {{console: ttyS0, quiet: true, netboot_mac: "{{{{ machine.mac }}}}", role: none}}
machines:
  - {{mac: "{NODE_1}", name: node-1, profile: rescue, args: {{role: database}}}}
  - {{mac: "{NODE_2}", name: node-2, profile: rescue, args: {{role: web, quiet: false}}}}
  - {{mac: "{NODE_3}", name: node-3, profile: disk}}
"""
NODE_1_ARGS = ["console=ttyS0", "quiet", f"netboot_mac={NODE_1}", "role=database"]
NODE_2_ARGS = ["console=ttyS0", f"netboot_mac={NODE_2}", "role=web"]

type_of_lab = Callable[..., Lab]


def boots_with(machine: Machine) -> list[str]:
    """The arguments the machine's kernel got, without those that iPXE adds; the machine then switches itself off."""
    line = machine.expect(payload.CMDLINE)
    machine.expect_off()
    return [word for word in line.split() if word != "kernel" and not word.startswith("initrd=")]


@pytest.mark.parametrize("firmware", Firmware, ids=lambda kind: kind.name.lower())
def test_a_machine_boots_to_a_kernel_with_its_own_arguments(firmware: Firmware, lab: type_of_lab) -> None:
    """BIOS with iPXE or a PXE ROM, UEFI by PXE or HTTP: each from power-on to its own /proc/cmdline."""
    with lab(SETTINGS).power_on(Hardware(firmware=firmware, mac=NODE_1)) as machine:
        assert boots_with(machine) == NODE_1_ARGS


def test_another_machine_gets_other_arguments(lab: type_of_lab) -> None:
    """Same profile, same network, same daemon: what differs is the MAC address."""
    opened = lab(SETTINGS)
    with opened.power_on(Hardware(firmware=Firmware.BIOS_IPXE, mac=NODE_1)) as first:
        assert boots_with(first) == NODE_1_ARGS
    with opened.power_on(Hardware(firmware=Firmware.BIOS_IPXE, mac=NODE_2)) as second:
        assert boots_with(second) == NODE_2_ARGS


@pytest.mark.parametrize("firmware", [Firmware.BIOS_IPXE, Firmware.UEFI_PXE], ids=lambda kind: kind.name.lower())
def test_a_dhcp_server_with_a_boot_file_of_its_own_does_not_lead_astray(firmware: Firmware, lab: type_of_lab) -> None:
    """Home routers name themselves as boot server (siaddr) and old set-ups a file that is long gone."""
    opened = lab(SETTINGS, "--dhcp-boot=gone/pxelinux.0,router,10.99.0.1")
    with opened.power_on(Hardware(firmware=firmware, mac=NODE_1)) as machine:
        assert boots_with(machine) == NODE_1_ARGS


def test_a_network_without_ipv6_will_do(lab: type_of_lab) -> None:
    """iPXE looks for an IPv6 router for 16 s there, and then goes on with the script it was given at the start."""
    with lab(SETTINGS, ipv6=False).power_on(Hardware(firmware=Firmware.BIOS_IPXE, mac=NODE_1)) as machine:
        assert boots_with(machine) == NODE_1_ARGS


EVE = f"""
profiles:
  lab-eve:
    payload: eve
    bundle: eve-13.3.0
    boots: always
    args: {{eve_install_server: zedcontrol.example.net}}
machines:
  - {{mac: "{NODE_1}", name: node-1, profile: lab-eve, args: {{console: ttyS0, eve_soft_serial: NODE-0001}}}}
  - {{mac: "{NODE_2}", name: node-2, profile: lab-eve}}
"""
INSTALLER = ["root=/initrd.image", "find_boot=netboot", "overlaytmpfs", "fastboot"]


def test_eve_classic_gets_its_initrds_in_order_and_its_own_serial(lab: type_of_lab) -> None:
    """The four parts arrive in the order of EVE's stock script, rootfs.img last, and the machine's serial with them."""
    with lab(EVE).power_on(Hardware(firmware=Firmware.BIOS_IPXE, mac=NODE_1)) as machine:
        args = boots_with(machine)
        assert machine.expect(payload.ORDER).split() == list(payload.EVE_PARTS)
    assert {"eve_soft_serial=NODE-0001", "eve_install_server=zedcontrol.example.net", *INSTALLER} < set(args)
    assert "eve_reboot_after_install" in args
    assert [arg for arg in args if arg.startswith("console=")] == ["console=ttyS0"]


def test_eve_classic_knows_the_board(lab: type_of_lab) -> None:
    """On a Supermicro board, as on EVE's stock script, the console is the second serial port; the serial is the MAC."""
    board = Hardware(firmware=Firmware.UEFI_PXE, mac=NODE_2, manufacturer="Supermicro")
    with lab(EVE).power_on(board) as machine:
        args = boots_with(machine)
        assert machine.expect(payload.ORDER).split() == list(payload.EVE_PARTS)
    assert "eve_soft_serial=52-54-00-99-00-02" in args
    assert [arg for arg in args if arg.startswith("console=")] == ["console=ttyS1,115200n8"]


def test_an_unknown_machine_sees_the_menu_and_boots_its_own_disk(lab: type_of_lab, tmp_path: Path) -> None:
    """Nobody presses a key: after the menu's time-out the disk boots, untouched."""
    disk = bios_disk(tmp_path / "disk.img")
    before = disk.read_bytes()
    with lab(SETTINGS).power_on(Hardware(firmware=Firmware.BIOS_IPXE, mac=STRANGER, disk=disk)) as machine:
        machine.expect(re.escape("Boot this machine's own disk"))
        machine.expect(LOCAL)
    assert disk.read_bytes() == before


def test_an_unknown_uefi_machine_boots_its_own_disk_too(lab: type_of_lab, tmp_path: Path) -> None:
    """The firmware has other network entries before its disk (HTTP Boot), so the menu may be seen twice on the way."""
    disk = uefi_disk(tmp_path / "disk")
    with lab(SETTINGS).power_on(Hardware(firmware=Firmware.UEFI_PXE, mac=STRANGER, disk=disk)) as machine:
        machine.expect(re.escape("Nobody has chosen anything"))
        machine.expect(LOCAL)


def test_a_machine_that_is_to_boot_its_disk_is_left_alone(lab: type_of_lab, tmp_path: Path) -> None:
    """No DHCP answer at all: the firmware finds nothing to boot on the network and goes on."""
    disk = bios_disk(tmp_path / "disk.img")
    opened = lab(SETTINGS)
    with opened.power_on(Hardware(firmware=Firmware.BIOS_IPXE, mac=NODE_3, disk=disk)) as machine:
        machine.expect(LOCAL)
    assert "dhcp.answered" not in {event["event"] for event in opened.daemon.events()}


def test_an_unknown_machine_boots_what_is_chosen_in_the_menu(lab: type_of_lab) -> None:
    """Own disk, disk, rescue: arrow down twice, Enter."""
    with lab(SETTINGS).power_on(Hardware(firmware=Firmware.BIOS_IPXE, mac=STRANGER)) as machine:
        machine.expect(re.escape("Boot this machine's own disk"))
        machine.press(b"\x1b[B\x1b[B\r")
        assert f"netboot_mac={STRANGER}" in boots_with(machine)
