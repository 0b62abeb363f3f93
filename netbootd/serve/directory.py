"""Who is behind an address: the MAC a client last showed there, and what its iPXE said of it.

Bounded, in memory, and only a convenience: a decision never trusts an address to be a machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from netbootd.boot.facts import Facts
from netbootd.boot.recent import Recent
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

_LIMIT = 8192
_HERE = 600.0
"""Seconds in which GRUB comes after the iPXE that started it; later an address may be another machine's."""
_LEAVING = 45.0  # seconds; EDK2 comes to the HTTP entry of the same card within ten, a reboot comes later


@dataclass(frozen=True, slots=True)
class _Stay:
    """A card at an address, when it spoke last, and when the card that spoke there was last another than before."""

    mac: Mac
    last: float
    shared: float | None


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
        self._macs: Recent[str, Mac] = Recent(limit)
        self._stays: Recent[str, _Stay] = Recent(limit)
        self._facts: Recent[Mac, Facts] = Recent(limit)
        self._left: Recent[Mac, float] = Recent(limit)

    def met(self, ip: str, mac: Mac) -> None:
        """This card spoke from this address, or somebody says so."""
        now, before = self._clock(), self._stays.get(ip)
        another = before is not None and before.mac != mac and now - before.last < _HERE
        shared = now if another else before.shared if before is not None else None
        self._macs.put(ip, mac)
        self._stays.put(ip, _Stay(mac, now, shared))

    def told(self, facts: Facts) -> None:
        """A machine's iPXE said this."""
        if facts.mac is not None:
            self._facts.put(facts.mac, facts.over(self.known(facts.mac)))

    def known(self, mac: Mac) -> Facts:
        """All it ever said."""
        return self._facts.get(mac) or Facts(mac=mac)

    def leaves(self, mac: Mac) -> None:
        """A machine was sent to its own disk."""
        self._left.put(mac, self._clock())

    def left(self, mac: Mac) -> bool:
        """Whether that was a moment ago, so that what firmware still asks is asked on its way there."""
        since = self._left.get(mac)
        return since is not None and self._clock() - since < _LEAVING

    def mac_of(self, ip: str) -> Mac | None:
        """The card last seen at this address."""
        if (mac := self._macs.get(ip)) is not None:
            return mac
        # Not kept: the kernel knows when an address goes to another machine, and we would not.
        text = self._neighbour(ip) if ip else None
        return _ethernet(text) if text else None

    def surely_at(self, ip: str) -> Mac | None:
        """The card at this address, where it matters that it is no other: what it is given may wipe a disk.

        Addresses go from machine to machine, several share one behind NAT, and a packet may say anything.  So the
        kernel's word counts; beyond a router, where it has none, that of a moment ago, unless another card has spoken
        from there as well.
        """
        if (text := self._neighbour(ip) if ip else None) is not None:
            return _ethernet(text)
        now, stay = self._clock(), self._stays.get(ip)
        if stay is None or now - stay.last >= _HERE or (stay.shared is not None and now - stay.shared < _HERE):
            return None
        return stay.mac

    def who(self, mac: str, ip: str) -> tuple[str, str]:
        """(MAC, configured name) for a log line, "" where unknown."""
        try:
            found = Mac.parse(mac) if mac else self.mac_of(ip)
        except WireError:
            return mac, ""
        return (str(found), self._name(found)) if found else ("", "")


def _ethernet(text: str) -> Mac | None:
    try:
        return Mac.parse(text)
    except WireError:  # a neighbour by InfiniBand, say
        return None
