"""The steps of a boot, and what is on its way, as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable

from netbootd.fleet.record import Asked, Attempt, Step, Transfer
from netbootd.observe.diagnosis.model import Diagnosis
from netbootd.observe.running import Running
from netbootd.serve.admin import shapes
from netbootd.serve.admin.shapes import moment
from netbootd.wire.mac import Mac


def step_shape(step: Step, boot: Attempt) -> shapes.Step:
    """One thing that happened in this boot."""
    until = max(step.last, step.at)
    return shapes.Step(
        stage=step.stage.name.lower(),  # type: ignore[arg-type]
        at=moment(step.at),
        last=moment(until),
        after=round(step.at - boot.started, 3),
        until=round(until - boot.started, 3),
        times=step.times,
        bytes=step.bytes,
        detail=step.detail,
        trouble=step.trouble,
        file=step.file or None,
        reason=step.reason or None,
        asked=_asked(step.asked) if step.asked else None,
        transfer=_transfer(step, step.transfer) if step.transfer else None,
    )


def progress_shape(running: Running, macs: Iterable[Mac]) -> shapes.Progress | None:
    """What a machine with these cards fetches now."""
    moving = running.of(map(str, macs))
    if moving is None:
        return None
    return shapes.Progress(
        file=moving.file,
        via=moving.via,
        sent=moving.sent,
        size=moving.size,
        seconds=round(moving.seconds, 3),
        rate=round(moving.rate),
        quiet=round(running.quiet(moving), 1),
    )


def diagnosis_shape(found: Diagnosis) -> shapes.Diagnosis:
    """Why a boot stopped."""
    return shapes.Diagnosis(
        cause=found.cause.name.lower(),
        sentence=found.sentence,
        advice=found.advice,
        evidence=list(found.evidence),
        at=moment(found.at),
    )


def _asked(asked: Asked) -> shapes.Asked:
    return shapes.Asked(
        message=asked.message,
        port=asked.port,
        client=asked.client,
        arch=asked.arch or None,
        server=asked.server or None,
        offered=asked.offered or None,
    )


def _transfer(step: Step, moved: Transfer) -> shapes.Transfer:
    return shapes.Transfer(
        via=moved.via,
        size=moved.size,
        sent=moved.sent,
        seconds=round(moved.seconds, 3),
        rate=round(step.bytes / moved.seconds) if moved.seconds > 0 else 0,
        blksize=moved.blksize,
        windowsize=moved.windowsize,
        retransmits=moved.retransmits,
    )
