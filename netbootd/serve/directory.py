"""Who is behind an address: the MAC a client last showed there, and what its iPXE said of it.

Bounded, in memory, and only a convenience: a decision never trusts an address to be a machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from netbootd.boot.facts import Facts
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

_LIMIT = 8192
_LEAVING = 60.0  # seconds; EDK2 asks for 28 s by HTTP Boot after its PXE entry was left, and a reboot comes later


class Directory:
    """``name`` gives a machine's configured name; ``neighbour`` asks the kernel's table for an address's MAC."""

    def __init__(
        self,
        name: Callable[[Mac], str],
        neighbour: Callable[[str], str | None] = lambda _ip: None,
        limit: int = _LIMIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._neighbour = neighbour
        self._clock = clock
        self._limit = limit
        self._macs: dict[str, Mac] = {}
        self._facts: dict[Mac, Facts] = {}
        self._left: dict[Mac, float] = {}

    def met(self, ip: str, mac: Mac) -> None:
        """This card spoke from this address."""
        self._macs.pop(ip, None)
        self._macs[ip] = mac
        _bound(self._macs, self._limit)

    def told(self, facts: Facts) -> None:
        """A machine's iPXE said this."""
        if facts.mac is None:
            return
        merged = facts.over(self._facts.pop(facts.mac, Facts()))
        self._facts[facts.mac] = merged
        _bound(self._facts, self._limit)

    def known(self, mac: Mac) -> Facts:
        """All it ever said."""
        return self._facts.get(mac) or Facts(mac=mac)

    def leaves(self, mac: Mac) -> None:
        """A machine was sent to its own disk."""
        self._left.pop(mac, None)
        self._left[mac] = self._clock()
        _bound(self._left, self._limit)

    def left(self, mac: Mac) -> bool:
        """Whether that was a moment ago, so that what firmware still asks is asked on its way there."""
        return self._clock() - self._left.get(mac, -_LEAVING) < _LEAVING

    def mac_of(self, ip: str) -> Mac | None:
        """The card last seen at this address."""
        if ip in self._macs:
            return self._macs[ip]
        try:
            # Not kept: the kernel knows when an address goes to another machine, and we would not.
            text = self._neighbour(ip) if ip else None
            return Mac.parse(text) if text else None
        except WireError:  # a neighbour by InfiniBand, say
            return None

    def who(self, mac: str, ip: str) -> tuple[str, str]:
        """(MAC, configured name) for a log line, "" where unknown."""
        try:
            found = Mac.parse(mac) if mac else self.mac_of(ip)
        except WireError:
            return mac, ""
        return (str(found), self._name(found)) if found else ("", "")


def _bound(table: dict[Any, Any], limit: int) -> None:
    while len(table) > limit:
        del table[next(iter(table))]
