"""Interfaces come and go, and what is served follows."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from netbootd.net.interfaces import Address, Interface, NoSuchInterface
from netbootd.net.served import Interfaces

LAN1 = Interface("lan1", 2, (Address("192.0.2.1", 24),))
LAN2 = Interface("lan2", 3, (Address("198.51.100.1", 24),))


@dataclass
class Machine:
    """What the kernel would list, and a clock; ``looks`` counts the listings."""

    interfaces: tuple[Interface, ...] = (LAN1,)
    now: float = 100.0
    looks: int = 0

    def listed(self) -> tuple[Interface, ...]:
        self.looks += 1
        return self.interfaces

    def serving(self, *wanted: str) -> Interfaces:
        return Interfaces(wanted or None, look=self.listed, clock=lambda: self.now)


@pytest.fixture
def kernel() -> Machine:
    return Machine()


def test_an_interface_that_appears_is_served_from_its_first_packet_on(kernel: Machine) -> None:
    served = kernel.serving()
    kernel.interfaces, kernel.now = (LAN1, LAN2), 110.0
    assert (served.name(3), served.owns(3, "198.51.100.1")) == ("lan2", True)


def test_packets_on_interfaces_that_are_not_served_do_not_make_it_look_all_the_time(kernel: Machine) -> None:
    served = kernel.serving()
    kernel.now = 110.0
    assert {served.name(9) for _ in range(1000)} == {None}
    assert kernel.looks == 2


def test_one_that_was_named_and_went_away_takes_none_of_the_others_with_it(kernel: Machine) -> None:
    kernel.interfaces = (LAN1, LAN2)
    served = kernel.serving("lan1", "lan2")
    kernel.interfaces, kernel.now = (LAN1,), 110.0
    assert (served.name(9), served.name(2)) == (None, "lan1")


def test_an_address_of_another_interface_is_not_its_own(kernel: Machine) -> None:
    kernel.interfaces = (LAN1, Interface("lan2", 3))
    served = kernel.serving("lan1", "lan2")
    assert not served.owns(3, "192.0.2.1")
    kernel.interfaces, kernel.now = (LAN1, LAN2), 110.0
    assert served.owns(3, "198.51.100.1")


def test_one_that_was_named_must_be_there_at_the_start(kernel: Machine) -> None:
    with pytest.raises(NoSuchInterface):
        kernel.serving("lan9")


@pytest.mark.parametrize(
    ("machine", "address"),
    [("198.51.100.77", "198.51.100.1"), ("192.0.2.77", "192.0.2.1"), ("203.0.113.5", "192.0.2.1"), ("", "192.0.2.1")],
)
def test_a_machine_reaches_the_address_in_its_own_subnet(kernel: Machine, machine: str, address: str) -> None:
    kernel.interfaces = (LAN1, LAN2)
    assert kernel.serving("lan1", "lan2").nearest(machine) == address


def test_where_there_is_no_address_nobody_reaches_any(kernel: Machine) -> None:
    kernel.interfaces = (Interface("lan1", 2),)
    assert kernel.serving("lan1").nearest("::1") == "127.0.0.1"
