"""Kernel arguments as the API is told them: text, a list that repeats, true for a bare flag, false to take one away."""

from __future__ import annotations

from http import HTTPStatus

from netbootd.boot.args import ArgSetting, Layer, misnamed, problem
from netbootd.serve.admin.asked import ArgumentValue
from netbootd.serve.admin.problems import Problem
from netbootd.wire.text import printable


def setting(key: str, value: ArgumentValue, by: str) -> ArgSetting:
    """One of them, set by somebody.  Raises `Problem`."""
    values: tuple[str, ...] | None
    match value:
        case False:
            values = None
        case True:
            values = ()
        case str():
            values = (value,)
        case list():
            values = tuple(value)
    if why := misnamed(key):
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body: {printable(key, 60)!r} is {why}")
    for text in values or ():
        if why := problem(text):
            raise Problem(HTTPStatus.BAD_REQUEST, f"the body: args.{printable(key, 60)}: {why}")
    return ArgSetting(key, values, by, Layer.MACHINE)


def patched(
    before: tuple[ArgSetting, ...], said: dict[str, ArgumentValue | None] | None, by: str
) -> tuple[ArgSetting, ...]:
    """RFC 7396: null takes a key away, and null for all of them takes all away."""
    if said is None:
        return ()
    kept = {each.key: each for each in before if each.key not in said}
    return (*kept.values(), *(setting(key, value, by) for key, value in said.items() if value is not None))
