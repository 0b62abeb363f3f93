"""Who may ask the admin side, and for what.

    from                                        asks with
    ------------------------------------------  -----------------------------------------------------------------
    a Unix socket, or a loopback address        nothing, but by a name of ours at an address (see `own_name`), and not
                                                through a proxy, which would bring in others
    anywhere else, or through a proxy           ``Authorization: Bearer TOKEN`` (RFC 6750); a browser with the cookie it
                                                was given for that token (`sessions`), which changes nothing by the API

A change by the API needs ``Content-Type: application/json`` besides, which a form on a web page elsewhere cannot send,
and a script there only after a question that is not answered here; or no body, and no browser.  A change
by the page needs a form of its own.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from netbootd.serve.admin.problems import Problem
from netbootd.serve.admin.sessions import Sessions
from netbootd.serve.admin.token_file import same

_READING = ("GET", "HEAD", "OPTIONS", "TRACE")
_API = "/api/"
_OPEN = (
    "/healthz",
    "/login",
    "/static/page.css",
    "/static/page.js",
    "/static/icon.svg",
)  # they tell nothing of the fleet
_BY_BROWSERS = ("Origin", "Sec-Fetch-Site", "Referer")  # each of them sends at least one with a request that changes
_BY_PROXIES = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class AccessServices(Protocol):
    """What this needs from the rest of netbootd."""

    @property
    def host_names(self) -> Sequence[str]:
        """Names, besides addresses and ``localhost``, by which this site may be asked for."""
        ...

    @property
    def token(self) -> str | None:
        """None: nobody but this machine may ask."""
        ...


def guard(services: AccessServices, sessions: Sessions) -> Middleware:
    """Refuse who may not ask, before anything else is looked at."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        reading, api = request.method in _READING, request.path.startswith(_API)
        logged_in = (reading or not api) and sessions.known(request)
        if not logged_in and not _has_token(request, services.token):
            host = request.headers.get("Host", "")
            if is_near(request) and not _by_unix(request) and not own_name(host, services.host_names):
                raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "this is not a name of netbootd's admin site")
            if not is_near(request) and request.path not in _OPEN:
                raise Problem(
                    HTTPStatus.UNAUTHORIZED, _refusal(request, services.token), {"WWW-Authenticate": "Bearer"}
                )
        if request.match_info.http_exception is None and not reading:
            if not api:
                await sessions.check(request, is_near(request))
            elif request.content_type != "application/json" and not _bare(request):
                raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a change needs Content-Type: application/json")
        return await handler(request)

    return check


def is_near(request: web.Request) -> bool:
    """Whether a program on this machine asks for itself.

    The address of a TCP connection that is over already is not known; only the socket's family tells a Unix socket.
    """
    if any(name in request.headers for name in _BY_PROXIES):
        return False
    if _by_unix(request):
        return True
    try:
        address = ipaddress.ip_address((request.remote or "").partition("%")[0].removeprefix("::ffff:"))
    except ValueError:
        return False
    return address.is_loopback


def _by_unix(request: web.Request) -> bool:
    """No web page leads there, whatever name it is called by."""
    sock = request.get_extra_info("socket")
    return sock is not None and sock.family == socket.AF_UNIX


def own_name(host: str, names: Sequence[str]) -> bool:
    """Whether a Host is an address, or a name of ours.

    A web page elsewhere can point a name of its own at this address and have the admin's browser fetch from here as
    if it were the same site (DNS rebinding).  That takes a name: an address literal cannot be pointed anywhere.
    """
    name = _without_port(host).lower().rstrip(".")
    if name == "localhost" or name in (known.lower() for known in names):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _bare(request: web.Request) -> bool:
    """As ``curl -X POST`` sends it."""
    said = any(name in request.headers for name in ("Content-Type", *_BY_BROWSERS))
    return not said and not request.body_exists


def _has_token(request: web.Request, token: str | None) -> bool:
    scheme, _, said = request.headers.get("Authorization", "").partition(" ")
    return token is not None and scheme.lower() == "bearer" and same(said.strip(), token)


def _refusal(request: web.Request, token: str | None) -> str:
    if token is None:
        return "only programs on the machine netbootd runs on may ask here"
    if "Authorization" in request.headers:
        return "this is not the token: it is in the file that admin.token_file names, on the machine netbootd runs on"
    return "ask with the header 'Authorization: Bearer TOKEN'; the token is in the file that admin.token_file names"


def _without_port(host: str) -> str:
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        return name if not rest or rest.startswith(":") else ""
    return host.partition(":")[0]
