"""Machines in a cloud boot through netbootd: its DHCP and TFTP are off, and their iPXE was given a URL and no more.

The iPXE is the provider's: it starts from a script as a provider's boot service would send it.  Addresses come from a
DHCP server that knows of no boot file, or from nobody.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from netbootd.payloads.eve.bundle import Era
from tests.lab import eve, payload
from tests.lab.disks import LOCAL, bios_disk
from tests.lab.firmware import Firmware
from tests.lab.lab import Lab
from tests.lab.machine import Hardware
from tests.lab.namespace import LabError
from tests.support.eve_bundles import VERSIONS

pytestmark = pytest.mark.lab

CARD = "52:54:00:99:00:01"
SECRET = "Zq2uWm7xKp4tVn9rYc3sHd6f"
SITE = "http://10.99.0.2:8080"

SETTINGS = f"""
dhcp: {{mode: off}}
tftp: {{mode: off}}
http: {{public_url: "{SITE}"}}
unknown: silent
"""

type_of_lab = Callable[..., Lab]


def prologue(url: str) -> str:
    """What a provider's boot service sends before it hands over."""
    return f"""#!ipxe
echo the provider's boot service
dhcp || shell
set syslog_host 10.99.0.1
set facility lab1
set plan c3.small.x86
chain --autofree {url} || shell
"""


PROLOGUE_WITHOUT_DHCP = f"""#!ipxe
ifopen net0
set net0/ip 10.99.0.77
set net0/netmask 255.255.255.0
set net0/gateway 10.99.0.1
set net0/dns 10.99.0.53
set IPXE_BOOT_HOSTNAME metal-9
set IPXE_BOOT_LINUX_IP_CONFIG ip=10.99.0.77::10.99.0.1:255.255.255.0:metal-9:eth0:none
chain --autofree {SITE}/boot/{SECRET}/ipxe.cfg || shell
"""


def in_a_cloud(script: str, **more: object) -> Hardware:
    return Hardware(firmware=Firmware.BIOS_IPXE, mac=CARD, script=script, **more)  # type: ignore[arg-type]


@pytest.fixture
def bundle(artifacts: Path) -> Callable[[Era], str]:
    def written(era: Era) -> str:
        name = f"eve-{VERSIONS[era]}"
        try:
            if not (artifacts / name).exists():
                eve.write(artifacts / name, era)
        except LabError as error:
            reason = str(error)
        else:
            return name
        pytest.fail(reason, pytrace=False)

    return written


def test_an_installer_starts_from_nothing_but_the_url_for_everybody(
    lab: type_of_lab, bundle: Callable[[Era], str]
) -> None:
    """The machine is found by its serial number; its soft serial is the address that the provider's DHCP gave it."""
    opened = lab(
        SETTINGS
        + f"""
profiles:
  edge:
    payload: eve
    bundle: {bundle(Era.B2)}
    boots: always
    provider: equinix
    args: {{eve_soft_serial: "{{{{ machine.ip }}}}", eve_install_server: ctl.example.net, console: ttyS0}}
machines:
  - {{serial: METAL-1, name: metal-1, profile: edge}}
"""
    )
    with opened.power_on(in_a_cloud(prologue(f"{SITE}/ipxe.cfg"), serial="METAL-1")) as machine:
        words = machine.expect(payload.CMDLINE).split()
        assert machine.expect(eve.ROOT) == f"squashfs {VERSIONS[Era.B2]}"
        machine.expect_off()
    serial = next(word for word in words if word.startswith("eve_soft_serial="))
    assert serial.startswith("eve_soft_serial=10.99.0.1"), "an address of the DHCP server's range"
    assert {"eve_install_server=ctl.example.net", "console=ttyS0"} < set(words)
    asked = {event.get("event") for event in opened.daemon.events()}
    assert not [name for name in asked if str(name).startswith(("dhcp.", "tftp."))]


def test_a_machine_known_by_its_own_url_alone_installs_once_and_then_boots_its_disk(
    lab: type_of_lab, bundle: Callable[[Era], str], tmp_path: Path
) -> None:
    """No card of it is in the settings.  Its secret is in no line of the log."""
    own = tmp_path / "server"
    own.write_text("ctl.example.net")
    opened = lab(
        SETTINGS
        + f"""
profiles:
  edge:
    payload: eve
    bundle: {bundle(Era.B3)}
    auto: true
    config: {{server: {own}}}
    args: {{console: ttyS0}}
machines:
  - {{name: metal-1, secret: {SECRET}, profile: edge, network: {{address: 10.99.0.9/24, gateway: 10.99.0.1}}}}
"""
    )
    script = prologue(f"{SITE}/boot/{SECRET}/ipxe.cfg")
    with opened.power_on(in_a_cloud(script)) as machine:
        words = machine.expect(payload.CMDLINE).split()
        config = machine.expect(eve.CONFIG)
        machine.expect_off()
    assert f"eve_soft_serial={CARD.replace(':', '-')}" in words
    override, _, rest = config.removeprefix("DevicePortConfig/override.json=").rpartition(" ")
    assert rest == "server=ctl.example.net"
    port = json.loads(override)["Ports"][0]
    assert (port["AddrSubnet"], port["Gateway"], port["Dhcp"]) == ("10.99.0.9/24", "10.99.0.1", 1)
    again = Hardware(
        firmware=Firmware.BIOS_IPXE, mac="52:54:00:99:00:02", script=script, disk=bios_disk(tmp_path / "disk")
    )
    with opened.power_on(again) as machine:
        machine.expect(LOCAL)
    assert SECRET not in opened.daemon.log.read_text()
    given = [event["machine"] for event in opened.daemon.events() if event.get("change") == "given its payload"]
    assert given == ["metal-1"]


def test_where_there_is_no_dhcp_the_kernel_takes_over_what_the_provider_s_ipxe_was_given(lab: type_of_lab) -> None:
    """i3D's settings become arguments of the kernel; for a second machine netbootd makes them of what its iPXE has."""
    opened = lab(
        SETTINGS
        + f"""
profiles:
  rescue:
    payload: linux
    kernel: lab/vmlinuz
    initrd: [lab/initrd.gz]
    provider: i3d
    args: {{console: ttyS0}}
machines:
  - {{name: metal-9, secret: {SECRET}, profile: rescue}}
  - {{name: metal-10, secret: {SECRET[::-1]}, profile: rescue, network: ipxe}}
"""
    )
    with opened.power_on(in_a_cloud(PROLOGUE_WITHOUT_DHCP)) as machine:
        words = machine.expect(payload.CMDLINE).split()
        machine.expect_off()
    assert {"ip=10.99.0.77::10.99.0.1:255.255.255.0:metal-9:eth0:none", "hostname=metal-9"} < set(words)
    assert "net.ifnames=0" in words
    other = Hardware(
        firmware=Firmware.BIOS_IPXE,
        mac="52:54:00:99:00:02",
        script=PROLOGUE_WITHOUT_DHCP.replace(SECRET, SECRET[::-1]),
    )
    with opened.power_on(other) as machine:
        words = machine.expect(payload.CMDLINE).split()
        machine.expect_off()
    assert "ip=10.99.0.77::10.99.0.1:255.255.255.0:metal-10::none:10.99.0.53" in words
