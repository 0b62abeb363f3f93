"""The page at the admin address: the fleet, each machine with its boots as timelines, and what a newcomer does next.

HTML and SVG made here; a script of our own asks for the same page again when something happens, and without it
everything works as well.  Nothing comes from outside, and nothing that a machine says of itself is taken for markup.

services                what pages are made of
glance, rows            a machine in one row; those that are looked for
boots, timeline         a machine's boots; one as a picture
rehearsal               the script a machine would get, and whose each argument is
words                   times, sizes and stages
fleet, machine, login   the pages; changes go the same way as those of the API
render, errors          templates; what goes wrong
"""

from __future__ import annotations

from aiohttp import web

from netbootd.serve.admin.app import SESSIONS
from netbootd.serve.admin.overview import Overview
from netbootd.serve.admin.page.errors import said_on_pages
from netbootd.serve.admin.page.fleet import FleetPages
from netbootd.serve.admin.page.login import Login
from netbootd.serve.admin.page.machine import MachinePages
from netbootd.serve.admin.page.render import Pages, asset
from netbootd.serve.admin.page.services import Behind, PageServices
from netbootd.serve.admin.services import ApiServices

__all__ = ["PageServices", "add_page"]

_MACHINE = "/machines/{machine}"


def add_page(app: web.Application, api: ApiServices, daemon: PageServices, overview: Overview) -> None:
    """To the admin site, before it starts."""
    sessions = app[SESSIONS]
    pages = Pages(sessions, api.wall, lambda: daemon.trouble)
    behind = Behind(api, daemon, overview, pages)
    fleet, machine = FleetPages(behind), MachinePages(behind)
    login = Login(pages, sessions, lambda: daemon.token)
    app.middlewares.insert(1, said_on_pages(pages))  # after whatever tells of faults of ours, before who may ask
    app.router.add_routes(
        [
            web.get("/", fleet.fleet),
            web.get("/start", fleet.start),
            web.get("/profiles", fleet.profiles),
            web.get("/bundles", fleet.bundles),
            web.get(_MACHINE, machine.show),
            web.get(f"{_MACHINE}/install", machine.ask_install),
            web.post(f"{_MACHINE}/install", machine.install),
            web.get(f"{_MACHINE}/forget", machine.ask_forget),
            web.post(f"{_MACHINE}/forget", machine.forget),
            web.post(f"{_MACHINE}/approve", machine.approve),
            web.post(f"{_MACHINE}/local", machine.local),
            web.get("/login", login.show),
            web.post("/login", login.enter),
            web.post("/logout", login.leave),
            web.get("/static/page.css", asset("page.css", "text/css")),
            web.get("/static/icon.svg", asset("icon.svg", "image/svg+xml")),
            web.get("/static/page.js", asset("page.js", "text/javascript")),
        ]
    )
