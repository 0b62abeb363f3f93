"""Boots as metrics: each stage once, however often it is said again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from netbootd.fleet.record import Asked, Attempt, Outcome, Reached, Step
from netbootd.observe.boot_metrics import BootMetrics
from netbootd.wire.mac import Mac

ASKED = Asked("DISCOVER", 67, "x86-64 UEFI PXE", "x86-64 UEFI")
FIRMWARE = Step(Reached.FIRMWARE, 1000.0, last=1000.0, asked=ASKED)
LOADER = Step(Reached.LOADER, 1004.0, bytes=1 << 20, last=1004.0)
SCRIPT = Step(Reached.SCRIPT, 1010.0, last=1010.0)
BEGUN = Attempt("b1", "r1", Mac.parse("52:54:00:12:34:56"), 1000.0, 1000.0, steps=(FIRMWARE,))


class Boots:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = BootMetrics(self.registry)
        self.last: Attempt | None = None

    def take(self, attempt: Attempt) -> None:
        self.metrics.took(self.last, attempt)
        self.last = attempt

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"netbootd_{name}", labels)


@pytest.fixture
def boots() -> Boots:
    return Boots()


def test_a_stage_counts_when_it_is_reached_and_its_time_is_that_since_the_first_packet(boots: Boots) -> None:
    boots.take(BEGUN)
    boots.take(replace(BEGUN, steps=(FIRMWARE, LOADER)))
    boots.take(replace(BEGUN, steps=(FIRMWARE, LOADER, SCRIPT), profile="lab-eve"))
    assert boots.value("boots_begun_total", arch="x86-64 UEFI") == 1
    assert boots.value("boot_stages_total", stage="loader", arch="x86-64 UEFI", profile="none") == 1
    assert boots.value("boot_stages_total", stage="script", arch="x86-64 UEFI", profile="lab-eve") == 1
    assert boots.value("boot_stage_seconds_sum", stage="loader", arch="x86-64 UEFI") == 4
    assert boots.value("boot_stage_seconds_sum", stage="script", arch="x86-64 UEFI") == 10
    assert boots.value("boot_stage_seconds_bucket", stage="loader", arch="x86-64 UEFI", le="5.0") == 1


def test_what_is_said_again_counts_no_second_time(boots: Boots) -> None:
    boots.take(BEGUN)
    boots.take(replace(BEGUN, steps=(replace(FIRMWARE, last=1008.0, times=3),)))
    boots.take(replace(BEGUN, steps=(replace(FIRMWARE, last=1008.0, times=3), replace(FIRMWARE, at=1070.0))))
    assert boots.value("boot_stages_total", stage="firmware", arch="x86-64 UEFI", profile="none") == 1


def test_trouble_is_no_stage_that_was_reached(boots: Boots) -> None:
    boots.take(BEGUN)
    refused = Step(Reached.LOADER, 1004.0, last=1004.0, trouble=True, reason="tftp-refused")
    boots.take(replace(BEGUN, steps=(FIRMWARE, refused)))
    assert boots.value("boot_stages_total", stage="loader", arch="x86-64 UEFI", profile="none") is None
    assert boots.value("boot_troubles_total", stage="loader", reason="tftp-refused") == 1
    boots.take(replace(BEGUN, steps=(FIRMWARE, refused, LOADER)))
    assert boots.value("boot_stages_total", stage="loader", arch="x86-64 UEFI", profile="none") == 1


def test_what_became_of_it_counts_each_time_that_changes(boots: Boots) -> None:
    boots.take(BEGUN)
    given = replace(BEGUN, outcome=Outcome.PAYLOAD, profile="lab-eve")
    for attempt in (given, given, replace(given, outcome=Outcome.INSTALLED)):
        boots.take(attempt)
    for outcome, count in (("payload", 1), ("installed", 1), ("running", None)):
        assert boots.value("boot_outcomes_total", outcome=outcome, arch="x86-64 UEFI", profile="lab-eve") == count


def test_a_boot_that_began_with_a_url_has_no_architecture(boots: Boots) -> None:
    boots.take(replace(BEGUN, steps=(SCRIPT,)))
    assert boots.value("boots_begun_total", arch="none") == 1
