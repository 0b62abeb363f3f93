"""What the documents of a machine were made of: enough to make the very same again after a restart, and no secret.

It is kept as JSON.  Whoever reads it expects anything of it: another netbootd may have written it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from netbootd.boot.facts import Facts, parse_facts
from netbootd.chain.scripts import Loader


class BadRecipe(ValueError):
    """It is not one."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A machine's request for its script, and what was known of it."""

    facts: Facts
    local: str = ""
    """The address it was asked at."""
    base_url: str | None = None
    """How the client calls this site, where a proxy told."""
    loader: Loader = Loader.IPXE
    choice: str | None = None
    by_secret: bool = False
    """It came by its secret."""


def recipe_text(recipe: Recipe) -> str:
    """As `read_recipe` reads it."""
    said = {f.name: str(value) for f in fields(Facts) if (value := getattr(recipe.facts, f.name)) is not None}
    body = {
        "facts": said,
        "local": recipe.local,
        "base_url": recipe.base_url,
        "loader": recipe.loader.value,
        "choice": recipe.choice,
        "by_secret": recipe.by_secret,
    }
    return json.dumps({key: value for key, value in body.items() if value}, ensure_ascii=True)


def read_recipe(text: str) -> Recipe:
    """Raises `BadRecipe`."""
    try:
        body = json.loads(text)
        facts, refused = parse_facts(tuple(_texts(body.get("facts", {})).items()))
        if refused:
            raise BadRecipe(f"{refused[0].field}: {refused[0].reason}")
        return Recipe(
            facts,
            _text(body.get("local", "")),
            _text_or_none(body.get("base_url")),
            Loader(body.get("loader")),
            _text_or_none(body.get("choice")),
            body.get("by_secret") is True,
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadRecipe(str(error)) from error


def _texts(value: Any) -> dict[str, str]:
    return {_text(key): _text(each) for key, each in value.items()}


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadRecipe(f"{value!r} is no text")
    return value
