"""The ``network`` of a profile or machine, out of keys that each passed alone."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

from netbootd.boot.network import BY_IPXE, NetworkKeys
from netbootd.config.models import Static
from netbootd.config.problems import Place, Problems


def read_network(keys: Static | None, origin: str, place: Place, problems: Problems) -> NetworkKeys | None:
    """What they say together; ``origin`` is what a machine's arguments will say they come from."""
    if keys is None:
        return None
    if keys.address and keys.address != BY_IPXE and keys.gateway:
        address, gateway = IPv4Interface(keys.address), IPv4Address(keys.gateway)
        if gateway == address.ip:
            problems.error(place, f"gateway {gateway} is the machine itself")
        elif gateway not in address.network:
            problems.warn(place, f"gateway {gateway} is not in {address.network}, where most systems look for it")
    return NetworkKeys(keys.address, keys.gateway, keys.dns, keys.interface, origin)
