"""The network interfaces of this machine, and which of them to serve.

Addresses come from netifaces, flags and MTU from the kernel's ioctls: those see the network namespace the process is
in, while a /sys mounted before the namespace was entered still lists the host's interfaces.
"""

from __future__ import annotations

import fcntl
import re
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import netifaces

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SIOCGIFFLAGS = 0x8913  # <linux/sockios.h>
SIOCGIFMTU = 0x8921
IFF_UP = 0x1  # <linux/if.h>
IFF_LOOPBACK = 0x8
IFF_RUNNING = 0x40
_IFREQ = struct.Struct("=16si20x")
_FLAGS = struct.Struct("=16sH22x")

# Made by software for guests, containers and tunnels; a bridge an administrator named (br0, vmbr0, lan) carries a LAN.
_VIRTUAL = re.compile(
    r"docker\d+|br-[0-9a-f]{12}|podman\d+|cni-?\w+|cbr\d+|flannel.*|cali.*|cilium.*"  # containers
    r"|veth.*|vnet\d+|virbr.*|lxcbr\d+|lxdbr\d+|incusbr\d+|tap.*|ifb\d+|dummy\d+"  # guests and plumbing
    r"|tun.*|wg.*|tailscale\d+|zt.*|ppp\d+|ipsec.*|gre.*|sit\d+"  # tunnels: no broadcast reaches a booting machine
)


@dataclass(frozen=True, slots=True)
class Address:
    """One IPv4 address of an interface, and how long its subnet's prefix is in bits."""

    ip: str
    prefixlen: int

    def __str__(self) -> str:
        return f"{self.ip}/{self.prefixlen}"


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface as the kernel sees it now.  ``virtual``: made for guests, containers or a tunnel, by its name."""

    name: str
    index: int
    addresses: tuple[Address, ...] = ()
    mtu: int = 1500
    up: bool = True
    loopback: bool = False
    virtual: bool = False
    carrier: bool = True
    """Its cable is in, and somebody is at the other end."""


class NoSuchInterface(ValueError):
    """An interface was asked for by name that this machine cannot serve; the text says what there is instead."""


def list_interfaces() -> tuple[Interface, ...]:
    """Every interface of this network namespace, by index; those that vanish meanwhile are left out."""
    labels = _addresses_by_name()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        seen = (_inspect(probe, index, name, labels.get(name, ())) for index, name in sorted(socket.if_nameindex()))
        return tuple(found for found in seen if found is not None)


def usable(interfaces: Iterable[Interface], wanted: Literal["auto"] | Sequence[str]) -> tuple[Interface, ...]:
    """The interfaces to serve.

    ``auto``: those that are up, have an IPv4 address, are not the loopback and not `virtual`; if none is left, the
    virtual ones (a laptop's virbr0, a container's veth).  By name: exactly those, `NoSuchInterface` for any that does
    not exist; one that is down or has no address yet is kept, for it may get both while we run.
    """
    known = tuple(interfaces)
    if wanted != "auto":
        return tuple(_by_name(known, name) for name in dict.fromkeys(wanted))
    ready = [each for each in known if each.up and each.addresses and not each.loopback]
    return tuple([each for each in ready if not each.virtual] or ready)


def left_out(interfaces: Iterable[Interface], served: Sequence[Interface]) -> tuple[Interface, ...]:
    """Those that ``auto`` would serve besides."""
    names = {each.name for each in served}
    ready = [each for each in usable(interfaces, "auto") if each.name not in names]
    return tuple(each for each in ready if not each.virtual)


def named(interface: Interface) -> str:
    """``eth0 (192.0.2.1/24)``."""
    return f"{interface.name} ({', '.join(map(str, interface.addresses)) or 'no address'})"


def mtu_of(ifindex: int) -> int | None:
    """The MTU of an interface in bytes, None when there is no such interface or no descriptor left to ask with."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            return _mtu(probe, socket.if_indextoname(ifindex))
    except (OSError, OverflowError):
        return None


def _by_name(known: Sequence[Interface], name: str) -> Interface:
    for each in known:
        if each.name == name:
            return each
    there = ", ".join(_describe(each) for each in known) or "none"
    raise NoSuchInterface(f"no interface {name!r} here; there are: {there}")


def _describe(interface: Interface) -> str:
    about = interface.addresses[0].ip if interface.addresses else "no address" if interface.up else "down"
    return f"{interface.name} ({about})"


def _inspect(probe: socket.socket, index: int, name: str, addresses: tuple[Address, ...]) -> Interface | None:
    try:
        flags: int = _FLAGS.unpack(fcntl.ioctl(probe, SIOCGIFFLAGS, _FLAGS.pack(name.encode(), 0)))[1]
        mtu = _mtu(probe, name)
    except OSError:
        return None
    return Interface(
        name=name,
        index=index,
        addresses=addresses,
        mtu=mtu,
        up=bool(flags & IFF_UP),
        loopback=bool(flags & IFF_LOOPBACK),
        virtual=is_virtual(name),
        carrier=bool(flags & IFF_RUNNING),
    )


def _mtu(probe: socket.socket, name: str) -> int:
    mtu: int = _IFREQ.unpack(fcntl.ioctl(probe, SIOCGIFMTU, _IFREQ.pack(name.encode(), 0)))[1]
    return mtu


def is_virtual(name: str, sysfs: Path = Path("/sys/class/net")) -> bool:
    """Whether ``name`` was made for guests, containers or a tunnel.  A tap or tun device is known to sysfs whatever
    its name; a bridge is judged by its name alone, for br0 is a LAN and docker0 is not."""
    return _VIRTUAL.fullmatch(name) is not None or (sysfs / name / "tun_flags").exists()


def _addresses_by_name() -> dict[str, tuple[Address, ...]]:
    """IPv4 addresses by interface; ``eth0:1`` is a label of an address on eth0, not an interface."""
    found: dict[str, tuple[Address, ...]] = {}
    for label in netifaces.interfaces():
        name = label.partition(":")[0]
        found[name] = found.get(name, ()) + tuple(_read_addresses(label))
    return found


def _read_addresses(label: str) -> list[Address]:
    try:
        entries = netifaces.ifaddresses(label).get(netifaces.AF_INET, [])
    except (OSError, ValueError):
        return []
    return [_address(entry["addr"], entry.get("netmask", "255.255.255.255")) for entry in entries if "addr" in entry]


def _address(ip: str, netmask: str) -> Address:
    return Address(ip, IPv4Network(f"0.0.0.0/{netmask}").prefixlen)
