"""The request target (RFC 9112 s.3.2), decoded exactly once.

Segments are split at ``/`` before they are decoded, so ``%2f`` can never make a new one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

from netbootd.serve.http.errors import Refused

_MAX_QUERY = 4096
_MAX_PAIRS = 64
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Target:
    """``segments`` of the path without empty ones: a URL put together from parts easily has ``//`` in it."""

    segments: tuple[str, ...]
    query: tuple[tuple[str, str], ...]


def parse(raw: str) -> Target:
    """Read a target in origin or absolute form as it came; raises `Refused` with 400 or 414."""
    raw = _ABSOLUTE.sub("", raw, count=1) if not raw.startswith("/") else raw
    path, _, query = raw.partition("#")[0].partition("?")
    if len(query) > _MAX_QUERY:
        raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, "query too long")
    # A file name is bytes: what is not UTF-8 stays what it was.
    segments = tuple(_decoded(part, "surrogateescape") for part in path.split("/") if part)
    return Target(segments, _pairs(query))


def _pairs(query: str) -> tuple[tuple[str, str], ...]:
    fields = [field for field in query.split("&") if field]
    if len(fields) > _MAX_PAIRS:
        raise Refused(HTTPStatus.REQUEST_URI_TOO_LONG, "too many query parameters")
    split = (field.partition("=") for field in fields)
    return tuple((_decoded(name, "replace"), _decoded(value, "replace")) for name, _, value in split)


def _decoded(text: str, errors: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    if _BAD_ESCAPE.search(raw):
        raise Refused(HTTPStatus.BAD_REQUEST, "bad percent escape")
    return _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), raw).decode("utf-8", errors)


def unmapped(address: str) -> str:
    """An IPv4 peer of a dual socket shows as ``::ffff:10.0.0.1``."""
    return address.removeprefix("::ffff:")
