"""Serial numbers that machines are given, for EVE and whatever else calls itself by one: no two machines share any.

Written as one of

    EDGE-0042                     this one, for one machine
    {{ machine.mac | hexhyp }}    a template, with what is known of the machine
    NODE-[0001-0999]              the next of a range: the first number says how many digits they all have

The next is the one after the highest that is in use, so that a number somebody's controller still has a record of is
not given out again before the range is through; then the lowest that is free.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

LONGEST = 64
"""Characters.  It becomes the name of a directory and the value of a HTTP header (EVE, X-Soft-Serial)."""

_SERIAL = re.compile(rf"[A-Za-z0-9][A-Za-z0-9.-]{{0,{LONGEST - 1}}}")
_RANGE = re.compile(r"([A-Za-z0-9.-]*)\[([0-9]{1,12})-([0-9]{1,12})\]([A-Za-z0-9.-]*)")


class BadSoftSerial(ValueError):
    """No soft serial can be made of this; says why in words."""


class Duplicate(ValueError):
    """Two machines claim one soft serial."""

    def __init__(self, serial: str, claimed_by: str, owner: str) -> None:
        super().__init__(f"the soft serial {serial} of {claimed_by} already belongs to {owner}")
        self.serial, self.claimed_by, self.owner = serial, claimed_by, owner


class Exhausted(ValueError):
    """All of a range is in use."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """This one."""

    serial: str


@dataclass(frozen=True, slots=True)
class Template:
    """What comes out for a machine."""

    text: str


@dataclass(frozen=True, slots=True)
class Range:
    """``first`` to ``last``, both in it, with at least ``digits`` digits."""

    prefix: str
    first: int
    last: int
    digits: int
    suffix: str = ""

    def __str__(self) -> str:
        return f"{self.prefix}[{self.first:0{self.digits}}-{self.last:0{self.digits}}]{self.suffix}"

    def serial(self, number: int) -> str:
        """The one with this number."""
        return f"{self.prefix}{number:0{self.digits}}{self.suffix}"

    def number(self, serial: str) -> int | None:
        """The number of one of this range, None for another; case does not matter."""
        text, prefix, suffix = serial.lower(), self.prefix.lower(), self.suffix.lower()
        if not text.startswith(prefix) or not text.endswith(suffix):
            return None
        digits = text[len(prefix) : len(text) - len(suffix)]
        if not digits.isascii() or not digits.isdigit() or self.serial(int(digits)).lower() != text:
            return None
        return int(digits) if self.first <= int(digits) <= self.last else None

    def following(self, used: Iterable[str]) -> str:
        """The next that is not in use.  Raises `Exhausted`."""
        free = next(self.free(used), None)
        if free is None:
            raise Exhausted(f"all {self.last - self.first + 1} soft serials of {self} are in use")
        return free

    def free(self, used: Iterable[str]) -> Iterator[str]:
        """All that are not in use, in the order they are given out."""
        taken = {number for serial in used if (number := self.number(serial)) is not None}
        after = max(taken, default=self.first - 1) + 1
        for numbers in (range(after, self.last + 1), range(self.first, min(after, self.last + 1))):
            yield from (self.serial(number) for number in numbers if number not in taken)


Rule = Fixed | Template | Range


def parse_rule(text: str) -> Rule:
    """Read what settings say.  Raises `BadSoftSerial`."""
    text = text.strip()
    if "{{" in text or "{%" in text:
        return Template(text)
    if "[" not in text and "]" not in text:
        return Fixed(checked(text))
    found = _RANGE.fullmatch(text)
    if not found:
        raise BadSoftSerial(f"{text[:80]!r} is no range: write it as NODE-[0001-0999], with one pair of brackets")
    prefix, first, last, suffix = found.groups()
    return _range(prefix, first, last, suffix)


def checked(serial: str) -> str:
    """As it may be used.  Raises `BadSoftSerial`."""
    if not _SERIAL.fullmatch(serial):
        reason = f"1 to {LONGEST} letters, digits, dots and hyphens, the first a letter or a digit"
        raise BadSoftSerial(f"{serial[:80]!r} is no soft serial: {reason}")
    return serial


def assigned(rule: Rule, machine: str, owners: Mapping[str, str], render: Callable[[str], str]) -> str:
    """The soft serial this machine gets.  ``owners`` names who has which, in lower case; ``render`` expands a
    template for the machine.  A number of the range that it has already stays.

    Raises `Duplicate`, `Exhausted`, `BadSoftSerial`.
    """
    match rule:
        case Range():
            own = (serial for serial, owner in owners.items() if owner == machine)
            kept = next((number for serial in own if (number := rule.number(serial)) is not None), None)
            return rule.following(owners) if kept is None else rule.serial(kept)
        case Fixed(serial):
            pass
        case Template(text):
            serial = checked(render(text))
    if (owner := owners.get(serial.lower(), machine)) != machine:
        raise Duplicate(serial, machine, owner)
    return serial


def duplicates(claims: Iterable[tuple[str, str]]) -> tuple[Duplicate, ...]:
    """Each (soft serial, machine) that another machine claimed before; case does not matter."""
    first: dict[str, str] = {}
    return tuple(
        Duplicate(serial, machine, owner)
        for serial, machine in claims
        if (owner := first.setdefault(serial.lower(), machine)) != machine
    )


def _range(prefix: str, first: str, last: str, suffix: str) -> Range:
    if len(first) != len(last) and ((first != "0" and first.startswith("0")) or last.startswith("0")):
        raise BadSoftSerial(f"[{first}-{last}]: with leading zeros both need as many digits")
    made = Range(prefix, int(first), int(last), len(first) if len(first) == len(last) else 1, suffix)
    if made.first > made.last:
        raise BadSoftSerial(f"[{first}-{last}] is empty: the first is above the last")
    checked(made.serial(made.first))
    checked(made.serial(made.last))
    return made
