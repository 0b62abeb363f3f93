"""What the systemd units promise: few rights, readiness, a watchdog, and the ports of the settings' defaults."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.tools import need, without

UNITS = Path(__file__).parents[1] / "systemd"
SOCKETS = {"dhcp": "0.0.0.0:67", "pxe": "0.0.0.0:4011", "tftp": "0.0.0.0:69", "http": "0.0.0.0:8080"} | {
    "https": "0.0.0.0:8443",
    "syslog": "0.0.0.0:514",
    "admin": "127.0.0.1:8081",
}


def read(name: str) -> dict[str, list[str]]:
    """Each key of a unit with the values it is given, in order."""
    found = defaultdict(list)
    for key, value in re.findall(r"^(\w+)=(.*)$", (UNITS / name).read_text(), re.MULTILINE):
        found[key].append(value)
    return dict(found)


SERVICE = read("netbootd.service")


def test_the_service_says_when_it_is_ready_and_that_it_lives() -> None:
    assert SERVICE["Type"] == ["notify"]
    assert SERVICE["NotifyAccess"] == ["main"]
    assert SERVICE["WatchdogSec"] == ["30s"]
    assert SERVICE["Restart"] == ["on-failure"]
    assert SERVICE["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_it_starts_when_the_network_has_its_addresses() -> None:
    assert SERVICE["After"] == SERVICE["Wants"] == ["network-online.target"]


@pytest.mark.parametrize("key", ["AmbientCapabilities", "CapabilityBoundingSet"])
def test_two_capabilities_and_no_more(key: str) -> None:
    assert SERVICE[key] == ["CAP_NET_BIND_SERVICE CAP_NET_RAW"]


def test_it_is_not_root_and_can_never_become_so() -> None:
    assert SERVICE["User"] == SERVICE["Group"] == ["netbootd"]
    assert SERVICE["NoNewPrivileges"] == SERVICE["RestrictSUIDSGID"] == ["yes"]


def test_it_writes_nowhere_but_in_its_state() -> None:
    assert SERVICE["ProtectSystem"] == ["strict"]
    assert SERVICE["ProtectHome"] == SERVICE["PrivateTmp"] == ["yes"]
    assert SERVICE["StateDirectory"] == ["netbootd"]
    assert "ReadWritePaths" not in SERVICE


def test_the_kernel_is_out_of_reach() -> None:
    assert SERVICE["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]
    assert SERVICE["MemoryDenyWriteExecute"] == ["yes"]
    assert SERVICE["RestrictAddressFamilies"] == ["AF_INET AF_INET6 AF_UNIX AF_NETLINK AF_PACKET"]


def test_thousands_of_transfers_have_a_descriptor_each() -> None:
    assert int(SERVICE["LimitNOFILE"][0]) >= 65536


@pytest.mark.parametrize("name", SOCKETS)
def test_each_socket_has_its_name_its_port_and_our_service(name: str) -> None:
    """systemd gives one name to all sockets of a unit, so each port has a unit of its own."""
    unit = read(f"netbootd-{name}.socket")
    kind = "ListenStream" if name in ("http", "https", "admin") else "ListenDatagram"
    assert unit[kind] == [SOCKETS[name]]
    assert unit["FileDescriptorName"] == [name]
    assert unit["Service"] == ["netbootd.service"]


def test_the_account_and_its_directories_are_those_of_the_service() -> None:
    assert re.search(r'^u netbootd - ".*" /var/lib/netbootd$', (UNITS / "netbootd.sysusers").read_text(), re.MULTILINE)
    directories = (UNITS / "netbootd.tmpfiles").read_text()
    assert "d /var/lib/netbootd/artifacts 2775 netbootd netbootd" in directories
    assert "d /etc/netbootd 0755 root root" in directories


@pytest.fixture
def analysed(tmp_path: Path) -> Path:
    """The units as systemd-analyze can judge them on a machine without netbootd in /opt."""
    need("systemd-analyze", "systemd")
    for path in UNITS.glob("*.s*t"):
        shutil.copy(path, tmp_path)
    text = (UNITS / "netbootd.service").read_text().replace("/opt/netbootd/bin/netbootd", "/bin/true")
    (tmp_path / "netbootd.service").write_text(text)
    return tmp_path


def test_systemd_finds_nothing_wrong_with_the_units(analysed: Path) -> None:
    units = [str(path) for path in analysed.iterdir()]
    done = subprocess.run(["systemd-analyze", "verify", *units], check=False, capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if "netbootd" in line] == []


def test_systemd_finds_little_exposed(analysed: Path) -> None:
    """systemd-analyze gives 0 (safe) to 10; a service that serves a network cannot reach 0."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(analysed / "netbootd.service")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    found = re.search(r"Overall exposure level for netbootd.service: ([\d.]+)", done.stdout)
    if found is None:
        without("this systemd-analyze is too old to judge a unit file offline")
    assert float(found[1]) <= 2.0
