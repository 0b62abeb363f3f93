"""Errors of the JSON API as problem details (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

_PREFIX = "/api/"


class Problem(Exception):
    """A request cannot be done; ``detail`` is one sentence for the person who asked."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever is wrong with a request to the API is said in the one form; the rest of the site is left alone."""
    if not request.path.startswith(_PREFIX):
        return await handler(request)
    try:
        return await handler(request)
    except Problem as problem:
        return _answer(problem.status, problem.detail)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        return _answer(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.method} is not for this; {allowed}", Allow=allowed)
    except web.HTTPException as error:
        return _answer(HTTPStatus(error.status), f"{request.path}: {error.reason}")


def _answer(status: HTTPStatus, detail: str, **headers: str) -> web.Response:
    """s.4.2.1: with "about:blank" the title is the status code's phrase."""
    said = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    body = json.dumps(said).encode()
    return web.Response(status=status, body=body, headers={"Content-Type": "application/problem+json", **headers})
