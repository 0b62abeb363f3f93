"""How the fleet stands, as gauges: every value of a closed set is there, and what is over goes back to 0."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from netbootd.fleet.lifecycle import State
from netbootd.observe.diagnosis.model import Cause
from netbootd.observe.fleet_metrics import FleetMetrics


def values(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    samples = (each for family in registry.collect() for each in family.samples)
    return {(each.name, *each.labels.values()): each.value for each in samples}


def test_before_anything_is_known_all_is_nought() -> None:
    """A series that comes and goes cannot be told from a daemon that does."""
    registry = CollectorRegistry()
    FleetMetrics(registry)
    known = values(registry)
    assert set(known.values()) == {0.0}
    assert len(known) == len(State) + len(Cause) + 3


def test_a_cause_is_called_as_the_api_calls_it() -> None:
    registry = CollectorRegistry()
    FleetMetrics(registry).stands({State.ARMED: 3}, {Cause.TFTP_MTU: 2}, {"https": 1})
    known = values(registry)
    assert known["netbootd_machines", "armed"] == 3
    assert known["netbootd_machines_in_trouble", "tftp_mtu"] == 2
    assert known["netbootd_transfers_running", "https"] == 1


def test_what_is_over_is_not_told_again() -> None:
    registry = CollectorRegistry()
    fleet = FleetMetrics(registry)
    fleet.stands({State.ARMED: 3}, {Cause.TFTP_MTU: 2}, {"tftp": 1})
    fleet.stands({State.LOCAL: 3}, {}, {})
    known = values(registry)
    assert {key: value for key, value in known.items() if value} == {("netbootd_machines", "local"): 3}
