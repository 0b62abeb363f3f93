"""A static address: two layers of settings, what iPXE reports, and the kernel's argument."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.network import BY_IPXE, Network, NetworkError, NetworkKeys, kernel_argument, network

SITE = NetworkKeys(gateway="192.0.2.1", dns=("192.0.2.53", "192.0.2.54", "192.0.2.55"), origin="profile edge")
NODE = NetworkKeys(address="192.0.2.10/24", origin="machine n1")
REPORTED = Facts(ip="198.51.100.7", netmask="255.255.255.128", gateway="198.51.100.1", dns="198.51.100.53")


def test_a_machine_says_its_address_and_its_profile_the_rest() -> None:
    merged = NODE.over(SITE)
    assert (merged.address, merged.gateway, merged.dns) == ("192.0.2.10/24", "192.0.2.1", SITE.dns)
    assert merged.origin == "machine n1", "who said the address"
    assert NetworkKeys(gateway="192.0.2.2", origin="machine n1").over(NODE).origin == "machine n1"
    assert NODE.over(None) is NODE


def test_an_address_of_the_settings_needs_no_facts() -> None:
    assert network(NODE, Facts()) == Network(IPv4Interface("192.0.2.10/24"), None, (), "", "machine n1")


def test_one_that_its_ipxe_has_comes_with_netmask_gateway_and_name_server() -> None:
    found = network(NetworkKeys(BY_IPXE, interface="eth1", origin="profile edge"), REPORTED)
    assert found == Network(
        IPv4Interface("198.51.100.7/25"),
        IPv4Address("198.51.100.1"),
        (IPv4Address("198.51.100.53"),),
        "eth1",
        "profile edge",
    )


def test_what_settings_say_goes_over_what_ipxe_has() -> None:
    found = network(NetworkKeys(BY_IPXE, "198.51.100.2", ("192.0.2.53",)), REPORTED)
    assert (str(found.gateway), *map(str, found.dns)) == ("198.51.100.2", "192.0.2.53")


@pytest.mark.parametrize(
    ("keys", "facts", "told"),
    [
        (SITE, Facts(), "network of profile edge has no address: give the machine one"),
        (NetworkKeys(BY_IPXE, origin="machine n1"), Facts(), "its iPXE's ip and netmask is not known"),
        (NetworkKeys(BY_IPXE, origin="machine n1"), Facts(ip="192.0.2.9"), "its iPXE's netmask is not known"),
    ],
)
def test_what_is_not_known_is_told_with_what_to_do(keys: NetworkKeys, facts: Facts, told: str) -> None:
    with pytest.raises(NetworkError, match=told):
        network(keys, facts)


@pytest.mark.parametrize(
    ("keys", "name", "value"),
    [
        (NODE, "n1", "192.0.2.10:::255.255.255.0:n1::none"),
        (NODE.over(SITE), "n1", "192.0.2.10::192.0.2.1:255.255.255.0:n1::none:192.0.2.53:192.0.2.54"),
        (NetworkKeys("192.0.2.10/32", "192.0.2.1", (), "eth0"), "", "192.0.2.10::192.0.2.1:255.255.255.255::eth0:none"),
        (NODE, "52:54:00:12:34:56", "192.0.2.10:::255.255.255.0:::none"),
    ],
)
def test_the_kernel_s_argument(keys: NetworkKeys, name: str, value: str) -> None:
    """nfsroot.rst: client, server, gateway, netmask, host name, device, autoconf and two name servers.

    A name with colons in it would shift the fields; it is no host name either.
    """
    assert kernel_argument(network(keys, Facts()), name) == value
