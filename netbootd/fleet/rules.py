"""Rules give a machine nobody named a profile, by what it says of itself.  The first match wins."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from netbootd.boot.args import ArgSetting
from netbootd.boot.facts import Facts

FIELDS = ("mac", "uuid", "serial", "asset", "manufacturer", "product", "arch", "platform", "ip")
"""What a rule can look at; ``arch`` is iPXE's ``${buildarch}``."""


class Match(Enum):
    """How a rule stands to a machine."""

    YES = "matches"
    NO = "does not match"
    LATER = "may match once the machine's iPXE has said more"


@dataclass(frozen=True, slots=True)
class Condition:
    """One field against a shell pattern, or an address against a network; case does not matter."""

    field: str
    pattern: str

    def match(self, facts: Facts) -> Match:
        """Hold it against what is known so far."""
        value = getattr(facts, "buildarch" if self.field == "arch" else self.field)
        if value is None:
            return Match.LATER
        return Match.YES if _fits(self.field, str(value), self.pattern) else Match.NO


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions must hold."""

    conditions: tuple[Condition, ...]
    profile: str
    args: tuple[ArgSetting, ...] = ()
    origin: str = ""

    def match(self, facts: Facts) -> Match:
        """NO beats LATER beats YES."""
        found = {condition.match(facts) for condition in self.conditions}
        return Match.NO if Match.NO in found else Match.LATER if Match.LATER in found else Match.YES


def _fits(field: str, value: str, pattern: str) -> bool:
    if field == "ip" and "/" in pattern:
        return ipaddress.ip_address(value) in ipaddress.ip_network(pattern, strict=False)
    return fnmatchcase(value.lower(), pattern.lower())
