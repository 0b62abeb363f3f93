"""What a probe says: what was tried, what came back, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """How it stands; only `FAIL` keeps a machine from booting."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Line:
    """One probe's result.  ``probe`` is its lasting name, for programs; ``todo`` is empty where nothing is wrong."""

    probe: str
    status: Status
    tried: str
    found: str
    todo: str = ""


def ok(probe: str, tried: str, found: str) -> Line:
    return Line(probe, Status.OK, tried, found)


def warn(probe: str, tried: str, found: str, todo: str) -> Line:
    """Something may go wrong, or goes wrong for somebody."""
    return Line(probe, Status.WARN, tried, found, todo)


def fail(probe: str, tried: str, found: str, todo: str) -> Line:
    """A machine would not boot."""
    return Line(probe, Status.FAIL, tried, found, todo)


def skipped(probe: str, tried: str, why: str, todo: str = "") -> Line:
    """It could not be found out."""
    return Line(probe, Status.SKIPPED, tried, why, todo)
