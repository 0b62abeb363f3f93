"""``/metrics``: what happened, and how the fleet stands at that moment."""

from __future__ import annotations

import asyncio

from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from netbootd.net.tcp import bind_tcp
from netbootd.observe.events import TransferMoved
from netbootd.observe.metrics import Metrics
from netbootd.serve.admin.metrics import add_metrics
from netbootd.serve.admin.overview import Counts, Overview
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.http.server import start_http
from tests.support.crowd import STUCK, armed, crowd
from tests.support.fleet import Api, serving


async def scraped(site: Api) -> dict[tuple[str, ...], float]:
    """The gauges of the fleet, by their name and their one label."""
    reply = await site.ask("GET", "/metrics")
    assert reply.type.startswith("text/plain")
    samples = [each for family in text_string_to_metric_families(str(reply.body)) for each in family.samples]
    return {(each.name, *each.labels.values()): each.value for each in samples if len(each.labels) == 1}


def machines(gauges: dict[tuple[str, ...], float]) -> list[float]:
    return [value for (name, _), value in gauges.items() if name == "netbootd_machines"]


class Gated(Overview):
    """Counts once it may."""

    def __init__(self, services: ApiServices, gate: asyncio.Event) -> None:
        super().__init__(services)
        self.done, self.asked, self._gate = asyncio.Event(), 0, gate

    async def counts(self) -> Counts:
        self.asked += 1
        await self._gate.wait()
        try:
            return await super().counts()
        finally:
            self.done.set()


async def test_each_scrape_tells_how_the_fleet_stands_then() -> None:
    async with serving(await armed(crowd(1700000000.0, 40))) as site:
        before = await scraped(site)
        await site.ledger.disarm(STUCK, "ada", site.now)
        site.running(TransferMoved(file="a", via="http", sent=1, size=2, seconds=1.0, mac=str(STUCK)))
        after = await scraped(site)
    assert sum(machines(after)) == 46
    assert before["netbootd_machines", "local"] == 0
    assert after["netbootd_machines", "local"] == 1
    assert before["netbootd_machines_in_trouble", "file_stalled"] == 1
    assert (before["netbootd_transfers_running", "http"], after["netbootd_transfers_running", "http"]) == (0, 1)


async def test_a_scrape_does_not_wait_for_a_fleet_that_is_counted_for_long() -> None:
    """It tells what was counted last, and the next one what came of it; two that scrape at once count once."""
    site, gate = crowd(1700000000.0, 0), asyncio.Event()
    overview, metrics = Gated(site.services(), gate), Metrics()
    app = web.Application()
    add_metrics(app, metrics, overview, site.running, patience=0.01)
    server = await start_http(app, [bind_tcp("127.0.0.1", 0)], lambda event: None, grace=0)
    site.address = server.addresses[0]
    early = [await scraped(site), *await asyncio.gather(scraped(site), scraped(site))]
    gate.set()
    await overview.done.wait()
    late = await scraped(site)
    await server.stop()
    assert [sum(machines(each)) for each in early] == [0, 0, 0]
    assert sum(machines(late)) == 6
    assert overview.asked == 1


async def test_what_happened_is_in_it_too() -> None:
    async with serving(crowd(1700000000.0, 0)) as site:
        body = str((await site.ask("GET", "/metrics")).body)
    assert "# TYPE netbootd_http_sent_bytes_total counter" in body
