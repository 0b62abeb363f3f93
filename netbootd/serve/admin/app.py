"""The admin site: ``/healthz``; `api` adds the JSON API below ``/api/v1/``, `page` the page, `metrics` ``/metrics``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from aiohttp import web

from netbootd.observe.events import Event
from netbootd.serve.admin.access import AccessServices, guard
from netbootd.serve.admin.problems import problems
from netbootd.serve.admin.sessions import Sessions

_LARGEST = 256 * 1024  # bytes of a request's body

SESSIONS: Final = web.AppKey("sessions", Sessions)
"""Who is logged in to the page."""

# Everything the page needs comes from here, and nothing on it runs or paints but the two files it names.  A browser
# says where a form came from only if it may say so to this site itself (Referrer-Policy, Fetch standard 3.2).
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_SECURITY = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "netbootd",
}


class AdminServices(AccessServices, Protocol):
    """What the admin site needs from the rest of netbootd."""

    @property
    def trouble(self) -> str:
        """Why nothing can be recorded now; "" while it can."""
        ...


def build_admin(services: AdminServices, emit: Callable[[Event], None] = lambda _event: None) -> web.Application:
    """The application to listen with, see `serve.http.server.start_http`."""
    sessions = Sessions()
    app = web.Application(middlewares=[problems(emit), guard(services, sessions)], client_max_size=_LARGEST)
    app[SESSIONS] = sessions
    app.on_response_prepare.append(_harden)
    site = _AdminSite(services)
    app.router.add_get("/healthz", site.healthz)
    return app


async def _harden(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_SECURITY)


class _AdminSite:
    def __init__(self, services: AdminServices) -> None:
        self._services = services

    async def healthz(self, request: web.Request) -> web.Response:
        """It lives, and answers machines, also in trouble: to restart it would help nobody."""
        trouble = self._services.trouble
        return web.Response(text=f"degraded: {trouble}\n" if trouble else "ok\n")
