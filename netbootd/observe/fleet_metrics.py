"""How the fleet stands, as gauges for Prometheus.  Their labels are closed sets, so each value is there, also at 0."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Gauge

from netbootd.fleet.lifecycle import State
from netbootd.observe.diagnosis.model import Cause

WAYS = ("tftp", "http", "https")


class FleetMetrics:
    """In ``registry``; told how things stand when somebody asks, see `stands`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._machines = Gauge("netbootd_machines", "Machines by state", ("state",), registry=registry)
        self._troubled = Gauge(
            "netbootd_machines_in_trouble",
            "Machines by the worst that is wrong with their latest boot",
            ("cause",),
            registry=registry,
        )
        self._running = Gauge(
            "netbootd_transfers_running",
            "Files on their way, of those that take longer than a second",
            ("via",),
            registry=registry,
        )
        self.stands({}, {}, {})

    def stands(self, states: Mapping[State, int], causes: Mapping[Cause, int], running: Mapping[str, int]) -> None:
        """So many machines are in each state, and in trouble for each cause; so many files go out each way."""
        for state in State:
            self._machines.labels(state.value).set(states.get(state, 0))
        for cause in Cause:
            self._troubled.labels(cause.name.lower()).set(causes.get(cause, 0))
        for via in WAYS:
            self._running.labels(via).set(running.get(via, 0))
