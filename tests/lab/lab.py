"""One lab: a network, its DHCP server, netbootd, and machines to switch on."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def command(self, *words: str) -> str:
        """Run ``netbootd`` with these words on its own machine, and return what it says; `LabError` if it fails."""
        return self.network.boot.run(sys.executable, "-m", "netbootd", *words, "-c", str(self.daemon.settings))

    def machine(self, mac: str) -> dict[str, Any]:
        """What its API says of a machine."""
        return self._asked(f"machines/{mac}")  # type: ignore[no-any-return]

    def boots(self, mac: str) -> list[dict[str, Any]]:
        """The boots of a machine that the API knows, the latest first."""
        return self._asked(f"machines/{mac}/boots")  # type: ignore[no-any-return]

    def await_state(self, mac: str, state: str, seconds: float = 180.0) -> dict[str, Any]:
        """The machine as soon as it stands there; what a state comes of may be looked at every few seconds only."""
        deadline = time.monotonic() + seconds
        while (machine := self.machine(mac))["state"] != state:
            if time.monotonic() > deadline:
                raise AssertionError(f"not {state} within {seconds:.0f} s: {json.dumps(machine, indent=1)}")
            time.sleep(0.5)
        return machine

    def _asked(self, path: str) -> Any:
        return json.loads(self.network.boot.run("curl", "-sS", f"http://127.0.0.1:8081/api/v1/{path}"))


@contextmanager
def open_lab(directory: Path, settings: str, *dhcp_options: str, ipv6: bool = True) -> Iterator[Lab]:
    """A lab whose netbootd has these ``settings`` (YAML) and whose DHCP server has these further options."""
    with ExitStack() as stack:
        wires = stack.enter_context(network(directory))
        dhcp_log = stack.enter_context(wires.dnsmasq(*dhcp_options, ipv6=ipv6))
        yield Lab(wires, stack.enter_context(netbootd(wires, settings)), dhcp_log)
