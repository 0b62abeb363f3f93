"""Where events go: completed with what is known of the machine, then to every sink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from netbootd.boot.rehearsal import rehearsed
from netbootd.observe.events import Event

Sink = Callable[[Event], None]
_DOCTOR = "doctor"  # what the cards are called that `netbootd doctor` asks by


class Hub:
    """Called with an event by every shell; ``who`` gives (mac, machine name) of an address, "" where unknown.

    ``faulty`` is told of a fault in a sink, once of each kind: no machine goes without an answer for it, nor another
    sink without the event.  Where nobody is to be told it is raised.
    """

    def __init__(
        self, who: Callable[[str, str], tuple[str, str]], faulty: Callable[[Exception], None] | None = None
    ) -> None:
        self._who = who
        self._faulty = faulty
        self._sinks: list[Sink] = []
        self._faults: set[tuple[Sink, type[Exception]]] = set()

    def add(self, sink: Sink) -> None:
        """Tell this sink of every later event, after those already added."""
        self._sinks.append(sink)

    def __call__(self, event: Event) -> None:
        if (event.ip or event.mac) and not (event.mac and event.machine):
            mac, machine = self._who(event.mac, event.ip)
            mac, machine = event.mac or mac, event.machine or machine
            event = replace(event, mac=mac, machine=_DOCTOR if rehearsed(mac) else machine)
        for sink in self._sinks:
            try:
                sink(event)
            except Exception as error:
                if self._faulty is None:
                    raise
                if (sink, type(error)) not in self._faults:
                    self._faults.add((sink, type(error)))
                    self._faulty(error)
