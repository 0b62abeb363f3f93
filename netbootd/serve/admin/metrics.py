"""``/metrics``: what is counted as it happens, and with it how the fleet stands at that moment."""

from __future__ import annotations

import asyncio

from aiohttp import web

from netbootd.observe.metrics import Metrics
from netbootd.observe.running import Running
from netbootd.serve.admin.overview import Counts, Overview

PATIENCE = 3.0
"""Seconds that a scrape waits for a large fleet to be counted, which goes in small turns between packets; then it tells
what was counted last.  Prometheus gives up after 10."""


def add_metrics(
    app: web.Application, metrics: Metrics, overview: Overview, running: Running, patience: float = PATIENCE
) -> None:
    """To the admin site, before it starts."""
    scrape = _Scrape(metrics, overview, running, patience)
    app.router.add_get("/metrics", scrape.scraped)


class _Scrape:
    def __init__(self, metrics: Metrics, overview: Overview, running: Running, patience: float) -> None:
        self._metrics = metrics
        self._overview = overview
        self._running = running
        self._patience = patience
        self._counting: asyncio.Task[Counts] | None = None
        self._counts = Counts.none()

    async def scraped(self, _request: web.Request) -> web.Response:
        if self._counting is None:
            self._counting = asyncio.create_task(self._overview.counts())
        done, _ = await asyncio.wait({self._counting}, timeout=self._patience)
        if self._counting in done:
            self._counting = None
        for each in done:
            self._counts = each.result()
        self._metrics.fleet.stands(self._counts.states, self._counts.causes, self._running.ways())
        exposed = self._metrics.exposition()
        return web.Response(body=exposed.body, headers={"Content-Type": exposed.content_type})
