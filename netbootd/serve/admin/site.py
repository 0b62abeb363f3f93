"""The whole admin site: the API, the page over it and the metrics, behind one guard."""

from __future__ import annotations

from aiohttp import web

from netbootd.observe.metrics import Metrics
from netbootd.serve.admin.api import add_api
from netbootd.serve.admin.app import build_admin
from netbootd.serve.admin.metrics import PATIENCE, add_metrics
from netbootd.serve.admin.overview import Overview
from netbootd.serve.admin.page import PageServices, add_page
from netbootd.serve.admin.services import ApiServices


def build_site(
    daemon: PageServices, services: ApiServices, metrics: Metrics, *, patience: float = PATIENCE
) -> web.Application:
    """The application to listen with.  ``patience``: see `metrics.PATIENCE`."""
    site, overview = build_admin(daemon, services.emit), Overview(services)
    add_api(site, services)
    add_page(site, services, daemon, overview)
    add_metrics(site, metrics, overview, services.running, patience)
    return site
