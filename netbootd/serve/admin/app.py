"""The admin site: ``/`` a page, ``/metrics``, ``/healthz``; ``/api/v1/`` is kept for the JSON API."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from netbootd.observe.metrics import Exposition

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Server": "netbootd",
}

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>:root{{color-scheme:light dark}}
body{{font:16px/1.5 system-ui,sans-serif;margin:3rem auto;max-width:40rem;padding:0 1rem}}
th,td{{padding:.1rem 1.5rem .1rem 0;text-align:left;font-weight:normal}}</style></head>
<body><h1>{title}</h1><p>Version {version}</p><table>{rows}</table>
<p><a href="/metrics">metrics</a></p></body></html>
"""
_ROW = "<tr><th scope=row>{}</th><td>{}</td></tr>"


@dataclass(frozen=True, slots=True)
class Status:
    """What the page shows: a title, the version, and labelled facts in order."""

    title: str
    version: str
    facts: Sequence[tuple[str, str]]


class AdminServices(Protocol):
    """What the admin site needs from the rest of netbootd."""

    @property
    def host_names(self) -> Sequence[str]:
        """Names, besides addresses and ``localhost``, by which this site may be asked for."""
        ...

    def metrics(self) -> Exposition:
        """See `observe.metrics.Metrics.exposition`."""
        ...

    def status(self) -> Status:
        """From memory; never waits."""
        ...


def build_admin(services: AdminServices) -> web.Application:
    """The application to listen with, see `serve.http.server.start_http`."""
    app = web.Application(middlewares=[_only_own_names(services)])
    app.on_response_prepare.append(_harden)
    site = _AdminSite(services)
    app.router.add_get("/", site.page)
    app.router.add_get("/metrics", site.metrics)
    app.router.add_get("/healthz", site.healthz)
    return app


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_SECURITY)


class _AdminSite:
    def __init__(self, services: AdminServices) -> None:
        self._services = services

    async def page(self, request: web.Request) -> web.Response:
        status = self._services.status()
        rows = "".join(_ROW.format(escape(name), escape(value)) for name, value in status.facts)
        text = _PAGE.format(title=escape(status.title), version=escape(status.version), rows=rows)
        return web.Response(text=text, content_type="text/html")

    async def metrics(self, request: web.Request) -> web.Response:
        exposed = self._services.metrics()
        return web.Response(body=exposed.body, headers={"Content-Type": exposed.content_type})

    async def healthz(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n")


def _only_own_names(services: AdminServices) -> Middleware:
    """Refuse a Host that is a foreign name.

    A web page elsewhere can point a name of its own at this address and have the admin's browser fetch from here as
    if it were the same site (DNS rebinding).  That takes a name: an address literal cannot be pointed anywhere.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _is_own(request.headers.get("Host", ""), services.host_names):
            text = "this is not a name of netbootd's admin site\n"
            return web.Response(status=HTTPStatus.MISDIRECTED_REQUEST, text=text)
        return await handler(request)

    return check


def _is_own(host: str, names: Sequence[str]) -> bool:
    name = _without_port(host).lower().rstrip(".")
    if name == "localhost" or name in (known.lower() for known in names):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
