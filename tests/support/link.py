"""A network of two, in memory and in simulated time: it loses, doubles, delays and reorders, by a seed.

`run` moves datagrams between a `wire.transfer.Transfer` and a `tests.support.tftp_reader.Reader`; no socket, no clock.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netbootd.wire.transfer import Transfer
    from tests.support.tftp_reader import Reader

_FOREVER = 3_000_000  # datagrams; a transfer that needs more is going round in circles


@dataclass
class Link:
    """Each datagram is lost with probability ``loss``, sent twice with ``duplicate``, and arrives after ``latency`` to
    ``latency + delay`` seconds, so that it may overtake others."""

    seed: int = 0
    loss: float = 0.0
    duplicate: float = 0.0
    latency: float = 0.001
    delay: float = 0.0
    carried: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def arrivals(self, now: float) -> list[float]:
        """When the copies of a datagram sent now arrive: none, one or two times."""
        self.carried += 1
        if self._random.random() < self.loss:
            return []
        copies = 2 if self._random.random() < self.duplicate else 1
        return [now + self.latency + self._random.random() * self.delay for _ in range(copies)]


def run(transfer: Transfer, reader: Reader, link: Link, file: bytes | None = None, disk: float = 0.0015) -> float:
    """Drive both ends until both are done; return the simulated time.

    With ``file`` the transfer's reads (`Transfer.wants`) are answered from it, one at a time and after ``disk``
    seconds; without, all was provided before.
    """
    order = count()
    flying: list[tuple[float, int, str, bytes]] = []
    reading: tuple[int, int] | None = None
    now = transfer.started

    def launch(to: str, datagrams: list[bytes]) -> None:
        for datagram in datagrams:
            for when in link.arrivals(now):
                heapq.heappush(flying, (when, next(order), to, datagram))

    reader.datagrams(now)  # its request: it has arrived, since the transfer is there
    for _ in range(_FOREVER):
        if file is not None and reading is None and (reading := transfer.wants()) is not None:
            heapq.heappush(flying, (now + disk, next(order), "disk", file[reading[0] : sum(reading)]))
        launch("reader", transfer.datagrams(now))
        launch("server", reader.datagrams(now))
        if transfer.outcome is not None and reader.done:
            return now
        timers = [when for when in (transfer.deadline(), reader.deadline()) if when is not None]
        if flying and flying[0][0] <= min(timers, default=flying[0][0]):
            now, _, to, data = heapq.heappop(flying)
            if to == "disk" and reading is not None:
                transfer.provide(reading[0], data, now)
                reading = None
            else:
                (reader if to == "reader" else transfer).receive(data, now)
        elif timers:
            now = max(now, min(timers))
            transfer.expire(now)
            reader.expire(now)
        else:
            raise AssertionError(f"nothing left to happen: {transfer.outcome}, reader done: {reader.done}")
    raise AssertionError("the transfer never ends")
