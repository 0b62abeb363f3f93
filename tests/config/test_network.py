"""``network`` of a profile or machine."""

from __future__ import annotations

import pytest

from netbootd.boot.network import NetworkKeys
from tests.support.settings import Files

MACHINE = "profiles: {r: {payload: linux, kernel: k}}\nmachines: [{mac: 52:54:00:12:34:56, name: n1, network: NETWORK}]"


def test_a_machine_and_its_profile_have_keys_of_their_own(files: Files) -> None:
    snapshot = files.load(
        """
        profiles: {r: {payload: linux, kernel: k, network: {gateway: 192.0.2.1, dns: [192.0.2.53, 192.0.2.54]}}}
        machines: [{mac: 52:54:00:12:34:56, name: n1, network: {address: 192.0.2.10/24, interface: eno1}}]
        """
    ).snapshot
    assert snapshot.profiles["r"].network == NetworkKeys(
        None, "192.0.2.1", ("192.0.2.53", "192.0.2.54"), None, "profile r"
    )
    assert snapshot.machines[0].network == NetworkKeys("192.0.2.10/24", None, None, "eno1", "machine n1")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("ipxe", NetworkKeys("ipxe", origin="machine n1")),
        ("192.0.2.10/24", NetworkKeys("192.0.2.10/24", origin="machine n1")),
        ("{address: 192.0.2.10/31}", NetworkKeys("192.0.2.10/31", origin="machine n1")),
        ("{address: ipxe, dns: 192.0.2.53}", NetworkKeys("ipxe", None, ("192.0.2.53",), None, "machine n1")),
    ],
)
def test_forms_of_it(files: Files, text: str, keys: NetworkKeys) -> None:
    assert files.load(MACHINE.replace("NETWORK", text)).snapshot.machines[0].network == keys


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "192.0.2.10",
            ".address: must be an address with its prefix such as 192.0.2.10/24, or ipxe, not '192.0.2.10'",
        ),
        (
            "dhcp",
            ".address: must be an address with its prefix such as 192.0.2.10/24, or ipxe, not 'dhcp'",
        ),
        ("192.0.2.0/24", ".address: 192.0.2.0/24 is no address of a machine"),
        ("192.0.2.255/24", ".address: 192.0.2.255/24 is no address of a machine"),
        ("224.0.0.1/24", ".address: 224.0.0.1/24 is no address of a machine"),
        ("{address: 192.0.2.10/24, gateway: fe80::1}", ".gateway: must be an IPv4 address, not 'fe80::1'"),
        ("{address: 192.0.2.10/24, gateway: 0.0.0.0}", ".gateway: 0.0.0.0 is no address of a machine"),
        ("{address: 192.0.2.10/24, gateway: 192.0.2.10}", ": gateway 192.0.2.10 is the machine itself"),
        ("{address: 192.0.2.10/24, dns: [one]}", ".dns[0]: must be an IPv4 address, not 'one'"),
        ("{address: 192.0.2.10/24, interface: 'eth0 x'}", ".interface: 'eth0 x' is not the name of an interface"),
        ("{adress: 192.0.2.10/24}", ".adress: unknown key"),
    ],
)
def test_what_is_no_network_is_refused(files: Files, text: str, told: str) -> None:
    (problem,) = files.wrong(MACHINE.replace("NETWORK", text))
    assert problem.startswith(f"netbootd.yaml:2: machines.n1.network{told}")


def test_a_gateway_elsewhere_is_asked_about(files: Files) -> None:
    assert files.warned(MACHINE.replace("NETWORK", "{address: 192.0.2.10/32, gateway: 192.0.2.1}")) == [
        "netbootd.yaml:2: machines.n1.network: gateway 192.0.2.1 is not in 192.0.2.10/32, "
        "where most systems look for it"
    ]


def test_a_payload_that_takes_no_address_says_so(files: Files) -> None:
    text = "profiles: {m: {payload: menu, network: ipxe}}"
    assert files.wrong(text) == ["netbootd.yaml:1: profiles.m.network: payload menu takes no address"]


def test_a_provider_is_one_of_those_known(files: Files) -> None:
    (problem,) = files.wrong("profiles: {r: {payload: linux, kernel: k, provider: equinox}}")
    assert problem.startswith("netbootd.yaml:1: profiles.r.provider: must be 'equinix', 'hivelocity', 'i3d'")
