"""One lab: a network, its DHCP server, netbootd, and machines to switch on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.daemon import Daemon, netbootd
from tests.lab.machine import Hardware, Machine, power_on
from tests.lab.network import Network, network


@dataclass(frozen=True, slots=True)
class Lab:
    """A network on which a netbootd serves."""

    network: Network
    daemon: Daemon
    dhcp_log: Path

    def power_on(self, hardware: Hardware) -> AbstractContextManager[Machine]:
        """Switch a machine on; when it fails, the servers' logs are part of what is said."""
        return power_on(self.network, hardware, logs=(self.dhcp_log, self.daemon.log))


@contextmanager
def open_lab(directory: Path, settings: str, *dhcp_options: str, ipv6: bool = True) -> Iterator[Lab]:
    """A lab whose netbootd has these ``settings`` (YAML) and whose DHCP server has these further options."""
    with ExitStack() as stack:
        wires = stack.enter_context(network(directory))
        dhcp_log = stack.enter_context(wires.dnsmasq(*dhcp_options, ipv6=ipv6))
        yield Lab(wires, stack.enter_context(netbootd(wires, settings)), dhcp_log)
