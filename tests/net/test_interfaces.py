"""Which interfaces there are, and which are served."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from netbootd.net.interfaces import (
    Address,
    Interface,
    NoSuchInterface,
    is_virtual,
    left_out,
    list_interfaces,
    mtu_of,
    usable,
)
from tests.support.tools import without

LAN = Address("192.168.1.10", 24)
SECOND = Address("10.0.0.1", 8)
LO = Interface("lo", 1, (Address("127.0.0.1", 8),), mtu=65536, loopback=True)
ETH0 = Interface("eth0", 2, (LAN, SECOND))
ETH1_DOWN = Interface("eth1", 3, (Address("172.16.0.1", 16),), up=False)
ETH2_BARE = Interface("eth2", 4)
DOCKER = Interface("docker0", 5, (Address("172.17.0.1", 16),), virtual=True)
ALL = (LO, ETH0, ETH1_DOWN, ETH2_BARE, DOCKER)


def test_the_loopback_of_this_machine_is_found_with_its_address() -> None:
    (lo,) = [each for each in list_interfaces() if each.loopback]
    assert Address("127.0.0.1", 8) in lo.addresses
    assert lo.up
    assert lo.index > 0
    assert lo.mtu > 0


def test_auto_serves_what_is_up_addressed_and_real() -> None:
    assert usable(ALL, "auto") == (ETH0,)


def test_what_auto_would_serve_besides_is_left_out() -> None:
    eth3 = Interface("eth3", 6, (Address("192.0.2.1", 24),))
    assert left_out((*ALL, eth3), (ETH0,)) == (eth3,)
    assert left_out((LO, ETH0, DOCKER), (ETH0,)) == ()


def test_auto_falls_back_to_virtual_interfaces_when_there_is_nothing_else() -> None:
    """A laptop whose only network is virbr0, and a container whose only network is a veth, still serve."""
    assert usable((LO, ETH1_DOWN, DOCKER), "auto") == (DOCKER,)


def test_auto_never_serves_the_loopback() -> None:
    assert usable((LO,), "auto") == ()


def test_named_interfaces_are_served_whatever_they_are() -> None:
    """An administrator who writes docker0, or an interface whose address comes later, means it."""
    assert usable(ALL, ["docker0", "eth2", "docker0"]) == (DOCKER, ETH2_BARE)


def test_an_unknown_name_is_refused_with_what_there_is() -> None:
    with pytest.raises(NoSuchInterface, match=r"no interface 'eth9' here; there are: lo \(127\.0\.0\.1\), eth0 \(192"):
        usable(ALL, ["eth9"])
    with pytest.raises(NoSuchInterface, match=r"eth2 \(no address\)"):
        usable(ALL, ["eth9"])


@pytest.mark.parametrize("name", ["br0", "vmbr0", "lan", "eth0", "enp3s0", "wlan0", "bond0", "eth0.100", "team0"])
def test_names_that_carry_a_lan_are_real(name: str, tmp_path: Path) -> None:
    assert not is_virtual(name, tmp_path)


@pytest.mark.parametrize(
    "name",
    ["docker0", "br-0123456789ab", "veth12ab", "virbr0", "virbr0-nic", "vnet3", "tun0", "tap1", "wg0", "ifb0", "ppp0"],
)
def test_names_made_for_guests_containers_and_tunnels_are_virtual(name: str, tmp_path: Path) -> None:
    assert is_virtual(name, tmp_path)


def test_a_tap_with_any_name_is_virtual(tmp_path: Path) -> None:
    (tmp_path / "office").mkdir()
    (tmp_path / "office" / "tun_flags").write_text("0x1002\n")
    assert is_virtual("office", tmp_path)


def test_an_address_is_shown_with_its_subnet() -> None:
    assert str(SECOND) == "10.0.0.1/8"


def test_the_mtu_of_an_interface_is_known_and_of_no_interface_is_not() -> None:
    assert (mtu_of(socket.if_nametoindex("lo")) or 0) >= 1500
    assert mtu_of(0) is None
    assert mtu_of(999_999) is None


def test_without_a_descriptor_left_the_mtu_is_not_known_and_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", none_left)
    assert mtu_of(1) is None


NAMESPACE = """
ip link set lo up
ip link add lan0 type veth peer name peer0
ip link set lan0 mtu 1400 up
ip addr add 10.9.0.1/24 dev lan0
ip addr add 10.9.1.1/25 label lan0:1 dev lan0
"""


UNSHARE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]


def _can_make_a_namespace() -> bool:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode == 0


def test_in_a_network_namespace_its_own_interfaces_are_seen() -> None:
    """/sys still shows the host's interfaces there; a labelled address belongs to its interface."""
    if not _can_make_a_namespace():
        without("needs unshare, ip (iproute2) and the right to make a network namespace")
    show = "from netbootd.net.interfaces import *\nfor i in list_interfaces(): print(i.name, i.mtu, i.up, *i.addresses)"
    script = f"set -e\n{NAMESPACE}\nexec {sys.executable} -c '{show}'"
    done = subprocess.run([*UNSHARE, "sh", "-c", script], check=True, capture_output=True, text=True)
    assert sorted(done.stdout.splitlines()) == [
        "lan0 1400 True 10.9.0.1/24 10.9.1.1/25",
        "lo 65536 True 127.0.0.1/8",
        "peer0 1500 False",
    ]
