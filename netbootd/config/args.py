"""Kernel arguments as a table has them: text, a list that repeats, true for a bare flag, false to take one away."""

from __future__ import annotations

import re
from typing import Any

from netbootd.boot.args import ArgSetting, Layer, misnamed, problem
from netbootd.config.problems import Place, Problems, said
from netbootd.config.yaml import Items, Table, Toggle, line_of

_TEMPLATE = re.compile(r"{[{%#]")


def read_args(table: Table, key: str, origin: str, layer: Layer, problems: Problems) -> tuple[ArgSetting, ...]:
    """The ``args`` of a profile, machine or rule; ``origin`` is what each of them will say it comes from."""
    raw = table.get("args")
    if raw is None:
        return ()
    place = Place(table.file, line_of(table, ("args",)), f"{key}.args")
    if not isinstance(raw, Table):
        problems.error(place, f"must be a table, such as {{console: ttyS0, quiet: true}}, not {said(raw)}")
        return ()
    return tuple(setting for name in raw if (setting := _setting(raw, name, place, origin, layer, problems)))


def _setting(raw: Table, name: str, place: Place, origin: str, layer: Layer, problems: Problems) -> ArgSetting | None:
    value = raw[name]
    setting = ArgSetting(name, _values(value), origin, layer)
    if why := _fault(name, value, setting):
        problems.error(Place(raw.file, line_of(raw, (name,)), f"{place.key}.{name}"), why)
        return None
    return setting


def _values(value: Any) -> tuple[str, ...] | None:
    match value:
        case False:
            return None
        case str():
            return (str(value),)
        case Items():
            return tuple(str(item) for item in value)
    return ()


def _fault(name: str, value: Any, setting: ArgSetting) -> str:
    if why := misnamed(name):
        return f"is {why}"
    match value:
        case None:
            return 'is empty; write true for a bare flag, "" for an empty value, false to take an inherited one away'
        case Table():
            return "must be text, a list of texts, true or false, not a table of keys"
        case Items() if not value:
            return "is an empty list; write false to take an inherited argument away"
    return next(
        (why for item in (value if isinstance(value, Items) else [value]) if (why := _misread(item, value))), ""
    )


def _misread(item: Any, whole: Any) -> str:
    match item:
        case bool() if item is whole:
            return ""
        case Toggle():
            return f'write "{item}" in quotes if the word is meant, else true or false'
        case str():
            return "" if _TEMPLATE.search(item) else problem(item)
    return f"must be a list of texts, and holds {said(item)}"
