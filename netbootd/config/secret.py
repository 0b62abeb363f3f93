"""The secret that makes whoever has it one machine: read for each machine, never repeated in a problem."""

from __future__ import annotations

import hashlib
import re

from netbootd.config.problems import Place, Problems
from netbootd.config.sources import Entry
from netbootd.config.yaml import line_of
from netbootd.wire.mac import Mac

SHORTEST = 22
"""Characters: 128 bits of randomness take so many."""

_GRAMMAR = re.compile(rf"[A-Za-z0-9_-]{{{SHORTEST},128}}")
_FEWEST = 10  # different characters; of 22 at random there are fewer once in a hundred million


class Secrets:
    """Reads them, each for one machine alone."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._places: dict[str, Place] = {}

    def read(self, entry: Entry, *, only: bool) -> str | None:
        """The machine's secret; ``only`` says that it cannot do without."""
        value = entry.table.get("secret")
        place = Place(entry.table.file, line_of(entry.table, ("secret",)), f"{entry.place.key}.secret")
        if value is None:
            if only:
                self._problems.error(entry.place, "has only_by_secret and no 'secret'")
            return None
        if why := _fault(value):
            self._problems.error(place, f"{why}; one is made by: {FRESH}")
            return None
        first = self._places.setdefault(value, entry.place)
        if first is not entry.place:
            self._problems.error(place, f"is the secret of {first.key} too, at {first}")
        return str(value)


FRESH = "netbootd machines secret"
"""The command that makes one."""


def stand_in(name: str) -> Mac:
    """The address a machine without one is remembered by: made of its name, and no card's, being administered locally
    (IEEE 802, the second bit of the first octet)."""
    octets = bytearray(hashlib.sha256(b"netbootd " + name.encode()).digest()[:6])
    octets[0] = octets[0] & 0xFC | 0x02
    return Mac(bytes(octets))


def _fault(value: object) -> str:
    if not isinstance(value, str):
        return "must be text"
    if len(value) < SHORTEST:
        return f"has {len(value)} characters, and could be guessed: it takes {SHORTEST} at random"
    if not _GRAMMAR.fullmatch(value):
        return "may have letters, digits, '-' and '_', 128 at most, to stand in a URL"
    if len(set(value)) < _FEWEST:
        return "is no secret made at random"
    return ""
