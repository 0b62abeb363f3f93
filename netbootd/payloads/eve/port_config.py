"""A static address as EVE takes it: ``DevicePortConfig/override.json`` in its CONFIG partition.

After EVE's docs/CONFIG.md, section "Example DevicePortConfig".  The installer needs no network; this is for the system
it installs.  Nothing reads the file where there is a ``bootstrap-config.pb``.
"""

from __future__ import annotations

import json

from netbootd.boot.model import ConfigFile
from netbootd.boot.network import Network

PATH = "DevicePortConfig/override.json"

_STATIC = 1  # docs/CONFIG.md: "Dhcp": 1 is a static address, 4 a DHCP client
_FIRST_PORT = "eth0"
_LONG_AGO = "2000-01-01T00:00:00Z"
"""docs/CONFIG.md, TimePriority: "the more recent information is what will be used by EVE", and that is to be the
controller's as soon as it has said something."""


def files(network: Network) -> tuple[ConfigFile, ...]:
    """The one file, with one port for management; always the same for the same network."""
    name = network.interface or _FIRST_PORT
    port: dict[str, object] = {
        "IfName": name,
        "Name": name,
        "IsMgmt": True,
        "Cost": 0,
        "Dhcp": _STATIC,
        "AddrSubnet": str(network.address),
        "DnsServers": [str(server) for server in network.dns],
    }
    if network.gateway:
        port["Gateway"] = str(network.gateway)
    whole = {"Version": 1, "TimePriority": _LONG_AGO, "Ports": [port]}
    return (ConfigFile(PATH, json.dumps(whole).encode() + b"\n", f"network of {network.origin}"),)
