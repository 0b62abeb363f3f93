"""What is wrong with the settings, collected so that one run tells everything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct, and where."""

    file: str
    line: int | None
    """Counted from 1."""
    key: str
    """``profiles.lab-eve.args.console``, "" for the file as a whole."""
    message: str
    severity: Literal["error", "warning", "info"] = "error"

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ConfigError(Exception):
    """The settings cannot be used; ``problems`` holds every error and warning found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(p) for p in problems if p.severity == "error"))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Place:
    """A key in a file."""

    file: str
    line: int | None
    key: str = ""

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


class Problems:
    """Collects problems, to tell them file by file and line by line."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def error(self, place: Place, message: str) -> None:
        self._found.append(Problem(place.file, place.line, place.key, message))

    def warn(self, place: Place, message: str) -> None:
        self._found.append(Problem(place.file, place.line, place.key, message, "warning"))

    def found(self) -> tuple[Problem, ...]:
        files = list(dict.fromkeys(p.file for p in self._found))
        return tuple(sorted(self._found, key=lambda p: (files.index(p.file), p.line or 0)))

    def warnings(self) -> tuple[Problem, ...]:
        return tuple(p for p in self.found() if p.severity == "warning")

    def raise_errors(self) -> None:
        """Raise `ConfigError` if there is any error."""
        if any(p.severity == "error" for p in self._found):
            raise ConfigError(self.found())


def suggest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?``, else what there is to choose from."""
    choices = tuple(known)
    close = get_close_matches(word.lower(), choices, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there is {listed(choices)}" if choices else "; there is none"


def listed(words: Iterable[str]) -> str:
    """``a, b and c``, shortened where it is long."""
    found = tuple(words)
    shown = found if len(found) <= 20 else (*found[:19], f"{len(found) - 19} more")
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part) if shown else "none"


def said(value: object) -> str:
    """A value as the file has it, shortened."""
    match value:
        case None:
            return "empty"
        case bool():
            return str(value).lower()
        case str():
            return repr(str(value) if len(value) <= 60 else value[:57] + "...")
        case dict():
            return "a table of keys"
        case list() | tuple():
            return "a list"
    return repr(value)
