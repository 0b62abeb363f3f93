"""The other DHCP and PXE servers of this network, as far as they were overheard.  A sink for events, bounded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from netbootd.boot.recent import Recent
from netbootd.observe.events import Event, ServerHeard
from netbootd.wire.mac import Mac

_SERVERS = 64
_MACHINES = 4096
_EACH = 4  # servers remembered of one machine


@dataclass(frozen=True, slots=True)
class Server:
    """One that answers, and what it said last; ``last`` in seconds since the epoch."""

    ip: str
    kind: str
    """``dhcp``: it gives addresses; ``proxy``: like us it gives boot files alone."""
    file: str = ""
    """The boot file it names."""
    next_server: str = ""
    """Where that is (siaddr, else option 66)."""
    pxe: bool = False
    """It says that it is a boot server (option 60)."""
    last: float = 0.0


class Servers:
    """``wall`` is seconds since the epoch."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._known: Recent[tuple[str, str], Server] = Recent(_SERVERS)
        self._told: Recent[str, tuple[Server, ...]] = Recent(_MACHINES)
        self._netbootds: Recent[str, None] = Recent(_SERVERS)

    def __call__(self, event: Event) -> None:
        """Take in what happened."""
        if not isinstance(event, ServerHeard):
            return
        if event.kind == "proxy" and event.file.endswith("/ipxe.cfg"):
            self._netbootds.put(event.server, None)
        heard = Server(event.server, event.kind, event.file, event.next_server, event.pxe, self._wall())
        self._known.put((heard.ip, heard.kind), heard)
        if event.mac:
            others = (
                each for each in self._told.get(event.mac) or () if (each.ip, each.kind) != (heard.ip, heard.kind)
            )
            self._told.put(event.mac, (heard, *others)[:_EACH])

    def to(self, mac: Mac, since: float) -> tuple[Server, ...]:
        """What this machine was told since then, the latest first."""
        return tuple(each for each in self._told.get(str(mac)) or () if each.last >= since)

    def netbootds(self) -> tuple[str, ...]:
        """Addresses of other netbootds, by the script that they offer to iPXE."""
        return tuple(address for address, _ in self._netbootds.items())

    def all(self) -> tuple[Server, ...]:
        """Every one, the latest first."""
        return tuple(sorted(self._known.values(), key=lambda each: -each.last))
