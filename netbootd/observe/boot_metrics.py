"""Boots counted for Prometheus: how far they came, how long that took, and what became of them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from netbootd.fleet.record import Attempt, Outcome, Step
from netbootd.observe.labels import Labels

_SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200)
NOBODY = "none"
"""The label of a boot whose architecture, or profile, is not known."""


class BootMetrics:
    """In ``registry``; fed with each change of a boot, see `took`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._labels = Labels()
        self._begun = Counter("netbootd_boots_begun", "Boots that began", ("arch",), registry=registry)
        self._stages = Counter(
            "netbootd_boot_stages", "Boots that came to a stage", ("stage", "arch", "profile"), registry=registry
        )
        self._times = Histogram(
            "netbootd_boot_stage_seconds",
            "Time from the first packet of a boot until it came to a stage",
            ("stage", "arch"),
            buckets=_SECONDS,
            registry=registry,
        )
        self._outcomes = Counter(
            "netbootd_boot_outcomes",
            "What became of boots; one that installs is first given its payload, then installed or failed",
            ("outcome", "arch", "profile"),
            registry=registry,
        )
        self._troubles = Counter(
            "netbootd_boot_troubles", "What went wrong in boots, by stage", ("stage", "reason"), registry=registry
        )

    def took(self, before: Attempt | None, after: Attempt) -> None:
        """A boot is as ``after`` now; None: it has just begun."""
        arch = _arch(after)
        if before is None:
            self._begun.labels(*self._labels.bounded("begun", arch)).inc()
        self._count_steps(before.steps if before else (), after, arch)
        if after.outcome is not (before.outcome if before else Outcome.RUNNING):
            values = (after.outcome.name.lower(), arch, after.profile or NOBODY)
            self._outcomes.labels(*self._labels.bounded("outcome", *values)).inc()

    def _count_steps(self, old: tuple[Step, ...], after: Attempt, arch: str) -> None:
        """Steps are added, or said again in their place; an installer's lines make room for their like alone."""
        for step in after.steps[len(old) :]:
            stage = step.stage.name.lower()
            if step.trouble:
                self._troubles.labels(*self._labels.bounded("trouble", stage, step.reason or NOBODY)).inc()
            elif not any(other.stage is step.stage and not other.trouble for other in old):
                labels = self._labels.bounded("stage", stage, arch, after.profile or NOBODY)
                self._stages.labels(*labels).inc()
                self._times.labels(*labels[:2]).observe(max(0.0, step.at - after.started))


def _arch(attempt: Attempt) -> str:
    """What its firmware said; a boot that began with a URL said nothing."""
    return next((step.asked.arch for step in attempt.steps if step.asked and step.asked.arch), NOBODY)
