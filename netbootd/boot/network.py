"""A static address where there is no DHCP: as settings name it, and as a machine gets it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

from netbootd.boot.facts import Facts, NotKnown

BY_IPXE = "ipxe"
"""In place of an address: the one that the machine's iPXE has, with netmask, gateway and name server."""

_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,62})")


class NetworkError(ValueError):
    """A machine's network cannot be told; the text says why and what to do."""


class UnknownAddress(NetworkError, NotKnown):
    """Its iPXE has to say it first."""


@dataclass(frozen=True, slots=True)
class NetworkKeys:
    """What one layer of the settings says; None where it says nothing."""

    address: str | None = None
    """With its prefix, 192.0.2.10/24, or `BY_IPXE`."""
    gateway: str | None = None
    dns: tuple[str, ...] | None = None
    interface: str | None = None
    origin: str = ""

    def over(self, older: NetworkKeys | None) -> NetworkKeys:
        """These keys, with ``older`` ones where these say nothing."""
        if older is None:
            return self
        said: dict[str, Any] = {
            name: value
            for name in ("address", "gateway", "dns", "interface")
            if (value := getattr(self, name)) is not None
        }
        return replace(older, **said, origin=self.origin if "address" in said else older.origin)


@dataclass(frozen=True, slots=True)
class Network:
    """One machine's address."""

    address: IPv4Interface
    gateway: IPv4Address | None
    dns: tuple[IPv4Address, ...]
    interface: str
    """The kernel's name for the card, "" for the first."""
    origin: str = ""


def network(keys: NetworkKeys, facts: Facts) -> Network:
    """The network of a machine.  Raises `NetworkError` where something is not known."""
    if keys.address is None:
        raise NetworkError(
            f"network of {keys.origin} has no address: give the machine one, network: {{address: 192.0.2.10/24}}, or "
            "write ipxe for the one its iPXE has"
        )
    if keys.address == BY_IPXE:
        keys = _of_ipxe(keys, facts)
    assert keys.address is not None
    return Network(
        address=IPv4Interface(keys.address),
        gateway=IPv4Address(keys.gateway) if keys.gateway else None,
        dns=tuple(map(IPv4Address, keys.dns or ())),
        interface=keys.interface or "",
        origin=keys.origin,
    )


def _of_ipxe(keys: NetworkKeys, facts: Facts) -> NetworkKeys:
    absent = [name for name in ("ip", "netmask") if getattr(facts, name) is None]
    if absent:
        raise UnknownAddress(
            f"network of {keys.origin}: its iPXE's {' and '.join(absent)} is not known: let it come by /ipxe.cfg or "
            "its own URL, which report it; to see it before: render --fact ip=192.0.2.10 --fact netmask=255.255.255.0"
        )
    return replace(
        keys,
        address=f"{facts.ip}/{facts.netmask}",
        gateway=keys.gateway if keys.gateway is not None else facts.gateway,
        dns=keys.dns if keys.dns is not None else (facts.dns,) if facts.dns else None,
    )


def kernel_argument(of: Network, name: str) -> str:
    """The value of ``ip=``, Linux Documentation/admin-guide/nfs/nfsroot.rst; dracut and initramfs-tools read the same.

    ``ip=<client-ip>:<server-ip>:<gw-ip>:<netmask>:<hostname>:<device>:<autoconf>:<dns0-ip>:<dns1-ip>``
    """
    host = name if _HOSTNAME.fullmatch(name) else ""
    fields = (of.address.ip, "", of.gateway or "", of.address.netmask, host, of.interface, "none", *of.dns[:2])
    return ":".join(map(str, fields))
