"""Machines that ask for an address as an ordinary system does, and not to boot from the network.

A sink for events, bounded.  It tells a machine that runs its own disk from one that is switched off.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from netbootd.boot.recent import Recent
from netbootd.boot.silence import Reason
from netbootd.observe.events import DhcpSilent, Event
from netbootd.wire.mac import Mac

_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Plain:
    """How often one card asked so, and when first and last; in seconds since the epoch."""

    first: float
    last: float
    times: int = 1
    words: str = ""
    """What it calls itself (option 60), as an event shows it."""


class PlainAsks:
    """``wall`` is seconds since the epoch."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._asked: Recent[str, Plain] = Recent(_LIMIT)

    def __call__(self, event: Event) -> None:
        """Take in what happened."""
        if not isinstance(event, DhcpSilent) or event.reason != Reason.NOT_NETBOOT.name or not event.mac:
            return
        now, known = self._wall(), self._asked.get(event.mac)
        asked = Plain(now, now) if known is None else replace(known, last=now, times=known.times + 1)
        self._asked.put(event.mac, replace(asked, words=event.detail))

    def of(self, mac: Mac) -> Plain | None:
        """This card's."""
        return self._asked.get(str(mac))
