"""The whole admin site: all of it is there, it shows one fleet, and one guard stands before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from netbootd.net.tcp import bind_tcp
from netbootd.observe.metrics import Metrics
from netbootd.serve.admin.site import build_site
from netbootd.serve.http.server import start_http
from tests.support.fleet import Api

PARTS = ("/", "/api/v1/machines", "/api/v1/openapi.json", "/metrics")


@asynccontextmanager
async def served(api: Api) -> AsyncIterator[Api]:
    site = build_site(api, api.services(), Metrics(), patience=60.0)
    server = await start_http(site, [bind_tcp("127.0.0.1", 0)], api.emit, grace=0)
    api.address = server.addresses[0]
    yield api
    await server.stop()


async def test_page_api_and_metrics_show_the_same_fleet() -> None:
    async with served(Api()) as api:
        listed = (await api.ask("GET", "/api/v1/machines")).body
        metrics = str((await api.ask("GET", "/metrics")).body)
        page = str((await api.ask("GET", "/", Accept="text/html")).body)
    assert listed
    counted = sum(
        float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith("netbootd_machines{")
    )
    assert counted == len(listed)
    assert all(str(each["name"] or each["mac"]) in page for each in listed)


@pytest.mark.parametrize("target", PARTS)
async def test_who_comes_from_elsewhere_is_let_in_nowhere_without_the_token(target: str) -> None:
    token = "a-token-of-the-tests-that-is-long"
    async with served(Api(token=token)) as api:
        far = {"X_Forwarded_For": "192.0.2.9"}
        assert (await api.ask("GET", target, **far)).status == 401
        assert (await api.ask("GET", target, Authorization=f"Bearer {token}", **far)).status == 200
