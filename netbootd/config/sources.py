"""Profiles and machines, gathered from where they are written: in the settings file itself, or in files it names."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netbootd.config.problems import Place, Problems, said
from netbootd.config.yaml import Items, Table, line_of, read


@dataclass(frozen=True, slots=True)
class Entry:
    """One profile or machine as written."""

    name: str
    """A profile's name, "" for a machine."""
    table: Table
    place: Place

    @property
    def origin(self) -> str:
        return str(self.place)

    @property
    def machine(self) -> str:
        """Whom another is told of that claims what this machine has."""
        name = self.table.get("name")
        return f"{name} of {self.place}" if isinstance(name, str) else f"the machine at {self.place}"


def profiles(top: Table, default: str, base: Path | None, problems: Problems) -> Iterator[Entry]:
    """Every profile, in the order written."""
    for value, place in _written(top, "profiles", default, base, problems):
        if not isinstance(value, Table):
            problems.error(place, f"must hold profiles by name, not {said(value)}")
            continue
        for name, table in value.items():
            at = Place(value.file, value.lines[name], f"profiles.{name}")
            if isinstance(table, Table):
                yield Entry(name, table, at)
            else:
                problems.error(at, f"must be a table of keys and values, not {said(table)}")


def machines(top: Table, default: str, base: Path | None, problems: Problems) -> Iterator[Entry]:
    """Every machine, in the order written."""
    for value, place in _written(top, "machines", default, base, problems):
        if not isinstance(value, Items):
            problems.error(place, f"must hold a list of machines ('- mac: ...'), not {said(value)}")
            continue
        for number, table in enumerate(value):
            if isinstance(table, Table):
                called = table.get("name")
                key = f"machines.{called}" if isinstance(called, str) else f"machines[{number}]"
                yield Entry("", table, Place(value.file, value.lines[number], key))
            elif not isinstance(table, str):
                at = Place(value.file, value.lines[number], f"machines[{number}]")
                problems.error(at, f"must be a table of keys and values, not {said(table)}")


def _written(
    top: Table, section: str, default: str, base: Path | None, problems: Problems
) -> Iterator[tuple[Any, Place]]:
    """The section's values, one for each file it is spread over."""
    value = top.get(section)
    place = Place(top.file, line_of(top, (section,)), section)
    if value is None:
        patterns = [(default, place)] if base else []
    else:
        patterns = _patterns(value, place)
        if not isinstance(value, str) and not (isinstance(value, Items) and patterns and len(patterns) == len(value)):
            yield value, place
    for pattern, at in patterns:
        for path in _matching(pattern, base or Path(), value not in (None, default), at, problems):
            yield from _file(path, section, problems)


def _patterns(value: Any, place: Place) -> list[tuple[str, Place]]:
    match value:
        case str():
            return [(value, place)]
        case Items():
            return [
                (item, Place(value.file, line, f"{place.key}[{i}]"))
                for i, (item, line) in enumerate(zip(value, value.lines, strict=True))
                if isinstance(item, str)
            ]
    return []


def _matching(pattern: str, base: Path, asked: bool, place: Place, problems: Problems) -> list[Path]:
    # Path.glob takes no absolute pattern.
    found = [base / name for name in sorted(glob.glob(pattern, root_dir=base, recursive=True))]  # noqa: PTH207
    if not found and asked:
        if glob.has_magic(pattern):
            problems.warn(place, f"no file matches {pattern}")
        else:
            problems.error(place, f"there is no file {pattern}")
    return found


def _file(path: Path, section: str, problems: Problems) -> Iterator[tuple[Any, Place]]:
    value = read(path, problems)
    place = Place(str(path), line_of(value, ()))
    if isinstance(value, Table) and section in value:
        for other in value.keys() - {section}:
            at = Place(value.file, value.lines[other], other)
            problems.error(at, f"does not belong here: this file holds {section} alone")
        value = value[section]
    if value is not None:
        yield value, place
