"""The lab's network: a switch, an independent DHCP server and a place for netbootd, all in namespaces of their own.

```
   dhcp namespace        switch namespace (bridge "lan")        boot namespace
   dnsmasq 10.99.0.1 ───────────┬───┬───┬─────────────────────  netbootd 10.99.0.2
                                │   │   │  taps
                              QEMU QEMU QEMU
```

Nothing leaves it: no namespace has a route to anywhere else.  Two labs may run side by side with the same addresses.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import namespace
from tests.lab.namespace import Namespace

DHCP_SERVER = "10.99.0.1"
BOOT_SERVER = "10.99.0.2"
PREFIX = "fd00:99::"


@dataclass(frozen=True, slots=True)
class Network:
    """A running lab network; made by `network`."""

    switch: Namespace
    dhcp: Namespace
    boot: Namespace
    directory: Path
    """Where logs and sockets of this lab go."""
    _taps: Iterator[int] = field(default_factory=itertools.count)

    def tap(self) -> str:
        """A new tap on the switch, for one machine; the name of the interface in the switch's namespace."""
        name = f"tap{next(self._taps)}"
        self.switch.ip(
            f"tuntap add dev {name} mode tap",
            f"link set {name} master lan",
            f"link set {name} up",
        )
        return name

    @contextmanager
    def joined(self, address: str) -> Iterator[Namespace]:
        """One more place on the switch, with this address."""
        with ExitStack() as stack:
            yield _plug(stack, self.switch, f"port{next(self._taps)}", address)

    @contextmanager
    def dnsmasq(self, *options: str, ipv6: bool = True) -> Iterator[Path]:
        """Run the DHCP server (no PXE, no TFTP, no DNS) with further ``options``; yields its log.

        With ``ipv6`` it is a router for IPv6 too.  On a network without one, iPXE of 2019 waits 16 s for a router's
        answer before it uses the IPv4 address it has: true to life, and long.
        """
        options += _ROUTER if ipv6 else ()
        log = self.directory / "dnsmasq.log"
        with log.open("wb") as out:
            server = self.dhcp.start(*_DNSMASQ, f"--dhcp-leasefile={self.directory}/leases", *options, stdout=out)
        try:
            yield log
        finally:
            namespace.stop(server)


_DNSMASQ = (
    "dnsmasq",
    "--no-daemon",
    "--conf-file=/dev/null",
    "--pid-file=",
    "--port=0",
    "--no-hosts",
    "--interface=eth0",
    "--dhcp-range=10.99.0.100,10.99.0.250,255.255.255.0,1h",
    "--dhcp-authoritative",
    "--no-ping",
    "--log-dhcp",
)
_ROUTER = ("--enable-ra", f"--dhcp-range={PREFIX},ra-only")


@contextmanager
def network(directory: Path) -> Iterator[Network]:
    """A new lab network; everything of it is gone at the end, and also if this process is killed."""
    with ExitStack() as stack:
        switch = namespace.first()
        stack.callback(switch.close)
        switch.ip("link add lan type bridge stp_state 0 forward_delay 0 mcast_snooping 0", "link set lan up")
        dhcp = _plug(stack, switch, "dhcp", DHCP_SERVER)
        dhcp.ip(f"addr add {PREFIX}1/64 dev eth0 nodad")
        boot = _plug(stack, switch, "boot", BOOT_SERVER)
        yield Network(switch, dhcp, boot, directory)


def _plug(stack: ExitStack, switch: Namespace, name: str, address: str) -> Namespace:
    server = namespace.beside(switch)
    stack.callback(server.close)
    switch.ip(
        f"link add {name} type veth peer name eth0 netns {server.holder.pid}",
        f"link set {name} master lan",
        f"link set {name} up",
    )
    server.ip(f"addr add {address}/24 dev eth0", "link set eth0 up")
    return server
