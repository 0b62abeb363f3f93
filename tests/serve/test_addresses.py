"""Where a machine finds us, by what settings say, by what is bound, and by the interface it asked on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from netbootd.boot.site import Site
from netbootd.config import load
from netbootd.net.interfaces import Address, Interface
from netbootd.net.served import Interfaces
from netbootd.serve.addresses import Addresses
from netbootd.serve.listening import Listening, listen
from netbootd.serve.sockets import Sockets

CONFIG = replace(load(None), dhcp_mode="off", tftp_port=0, http_port=0, admin_listen=("127.0.0.1", 0))
LAN1 = Interface("lan1", 2, (Address("192.0.2.1", 24),))
LAN2 = Interface("lan2", 3, (Address("198.51.100.1", 24), Address("203.0.113.1", 24)))


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    """Whose ports are the system's choice."""
    sockets = Sockets()
    yield sockets
    sockets.close()


def serving(*interfaces: Interface) -> Interfaces:
    return Interfaces(None, look=lambda: interfaces, clock=lambda: 0.0)


def of(sockets: Sockets, *interfaces: Interface, **settings: Any) -> tuple[Addresses, Listening]:
    config = replace(CONFIG, **settings)
    listening = listen(config, sockets)
    return Addresses(config, listening, serving(*interfaces)), listening


def test_a_client_comes_back_to_the_address_it_asked_at_and_to_the_ports_that_are_bound(sockets: Sockets) -> None:
    addresses, listening = of(sockets, LAN1, syslog_port=0)
    assert listening.tftp_address
    assert listening.syslog_address
    assert addresses.site("192.0.2.1") == Site(
        "192.0.2.1", listening.http_address[1], listening.tftp_address[1], None, listening.syslog_address[1]
    )


def test_what_is_off_is_named_to_nobody(sockets: Sockets) -> None:
    addresses, _ = of(sockets, LAN1, tftp_mode="off")
    site = addresses.site("192.0.2.1")
    assert (site.tftp_url, site.syslog) == ("", "")


def test_bound_to_one_address_it_is_at_that_one_wherever_a_client_asked(sockets: Sockets) -> None:
    addresses, _ = of(sockets, LAN1, listen="127.0.0.9")
    assert addresses.site("192.0.2.1").address == "127.0.0.9"


def test_an_address_of_the_settings_goes_over_all_and_a_url_over_that(sockets: Sockets) -> None:
    addresses, _ = of(sockets, LAN1, listen="127.0.0.9", advertise="192.0.2.7", public_url="https://boot.test/x")
    site = addresses.site("192.0.2.1")
    assert (site.address, site.base_url) == ("192.0.2.7", "https://boot.test/x")


def test_one_that_has_never_asked_comes_to_the_address_in_its_own_subnet(sockets: Sockets) -> None:
    addresses, _ = of(sockets, LAN1, LAN2)
    assert addresses.nearest("203.0.113.50").address == "203.0.113.1"
    assert addresses.nearest("").address == "192.0.2.1"


def test_an_address_belongs_to_its_interface_alone(sockets: Sockets) -> None:
    """For a broadcast on an interface without an address the kernel names one of another, which is out of reach."""
    addresses, _ = of(sockets, LAN1, LAN2)
    assert addresses.owns(2, "192.0.2.1")
    assert not addresses.owns(3, "192.0.2.1")


@pytest.mark.parametrize("said", [{"advertise": "192.0.2.7"}, {"listen": "127.0.0.9"}])
def test_who_names_one_address_for_all_knows_that_it_is_reached_from_every_interface(
    sockets: Sockets, said: dict[str, str]
) -> None:
    addresses, _ = of(sockets, LAN1, LAN2, **said)
    assert addresses.owns(3, "192.0.2.1")


def test_ours_are_those_of_every_interface_that_is_served(sockets: Sockets) -> None:
    addresses, _ = of(sockets, LAN2)
    assert addresses.is_ours("203.0.113.1")
    assert not addresses.is_ours("192.0.2.1"), "an interface that is not served is somebody else's"


def test_a_reload_swaps_what_settings_say_and_ports_stay_as_they_are_bound(sockets: Sockets) -> None:
    """For who was told `site` or `interface` before it, too."""
    addresses, listening = of(sockets, LAN1, advertise="192.0.2.7")
    site, interface = addresses.site, addresses.interface
    addresses.swap(replace(CONFIG, http_port=9, tftp_port=9), serving(LAN2))
    assert (interface(2), interface(3)) == (None, "lan2")
    assert addresses.served == (LAN2,)
    assert (site("198.51.100.1").address, site("198.51.100.1").http_port) == ("198.51.100.1", listening.http_address[1])
