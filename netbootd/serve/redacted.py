"""Tokens and secrets taken out of whatever a client has sent, before it is written down.

In time that grows with its length alone: anybody can send it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from netbootd.serve import stock
from netbootd.serve.tokens import label

_BETWEEN = re.compile(r"(/|%2f|\\|[?#])", re.IGNORECASE)
_TOKEN = 24
"""Characters of what could be one, a mistyped one too."""
_SECRET = 16
_SCHEMES = ("http:", "https:")


def without_token(target: str) -> str:
    """A request target, or a TFTP name, fit to be written down: a `label` stands for a token or a machine's secret,
    however it was spelled.

    A kernel may lie in a directory called boot, and its name is no secret.
    """
    parts = _BETWEEN.split(target)
    for place in _told_of(parts):
        parts[place] = label(parts[place])
    return "".join(parts)


def _told_of(parts: list[str]) -> Iterator[int]:
    """The places of tokens and secrets among the parts of a target."""
    places = [place for place in range(0, len(parts), 2) if unquote(parts[place]) not in ("", ".")]
    names = [unquote(parts[place]).lower() for place in places]
    roots = set(_roots(names))
    for number, name in enumerate(names[:-1]):
        own_url = number in roots or "".join(names[number + 2 : number + 3]).startswith("ipxe.cfg")
        least = {"node": _TOKEN, "boot": _SECRET if own_url else None}.get(name)
        if least is not None and len(parts[places[number + 1]]) >= least:
            yield places[number + 1]


def _roots(names: list[str]) -> Iterator[int]:
    """Where the path of a target begins, or that of a URL in it."""
    for start in (0, *(number + 2 for number, name in enumerate(names) if name in _SCHEMES)):
        yield start + (names[start : start + 1] == [stock.ALIAS])
