"""What an installer says with its call, as hostile as the network: one printable line, out of a query or a body.

``wget --post-data`` and ``curl -d`` call every body a form, so what has no field ``message`` is taken as it is; the
same of JSON.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from netbootd.serve.http.errors import Refused
from netbootd.wire.text import printable

LONGEST = 300
"""Characters."""
_READ = 4096  # bytes of a body; who sends a whole log is heard with its beginning
_FIELD = "message"
_FIELDS = 64


async def message(request: web.Request, query: tuple[tuple[str, str], ...], patience: float) -> str:
    """The message of a call, "" where there is none; waits ``patience`` seconds for its body.  Raises `Refused`."""
    asked = next((value for name, value in query if name == _FIELD), "")
    body = await _body(request, patience)
    return line(asked) or line(in_body(request.content_type, body))


def in_body(content_type: str, body: bytes) -> str:
    """The field of a form or a JSON object, or else all of it."""
    text = body.decode("utf-8", "replace")
    try:
        match content_type:
            case "application/x-www-form-urlencoded":
                fields = dict(reversed(parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS)))
            case "application/json":
                fields = json.loads(text)
            case _:
                fields = {}
    except (ValueError, RecursionError):
        fields = {}
    found = fields.get(_FIELD) if isinstance(fields, dict) else None
    return found if isinstance(found, str) else text


def line(text: str) -> str:
    """In one line, cut to `LONGEST`."""
    return printable(" ".join(text.split()), LONGEST)


async def _body(request: web.Request, patience: float) -> bytes:
    read = b""
    try:
        async with asyncio.timeout(patience):
            while len(read) < _READ and (more := await request.content.read(_READ - len(read))):
                read += more
    except TimeoutError:
        raise Refused(HTTPStatus.REQUEST_TIMEOUT, "the message did not come") from None
    except (ConnectionError, HttpProcessingError, ClientPayloadError):
        raise Refused(HTTPStatus.BAD_REQUEST, "the message broke off") from None
    return read
