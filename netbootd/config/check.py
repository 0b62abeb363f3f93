"""Hold a table against a model, and say what is wrong in the file's own words."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from netbootd.config.problems import Place, Problems, said, suggest
from netbootd.config.yaml import Table, line_of

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


def checked(model: type[M], table: Table, key: str, problems: Problems) -> M | None:
    """``table`` as a ``model``, ``key`` leading to it ("" at the top).

    Every fault is reported; what comes back then is the model without the faulty keys, so that the rest can be looked
    at in the same run, or None if that is no model.
    """
    try:
        return model.model_validate(_filled(table))
    except ValidationError as error:
        faults = error.errors(include_url=False)
    for fault in faults:
        _report(fault, table, key, _names_at(model, fault["loc"]), problems)
    try:
        return model.model_validate(_filled(table.part(table.keys() - {fault["loc"][0] for fault in faults})))
    except ValidationError:
        return None


def checked_as(adapter: TypeAdapter[T], table: Table, key: str, known: tuple[str, ...], problems: Problems) -> T | None:
    """The same for a payload's own ``Settings``; ``known`` are all keys its profiles may have."""
    try:
        return adapter.validate_python(_filled(table))
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            _report(fault, table, key, known, problems)
    return None


def joined(key: str, path: tuple[str | int, ...]) -> str:
    """``profiles.lab-eve`` and ``("args", "console", 1)`` make ``profiles.lab-eve.args.console[1]``."""
    for step in path:
        key = f"{key}[{step}]" if isinstance(step, int) else f"{key}.{step}" if key else step
    return key


def _filled(table: Table) -> dict[str, Any]:
    """A key with nothing behind it leaves the default as it is."""
    return {k: _filled(v) if isinstance(v, Table) else v for k, v in table.items() if v is not None}


def _report(fault: ErrorDetails, table: Table, key: str, known: tuple[str, ...], problems: Problems) -> None:
    path = fault["loc"]
    place = Place(table.file, line_of(table, path), joined(key, path))
    problems.error(place, _worded(fault, known))


def _names_at(model: type[BaseModel], path: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys of the table that the last step of ``path`` stands in."""
    for step in path[:-1]:
        field = model.model_fields.get(str(step))
        kind: Any = field.annotation if field else None
        tables = [each for each in get_args(kind) or (kind,) if isinstance(each, type) and issubclass(each, BaseModel)]
        if not tables:
            return ()
        model = tables[0]
    return tuple(model.model_fields)


def _worded(fault: ErrorDetails, known: tuple[str, ...]) -> str:
    value = fault.get("input")
    context = fault.get("ctx", {})
    match fault["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"unknown key{suggest(str(fault['loc'][-1]), known)}"
        case "missing":
            return "is missing"
        case "value_error":
            return str(context["error"])
        case "literal_error" | "enum":
            return f"must be {context['expected']}, not {said(value)}"
        case "greater_than_equal" | "less_than_equal":
            return f"must be {'at least' if 'ge' in context else 'at most'} {context.get('ge', context.get('le'))}"
        case "string_too_short" | "string_too_long":
            return "must not be empty" if not value else f"is longer than {context['max_length']} characters"
    return f"{_KINDS.get(fault['type'], fault['msg'])}, not {said(value)}"


_KINDS = {
    "string_type": "must be text",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "model_type": "must be a table of keys and values",
    "dict_type": "must be a table of keys and values",
    "list_type": "must be a list",
    "tuple_type": "must be text or a list of texts",
}
