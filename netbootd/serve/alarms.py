"""What is wrong with a machine's boot, told of its own accord: once, as soon as it is plain."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from netbootd.boot.rehearsal import rehearsed
from netbootd.observe.boots import mac_of
from netbootd.observe.diagnosis.model import Cause, Diagnosis
from netbootd.observe.events import DhcpSilent, Event, MachineTrouble
from netbootd.wire.mac import Mac

_ROOM = 4096  # machines that are looked at; anybody can make up a card
_AT_ONCE = 64  # of them in one look: some 10 ms, as packets wait
_TRIES = 64  # of them looked at for one that may go
_OVER = 1200.0  # seconds after its last word in which silence may yet turn out to be a trouble
_AGAIN = 60.0  # seconds before a trouble that went away is told a second time: a loop must not fill the log


@dataclass(slots=True)
class _Watched:
    heard: float
    machine: str
    cause: Cause | None = None
    """What is wrong now, and has been told."""
    last: Cause | None = None
    told: float = 0.0


class Alarms:
    """A sink for everything that happens to machines; `look` emits a `MachineTrouble` for each that has a new one.

    ``diagnosed`` is what is wrong with the machine that has a card, the worst first; ``known`` whether somebody knows
    the machine, which then makes room for no stranger; ``clock`` is monotonic seconds.
    """

    def __init__(
        self,
        diagnosed: Callable[[Mac], Sequence[Diagnosis]],
        emit: Callable[[Event], None],
        *,
        known: Callable[[Mac], bool] = lambda _mac: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._diagnosed = diagnosed
        self._emit = emit
        self._known = known
        self._clock = clock
        self._watched: dict[Mac, _Watched] = {}  # whose turn it is first

    def __call__(self, event: Event) -> None:
        mac = None if isinstance(event, MachineTrouble) or rehearsed(event.mac) else mac_of(event)
        if mac is None:
            return
        if (known := self._watched.get(mac)) is not None:
            known.heard, known.machine = self._clock(), event.machine or known.machine
        elif isinstance(event, DhcpSilent) and not event.client:
            pass  # every system that wants an address
        elif len(self._watched) < _ROOM or self._makes_room(mac):
            self._watched[mac] = _Watched(self._clock(), event.machine)

    def look(self) -> None:
        """Once in some seconds: each in its turn, a bounded number of them."""
        now = self._clock()
        for mac in tuple(islice(self._watched, _AT_ONCE)):
            one = self._watched.pop(mac)
            if now - one.heard <= _OVER:
                self._watched[mac] = one
                self._look_at(mac, one, now)

    def _makes_room(self, mac: Mac) -> bool:
        some = tuple(islice(self._watched, _TRIES))
        goes = next((each for each in some if not self._known(each)), some[0] if self._known(mac) else None)
        if goes is not None:
            del self._watched[goes]
        return goes is not None

    def _look_at(self, mac: Mac, one: _Watched, now: float) -> None:
        found = next(iter(self._diagnosed(mac)), None)
        before, one.cause = one.cause, found.cause if found else None
        if found is None or found.cause is before or (found.cause is one.last and now - one.told < _AGAIN):
            return
        one.last, one.told = found.cause, now
        self._emit(
            MachineTrouble(
                mac=str(mac),
                machine=one.machine,
                cause=found.cause.name.lower(),
                reason=found.sentence,
                advice=found.advice,
            )
        )
