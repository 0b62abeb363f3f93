"""Errors of the admin side: of the API as problem details (RFC 9457), of the rest of the site as a line of text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from netbootd.observe.events import DaemonNotice, Event
from netbootd.wire.text import printable

_PREFIX = "/api/"
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Problem(Exception):
    """A request cannot be done; ``detail`` is one sentence for the person who asked."""

    def __init__(self, status: HTTPStatus, detail: str, headers: Mapping[str, str] = _NOTHING) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def problems(emit: Callable[[Event], None] = lambda _event: None) -> Middleware:
    """Whatever is wrong with a request is said in the form of its part of the site; a fault of ours is told."""

    @web.middleware
    async def told(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            return _answer(request, problem)
        except web.HTTPException as error:
            if not request.path.startswith(_PREFIX):
                raise
            return _answer(request, _of(request, error))
        except (ConnectionError, HttpProcessingError, ClientPayloadError):  # in the middle of its body
            return _answer(request, Problem(HTTPStatus.BAD_REQUEST, "the request broke off"))
        except Exception as error:
            where = printable(f"{request.method} {request.path}")
            emit(DaemonNotice(text=f"internal error, please report it: {where}: {error!r}", severity="error"))
            return _answer(request, Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of netbootd's own, see its log"))

    return told


def _of(request: web.Request, error: web.HTTPException) -> Problem:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(HTTPStatus(error.status), f"{request.method} is not for this; {allowed}", {"Allow": allowed})
    return Problem(HTTPStatus(error.status), f"{printable(request.path)}: {error.reason}")


def _answer(request: web.Request, problem: Problem) -> web.Response:
    if not request.path.startswith(_PREFIX):
        return web.Response(status=problem.status, text=f"{problem.detail}\n", headers=problem.headers)
    # s.4.2.1: with "about:blank" the title is the status code's phrase.
    status = problem.status
    said = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": problem.detail}
    headers = {"Content-Type": "application/problem+json", **problem.headers}
    return web.Response(status=status, body=json.dumps(said).encode(), headers=headers)
