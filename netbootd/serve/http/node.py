"""What was made for one machine: ``/node/{token}/{name}``, for whoever has the token out of its script; and where its
installer says how it went, ``/node/{token}/done`` and ``/node/{token}/failed``.

A token that is unknown or over and a name that does not go with it are answered as a missing file is, and so is a call
that nobody waits for.  No token is written down anywhere: events have its `label`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from netbootd.artifacts.tree import NotServed, Tree, Why
from netbootd.boot.plan import DONE, FAILED
from netbootd.serve import stock
from netbootd.serve.http import conditions, files
from netbootd.serve.http.errors import SERVER, TEXT, Refused
from netbootd.serve.http.files import SMALL, Content, Owner, serve
from netbootd.serve.http.forwarded import asker
from netbootd.serve.http.message import message
from netbootd.serve.http.services import Heard, NotNow
from netbootd.serve.http.streams import Stream, TooShort
from netbootd.serve.tokens import label
from netbootd.wire.segments import Segments

if TYPE_CHECKING:
    from netbootd.serve.http.services import BootServices


T = TypeVar("T")


async def document(
    request: web.Request, services: BootServices, token: str, segments: tuple[str, ...]
) -> web.StreamResponse:
    """Answer a request for a document.  Raises `Refused`."""
    name = "/".join(segments)
    granted = await _known(services.node.document(token, name, _ip(request, services)))
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
    mac = await _known(services.node.holder(token, _ip(request, services)))
    if mac is None:
        raise Refused(HTTPStatus.NOT_FOUND, Why.MISSING.value)
    return await files.artifact(request, services, segments, Owner(mac, f"node/{label(token)}/artifacts"))


def is_call(segments: tuple[str, ...]) -> bool:
    """Whether a path is one where installers call: the only ones that take a POST."""
    match stock.without_alias(segments):
        case ("node", _, "done" | "failed"):
            return True
    return False


async def call(
    request: web.Request, services: BootServices, token: str, done: bool, query: tuple[tuple[str, str], ...]
) -> web.Response:
    """An installer says how it went; answered when that is on disk.  A HEAD tells nothing.  Raises `Refused`."""
    may = await _known(services.node.calls(token, _ip(request, services)))
    heard = Heard.TAKEN if may else Heard.REFUSED
    if may and request.method != "HEAD":
        heard = await services.node.call(token, done, await message(request, query, services.stall_seconds))
    match heard:
        case Heard.REFUSED:
            raise Refused(HTTPStatus.NOT_FOUND, Why.MISSING.value)
        case Heard.NOT_WRITTEN:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, heard.value)
    headers = {"Content-Type": TEXT, "Cache-Control": "no-store", "Server": SERVER}
    return web.Response(headers=headers, body=f"{DONE if done else FAILED}\n".encode())


async def _known(found: Awaitable[T]) -> T:
    try:
        return await found
    except NotNow:
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "try again") from None


def _ip(request: web.Request, services: BootServices) -> str:
    return asker(request, services.trusted_proxies).ip


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
