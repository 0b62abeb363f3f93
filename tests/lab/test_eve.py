"""EVE boots through netbootd without GRUB, to an installer that tells what it was given.

The installers are stand-ins of `tests.lab.eve`; firmware, iPXE, kernel, squashfs, loop device and vfat are real.  A
node counts as booted when its installer has read its command line and its configuration as EVE's does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from netbootd.payloads.eve.bundle import Era
from tests.lab import eve, payload
from tests.lab.firmware import Firmware
from tests.lab.lab import Lab
from tests.lab.machine import Hardware, Machine
from tests.support.eve_bundles import VERSIONS, put

pytestmark = pytest.mark.lab

NODE_1, NODE_2 = "52:54:00:99:00:01", "52:54:00:99:00:02"
type_of_lab = Callable[..., Lab]


def settings(*machines: str, **profiles: str) -> str:
    """Profiles and the bundle of each; machines as they stand in a settings file."""
    lines = (f"  {name}: {{payload: eve, bundle: {bundle}, auto: true}}" for name, bundle in profiles.items())
    return "\n".join(["profiles:", *lines, "machines:", *(f"  - {machine}" for machine in machines), ""])


def installer_of(machine: Machine) -> tuple[list[str], str, str]:
    """Its arguments, its root and its configuration; the machine then switches itself off."""
    line, root, config = (machine.expect(pattern) for pattern in (payload.CMDLINE, eve.ROOT, eve.CONFIG))
    machine.expect_off()
    return line.split(), root, config


def node(mac: str, profile: str, serial: str, server: str, config: Path | None = None) -> str:
    args = f"console: ttyS0, eve_soft_serial: {serial}, eve_install_server: {server}"
    own = f", config: {config}" if config else ""
    return f"{{mac: '{mac}', name: {serial.lower()}, profile: {profile}, args: {{{args}}}{own}}}"


@pytest.mark.parametrize(
    ("era", "firmware"),
    [
        (Era.B1, Firmware.UEFI_PXE),
        (Era.B1X, Firmware.BIOS_IPXE),
        (Era.B2, Firmware.UEFI_PXE),
        (Era.B2, Firmware.BIOS_IPXE),
        (Era.B3, Firmware.UEFI_PXE),
        (Era.B3, Firmware.BIOS_IPXE),
    ],
    ids=lambda value: value.name.lower(),
)
def test_an_installer_starts_with_its_node_s_own_arguments(
    era: Era, firmware: Firmware, lab: type_of_lab, eve_bundle: Callable[[Era], str]
) -> None:
    """Its root is the image of the release: the ISO itself in the first era, a squashfs later."""
    opened = lab(settings(node(NODE_1, "edge", "NODE-1", "ctl.example.net"), edge=eve_bundle(era)))
    with opened.power_on(Hardware(firmware=firmware, mac=NODE_1)) as machine:
        args, root, config = installer_of(machine)
        of_the_release = machine.console.wait_for(eve.INIT, 0)
    assert root == f"{'iso9660' if era is Era.B1 else 'squashfs'} {VERSIONS[era]}"
    assert {"eve_soft_serial=NODE-1", "eve_install_server=ctl.example.net", "eve_reboot_after_install"} < set(args)
    assert {"dom0_mem=640M,max:800M", "rootdelay=3", "getty"} < set(args)
    assert [arg for arg in args if arg.startswith("console=")] == ["console=ttyS0"]
    assert config == "server=stock.example.net"
    assert bool(of_the_release) is (era is Era.B3)


@pytest.mark.parametrize("firmware", [Firmware.UEFI_PXE, Firmware.BIOS_IPXE], ids=lambda kind: kind.name.lower())
def test_an_installer_of_the_first_era_starts_with_its_node_s_own_configuration(
    firmware: Firmware, lab: type_of_lab, eve_bundle: Callable[[Era], str], tmp_path: Path
) -> None:
    """Between archives at whatever offsets: what it brings lies over what the release brought."""
    own = put(tmp_path / "own", {"server": b"mine.example.net", "soft_serial": b"NODE-1"})
    opened = lab(settings(node(NODE_1, "edge", "NODE-1", "ctl.example.net", own), edge=eve_bundle(Era.A)))
    with opened.power_on(Hardware(firmware=firmware, mac=NODE_1)) as machine:
        args, root, config = installer_of(machine)
    assert root.endswith(VERSIONS[Era.A])
    assert {"eve_soft_serial=NODE-1", "eve_install_server=ctl.example.net", "find_boot=netboot"} < set(args)
    assert config == "server=mine.example.net soft_serial=NODE-1"


def test_two_nodes_at_once_get_different_releases_serials_servers_and_configurations(
    lab: type_of_lab, eve_bundle: Callable[[Era], str], tmp_path: Path
) -> None:
    """One netbootd, one network, at the same time: a UEFI machine after 17.3 and a BIOS machine of 14.3.

    Both are then known to have their installers, and would be left to their disks.
    """
    one, two = (
        put(tmp_path / name, {"server": f"{name}.example.net".encode(), "note": name.encode()})
        for name in ("one", "two")
    )
    opened = lab(
        settings(
            node(NODE_1, "newer", "NODE-1", "one.example.net", one),
            node(NODE_2, "older", "NODE-2", "two.example.net:8443", two),
            newer=eve_bundle(Era.B3),
            older=eve_bundle(Era.B1),
        )
    )
    first = Hardware(firmware=Firmware.UEFI_PXE, mac=NODE_1)
    second = Hardware(firmware=Firmware.BIOS_IPXE, mac=NODE_2)
    with opened.power_on(first) as newer, opened.power_on(second) as older:
        got_older, got_newer = installer_of(older), installer_of(newer)
    assert {"eve_soft_serial=NODE-1", "eve_install_server=one.example.net"} < set(got_newer[0])
    assert {"eve_soft_serial=NODE-2", "eve_install_server=two.example.net:8443"} < set(got_older[0])
    assert got_newer[1:] == (f"squashfs {VERSIONS[Era.B3]}", "note=one server=one.example.net")
    given = [event["mac"] for event in opened.daemon.events() if event.get("change") == "given its payload"]
    assert sorted(map(str, given)) == [NODE_1, NODE_2]
    assert got_older[1:] == (f"iso9660 {VERSIONS[Era.B1]}", "note=two server=two.example.net")
