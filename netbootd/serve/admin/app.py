"""The admin site: ``/`` a page, ``/metrics``, ``/healthz``; the JSON API below ``/api/v1/`` is added by `api`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

from aiohttp import web

from netbootd.observe.events import Event
from netbootd.observe.metrics import Exposition
from netbootd.serve.admin.access import AccessServices, guard
from netbootd.serve.admin.problems import problems

_LARGEST = 256 * 1024  # bytes of a request's body

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


class AdminServices(AccessServices, Protocol):
    """What the admin site needs from the rest of netbootd."""

    def metrics(self) -> Exposition:
        """See `observe.metrics.Metrics.exposition`."""
        ...

    def status(self) -> Status:
        """From memory; never waits."""
        ...


def build_admin(services: AdminServices, emit: Callable[[Event], None] = lambda _event: None) -> web.Application:
    """The application to listen with, see `serve.http.server.start_http`."""
    app = web.Application(middlewares=[problems(emit), guard(services)], client_max_size=_LARGEST)
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
