"""``DevicePortConfig/override.json`` as EVE's docs/CONFIG.md describes it."""

from __future__ import annotations

import json

from netbootd.boot.facts import Facts
from netbootd.boot.network import NetworkKeys, network
from netbootd.payloads.eve.config_partition import fault
from netbootd.payloads.eve.port_config import files


def test_one_port_with_a_static_address_for_management() -> None:
    keys = NetworkKeys("192.0.2.10/24", "192.0.2.1", ("192.0.2.53",), None, "machine n1")
    (file,) = files(network(keys, Facts()))
    assert (file.path, file.origin) == ("DevicePortConfig/override.json", "network of machine n1")
    assert json.loads(file.data) == {
        "Version": 1,
        "TimePriority": "2000-01-01T00:00:00Z",
        "Ports": [
            {
                "IfName": "eth0",
                "Name": "eth0",
                "IsMgmt": True,
                "Cost": 0,
                "Dhcp": 1,
                "AddrSubnet": "192.0.2.10/24",
                "DnsServers": ["192.0.2.53"],
                "Gateway": "192.0.2.1",
            }
        ],
    }
    assert fault(file) == ""


def test_a_port_is_called_as_the_settings_call_it_and_what_is_not_known_is_left_out() -> None:
    (file,) = files(network(NetworkKeys("192.0.2.10/24", interface="eth3"), Facts()))
    (port,) = json.loads(file.data)["Ports"]
    assert (port["IfName"], port["DnsServers"], "Gateway" in port) == ("eth3", [], False)
