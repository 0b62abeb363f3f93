"""The table of causes, and its use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netbootd.observe.diagnosis import files, fleet, ipxe, loader, offers, others, refused, script, system
from netbootd.observe.diagnosis.model import Case, Cause, Diagnosis, Row, Told
from netbootd.observe.diagnosis.story import Far, far


@dataclass(frozen=True, slots=True)
class Family:
    """Causes of one part of a boot; of each family the first row that the evidence is there for counts, so the more
    special ones stand first."""

    title: str
    rows: tuple[Row, ...]
    where: frozenset[Far]
    """How far boots came that they are about."""


def _family(title: str, rows: Iterable[Row], *where: Far) -> Family:
    return Family(title, tuple(rows), frozenset(where or Far))


_BEFORE = (*refused.ROWS, *others.ROWS, *offers.ROWS)
FAMILIES = (
    _family("The machine among others", fleet.ROWS),
    _family("Before the boot program", _BEFORE, Far.NOWHERE, Far.FIRMWARE),
    _family("The boot program", loader.ROWS, Far.LOADER),
    _family("iPXE", ipxe.ROWS, Far.FIRMWARE, Far.LOADER, Far.IPXE),
    _family("The script", script.ROWS, Far.SCRIPT),
    _family("The payload", (*files.ROWS, *system.ROWS), Far.SCRIPT, Far.FILE, Far.PAYLOAD),
)


def diagnose(case: Case) -> tuple[Diagnosis, ...]:
    """What is wrong with a boot, the worst first; nothing for one that is healthy, under way, or left to its disk."""
    came = far(case.attempt)
    hits = (_first(family.rows, case) for family in FAMILIES if came in family.where)
    return tuple(_diagnosis(*hit) for hit in hits if hit is not None)


def _first(rows: tuple[Row, ...], case: Case) -> tuple[Cause, Told] | None:
    return next(((row.cause, told) for row in rows if (told := row.find(case)) is not None), None)


def _diagnosis(cause: Cause, told: Told) -> Diagnosis:
    return Diagnosis(cause, told.sentence, told.advice, told.evidence, told.at)
