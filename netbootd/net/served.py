"""The interfaces that are served, kept true as they come and go."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network

from netbootd.net.interfaces import Interface, NoSuchInterface, list_interfaces, usable

_LOOK_AGAIN = 1.0  # seconds; how often at most the interfaces are listed anew for a packet from an unknown one


class Interfaces:
    """Those of these names, or with None all that `usable` finds.  Raises `NoSuchInterface` for a name that is none.

    ``look`` lists what there is, ``clock`` is monotonic seconds.
    """

    def __init__(
        self,
        wanted: tuple[str, ...] | None,
        *,
        look: Callable[[], tuple[Interface, ...]] = list_interfaces,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted = wanted
        self._list = look
        self._clock = clock
        self._looked = clock()
        self.served = self._look()

    def name(self, ifindex: int) -> str | None:
        """The interface of this index, if it is served.  A new one is noticed when its first packet comes."""
        found = self._find(ifindex) or self._find_again(ifindex)
        return found.name if found else None

    def owns(self, ifindex: int, address: str) -> bool:
        """Whether this is an address of that interface.  It may have got it since we looked."""
        return _has(self._find(ifindex), address) or _has(self._find_again(ifindex), address)

    def nearest(self, ip: str) -> str:
        """The address by which a machine with this one reaches us: the one in its subnet, else the first there is."""
        ours = [address for each in self.served for address in each.addresses]
        with suppress(ValueError):  # "", and what is no IPv4 address
            machine = IPv4Address(ip)
            ours.sort(key=lambda each: machine not in IPv4Network(f"{each}", strict=False))
        return next((each.ip for each in ours), "127.0.0.1")

    def _find(self, ifindex: int) -> Interface | None:
        return next((each for each in self.served if each.index == ifindex), None)

    def _find_again(self, ifindex: int) -> Interface | None:
        """The same after another look, which packets cannot cause too often."""
        if self._clock() - self._looked > _LOOK_AGAIN:
            self._looked = self._clock()
            with suppress(NoSuchInterface):  # one that was named went away: the others are served as before
                self.served = self._look()
        return self._find(ifindex)

    def _look(self) -> tuple[Interface, ...]:
        return usable(self._list(), self._wanted or "auto")


def _has(interface: Interface | None, address: str) -> bool:
    return interface is not None and any(each.ip == address for each in interface.addresses)
