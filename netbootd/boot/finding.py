"""What is worth saying of what a machine is to boot, before it does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    ERROR = "error"
    """It is not booted like this."""
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence."""

    severity: Severity
    text: str
    key: str = ""
    """What it is about, as a key of the profile or the machine: ``args.console``, ``config``; "" for no single one."""
