"""The boots of a machine, each as a picture, as a table of its steps, and with what is wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netbootd.fleet.record import Attempt, Step
from netbootd.observe.diagnosis.model import Diagnosis
from netbootd.serve.admin.overview import Overview
from netbootd.serve.admin.page.timeline import LONG, Chart, began, chart, ended, measure
from netbootd.serve.admin.page.words import span
from netbootd.serve.admin.roster import Seat


@dataclass(frozen=True, slots=True)
class Entry:
    """A step as a row of the table; ``stage`` "": silence, as long as ``measure`` says."""

    at: float
    after: float
    stage: str
    detail: str
    measure: str
    times: int
    trouble: bool


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot, its picture, and the same as a table."""

    attempt: Attempt
    chart: Chart
    entries: tuple[Entry, ...]
    troubles: tuple[Diagnosis, ...]


def boots_of(seat: Seat, overview: Overview, now: float) -> tuple[Boot, ...]:
    """The latest first, as they are ``now``: seconds since the epoch."""
    return tuple(
        Boot(each, chart(each, now), tuple(entries(each)), overview.troubles(seat, each))
        for each in overview.boots(seat)
    )


def entries(attempt: Attempt) -> Iterator[Entry]:
    """In the order in which things began, with the silence between them."""
    steps = sorted(attempt.steps, key=began)
    start = until = min((began(step) for step in steps), default=attempt.started)
    for step in steps:
        if (silent := began(step) - until) > LONG:
            yield Entry(until, until - start, "", "", span(silent), 1, False)
        yield _entry(step, start)
        until = max(until, ended(step))


def _entry(step: Step, start: float) -> Entry:
    detail = ", ".join(dict.fromkeys(filter(None, (step.file, step.detail))))
    return Entry(began(step), began(step) - start, step.stage.value, detail, measure(step), step.times, step.trouble)
