"""What was made for one machine: ``/node/{token}/{name}``, for whoever has the token out of its script.

A token that is unknown or over and a name that does not go with it are answered as a missing file is.  No token is
written down anywhere: events have its `label`.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from netbootd.artifacts.tree import NotServed, Tree, Why
from netbootd.serve import stock
from netbootd.serve.http import conditions, files
from netbootd.serve.http.errors import Refused
from netbootd.serve.http.files import SMALL, Content, Owner, serve
from netbootd.serve.http.streams import Stream, TooShort
from netbootd.serve.tokens import label
from netbootd.wire.segments import Segments

if TYPE_CHECKING:
    from netbootd.serve.http.services import BootServices

_SLASH = "(?:/|%2f)+"


def _room(name: str) -> str:
    return "".join(f"(?:{letter}|%{ord(letter):x})" for letter in name)


_TOKEN = re.compile(
    rf"({_SLASH}{_room('node')}{_SLASH})([^/?#]{{24,}})"
    rf"|((?:^|^http://[^/]*)(?:{_SLASH}{_room(stock.ALIAS)})?{_SLASH}{_room('boot')}{_SLASH})([^/?#]{{16,}})"
    rf"|({_SLASH}{_room('boot')}{_SLASH})([^/?#]{{16,}})(?={_SLASH}ipxe\.cfg)",
    re.IGNORECASE,
)
"""However it was spelled, and wherever in a target it stands: a token, or a machine's secret, mistyped ones too.

A kernel may lie in a directory called boot, and its name is no secret.
"""


async def document(
    request: web.Request, services: BootServices, token: str, segments: tuple[str, ...]
) -> web.StreamResponse:
    """Answer a request for a document.  Raises `Refused`."""
    name = "/".join(segments)
    granted = services.document(token, name)
    if granted is None or any("/" in segment for segment in segments):  # it came as %2f
        raise Refused(HTTPStatus.NOT_FOUND, Why.MISSING.value)
    content, tree = granted.document.content, services.artifacts()
    with await _opened(content, tree) as stream:
        etag = await asyncio.get_running_loop().run_in_executor(None, stream.etag)
        current = conditions.Current(content.length, etag, None)
        body = stream if stream.sources or content.length > SMALL else memoryview(content.joined())
        return await serve(request, services, Content(f"node/{label(token)}/{name}", current, body, granted.mac))


async def artifact(
    request: web.Request, services: BootServices, token: str, segments: tuple[str, ...]
) -> web.StreamResponse:
    """Answer a request for a file of the tree that counts for one machine alone.  Raises `Refused`."""
    mac = services.holder(token)
    if mac is None:
        raise Refused(HTTPStatus.NOT_FOUND, Why.MISSING.value)
    return await files.artifact(request, services, segments, Owner(mac, f"node/{label(token)}/artifacts"))


def without_token(target: str) -> str:
    """A request target fit to be written down."""
    return _TOKEN.sub(_labelled, target)


def _labelled(found: re.Match[str]) -> str:
    before, secret = (each for each in found.groups() if each is not None)
    return before + label(secret)


async def _opened(content: Segments, tree: Tree) -> Stream:
    try:
        return await asyncio.get_running_loop().run_in_executor(None, Stream.open, content, tree)
    except NotServed as error:
        why = error.reason.value
    except TooShort as error:
        why = str(error)
    except OSError as error:
        why = error.strerror or "cannot be read"
    raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, f"what it is made of cannot be read: {why}")
