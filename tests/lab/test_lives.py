"""Machines whose firmware tries the network first, and that are installed once all the same.

Each begins with a blank disk, is armed by a person, and gets an installer that writes a disk which boots.  The disk
counts how often that happened.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab import installer
from tests.lab.disks import LOCAL
from tests.lab.firmware import Firmware
from tests.lab.installer import Brings
from tests.lab.lab import Lab
from tests.lab.machine import Hardware, Machine

pytestmark = pytest.mark.lab

NODE = "52:54:00:99:00:01"
TO_ITS_DISK = {Firmware.BIOS_IPXE: "silent", Firmware.UEFI_PXE: "auto"}
"""Silence costs UEFI minutes."""
type_of_lab = Callable[..., Lab]
type_of_settings = Callable[..., str]


@pytest.fixture
def settings(artifacts: Path) -> type_of_settings:
    """``settings(brings, *keys, **args)``: one machine, with a profile that installs once; ``keys`` are more of the
    profile's."""

    def written(brings: Brings, *keys: str, **args: str) -> str:
        name = f"installs-{brings.name.lower()}"
        if not (artifacts / name).exists():
            installer.write(artifacts / name, brings)
        kernel, *initrds = (f"{name}/{file}" for file in installer.FILES)
        words = "".join(f", {key}: '{value}'" for key, value in args.items())
        profile = (
            "payload: linux",
            "boots: once",
            f"kernel: {kernel}",
            f"initrd: [{', '.join(initrds)}]",
            f"args: {{console: ttyS0, quiet: true{words}}}",
            *keys,
        )
        machine = f"{{mac: '{NODE}', name: node-1, profile: disk}}"
        return "\n".join(["profiles:", "  disk:", *(f"    {line}" for line in profile), f"machines: [{machine}]", ""])

    return written


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A blank one."""
    return installer.blank_disk(tmp_path / "disk.img")


def node(firmware: Firmware, disk: Path) -> Hardware:
    return Hardware(firmware=firmware, mac=NODE, disk=disk, reboots=True)


def fetches_slowly(machine: Machine) -> None:
    """It has its script, and part of what that tells it to fetch."""
    machine.expect("netbootd: node-1, disk")
    machine.slow_down()
    machine.expect(r"image\.cpio\.\.\.\s+\d+%")


def given(lab: Lab) -> int:
    """In how many boots all of its payload went out to it."""
    return sum(any(step["stage"] == "payload" for step in boot["steps"]) for boot in lab.boots(NODE))


def boots_its_disk(machine: Machine) -> None:
    """It tries the network, and then starts what is on its disk."""
    machine.reset()
    machine.expect(LOCAL)


@pytest.mark.parametrize("firmware", TO_ITS_DISK, ids=lambda kind: kind.name.lower())
def test_a_machine_is_installed_once_though_netbootd_is_killed_on_the_way(
    firmware: Firmware, lab: type_of_lab, settings: type_of_settings, disk: Path
) -> None:
    """Twice: while an initrd is on its way, and between the last byte and the installer's call."""
    brings = Brings.UEFI if firmware.uefi else Brings.BIOS
    done = "{{ boot.done_url }}"
    opened = lab(settings(brings, f"local: {TO_ITS_DISK[firmware]}", lab="install", key="1", done=done))
    opened.command("machines", "install", NODE)
    with opened.power_on(node(firmware, disk)) as machine:
        fetches_slowly(machine)
        opened.daemon.kill()
        opened.daemon.start()
        machine.speed_up()
        broken = opened.machine(NODE)
        machine.expect("attempt 1 of")
        machine.expect(installer.BEGINS)
        machine.press(b"\n")
        assert machine.expect(installer.WRITTEN) == "1"
        opened.daemon.kill()
        machine.press(b"\n")
        opened.daemon.start()
        machine.expect(installer.CALLED)
        machine.expect(LOCAL)
        installed = opened.machine(NODE)
        for _ in range(2):
            boots_its_disk(machine)
    assert (broken["stage"], broken["netboot"]) == ("armed", True)
    assert (installed["state"], installed["confidence"]) == ("installed", "certain")
    assert given(opened) == installer.times_installed(disk) == 1


def test_an_installer_that_never_calls_is_done_when_the_firmware_asks_anew(
    lab: type_of_lab, settings: type_of_settings, disk: Path
) -> None:
    """Possibly: so does the firmware of one whose installer gave up.  What it gets is a script that says `exit`."""
    opened = lab(settings(Brings.BIOS, "local: exit", "limits: {quiet: 1s}", lab="install"))
    opened.command("machines", "install", NODE)
    with opened.power_on(node(Firmware.BIOS_IPXE, disk)) as machine:
        assert machine.expect(installer.WRITTEN) == "1"
        machine.expect("booting this machine's own disk")
        machine.expect(LOCAL)
        installed = opened.await_state(NODE, "installed")
        boots_its_disk(machine)
    assert installed["confidence"] == "possible"
    assert given(opened) == installer.times_installed(disk) == 1


def test_an_installer_that_never_calls_is_done_when_its_system_asks_for_an_address(
    lab: type_of_lab, settings: type_of_settings, disk: Path
) -> None:
    """Likely: the installer has put its disk first, and what is on it is a Linux."""
    opened = lab(settings(Brings.SYSTEM, "limits: {quiet: 1s}", lab="install", key="1"))
    opened.command("machines", "install", NODE)
    with opened.power_on(node(Firmware.UEFI_PXE, disk)) as machine:
        machine.expect(installer.BEGINS)
        machine.boots_last_from_the_network()
        machine.press(b"\n")
        assert machine.expect(installer.WRITTEN) == "1"
        machine.press(b"\n")
        machine.expect(LOCAL)
        address = machine.expect(installer.SYSTEM)
        installed = opened.await_state(NODE, "installed")
    assert installed["confidence"] == "likely"
    assert address in installed["addresses"]
    assert given(opened) == installer.times_installed(disk) == 1


def test_an_installer_that_hangs_has_failed_and_is_not_started_again(
    lab: type_of_lab, settings: type_of_settings, disk: Path
) -> None:
    """After its time, with what was last seen of it.  The machine falls through to its disk, which is blank."""
    opened = lab(settings(Brings.BIOS, "limits: {installing: 5s}", lab="hang"))
    opened.command("machines", "install", NODE)
    with opened.power_on(node(Firmware.BIOS_IPXE, disk)) as machine:
        machine.expect(installer.HANGS)
        failed = opened.await_state(NODE, "failed")
        machine.reset()
        machine.expect("No bootable device")
        again = opened.machine(NODE)
    assert (failed["state_why"], failed["confidence"]) == (
        "its time was over: all of its payload went out",
        "assumed",
    )
    assert (again["state"], again["netboot"]) == ("failed", False)
    assert (given(opened), installer.times_installed(disk)) == (1, 0)


def test_an_installer_that_fails_says_why(lab: type_of_lab, settings: type_of_settings, disk: Path) -> None:
    """In its own words, for whoever looks at the machine."""
    opened = lab(settings(Brings.BIOS, lab="fail", failed="{{ boot.failed_url }}"))
    opened.command("machines", "install", NODE)
    with opened.power_on(node(Firmware.BIOS_IPXE, disk)) as machine:
        machine.expect(installer.FAILS)
        machine.expect(installer.CALLED)
        failed = opened.machine(NODE)
        shown = opened.command("machines", "show", NODE)
    assert (failed["state"], failed["confidence"], failed["netboot"]) == ("failed", "certain", False)
    assert installer.WHY in shown


def test_a_power_cut_on_the_way_costs_no_arming(lab: type_of_lab, settings: type_of_settings, disk: Path) -> None:
    """It has not got its payload, so it gets it at its next boot; and at none after that."""
    opened = lab(settings(Brings.BIOS, lab="install"))
    opened.command("machines", "install", NODE)
    with opened.power_on(node(Firmware.BIOS_IPXE, disk)) as machine:
        fetches_slowly(machine)
        machine.cut_power()
    cut = opened.machine(NODE)
    with opened.power_on(node(Firmware.BIOS_IPXE, disk)) as machine:
        assert machine.expect(installer.WRITTEN) == "1"
        machine.expect(LOCAL)
    assert (cut["stage"], cut["netboot"]) == ("armed", True)
    assert given(opened) == installer.times_installed(disk) == 1


@pytest.mark.soak
def test_uefi_that_is_met_with_silence_comes_to_its_disk_in_the_end(
    lab: type_of_lab, settings: type_of_settings, disk: Path
) -> None:
    """It tries its network entries in turn, which takes it minutes, and installs nothing again."""
    opened = lab(settings(Brings.SYSTEM, "local: silent", "limits: {quiet: 1s}", lab="install"))
    opened.command("machines", "install", NODE)
    with opened.power_on(node(Firmware.UEFI_PXE, disk)) as machine:
        assert machine.expect(installer.WRITTEN) == "1"
        machine.expect(LOCAL, seconds=900)
        machine.expect(installer.SYSTEM)
        installed = opened.await_state(NODE, "installed")
    assert installed["confidence"] in ("possible", "likely")
    assert given(opened) == installer.times_installed(disk) == 1


@pytest.mark.soak
@pytest.mark.parametrize("firmware", TO_ITS_DISK, ids=lambda kind: kind.name.lower())
def test_a_machine_and_netbootd_that_lose_their_power_together_go_on_where_they_were(
    firmware: Firmware, lab: type_of_lab, settings: type_of_settings, disk: Path
) -> None:
    """In the middle of the download; the installer then calls nobody."""
    brings = Brings.UEFI if firmware.uefi else Brings.BIOS
    opened = lab(settings(brings, f"local: {TO_ITS_DISK[firmware]}", "limits: {quiet: 1s}", lab="install"))
    opened.command("machines", "install", NODE)
    with opened.power_on(node(firmware, disk)) as machine:
        fetches_slowly(machine)
        opened.daemon.kill()
        machine.cut_power()
    opened.daemon.start()
    with opened.power_on(node(firmware, disk)) as machine:
        assert machine.expect(installer.WRITTEN) == "1"
        machine.expect(LOCAL)
        installed = opened.await_state(NODE, "installed")
        boots_its_disk(machine)
    assert installed["confidence"] == "possible"
    assert given(opened) == installer.times_installed(disk) == 1
