"""The API as its own description has it: schemathesis asks whatever the description allows, and what it does not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from netbootd.fleet.happening import Happening
from netbootd.fleet.record import Reached
from netbootd.serve.admin.api import ROOT, routes
from netbootd.serve.admin.openapi import openapi
from tests.support.fleet import STRANGER, Api, serving

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
LONG = settings(QUICK, max_examples=1500)


@contextmanager
def running(api: Api) -> Iterator[str]:
    """The site in a thread of its own, since schemathesis waits for each answer."""
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with serving(api):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait()
    try:
        yield "http://{}:{}".format(*api.address)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    api = Api()
    api.saw(STRANGER, serial="SN-7")
    api.attempts.happened(Happening(Reached.FIRMWARE, 1.0, STRANGER))
    with running(api) as url:
        yield url


# All but the stream, which never ends.
schema = schemathesis.openapi.from_dict(openapi(routes(Api().services()), "0")).exclude(path=f"{ROOT}/events")


@schema.parametrize()
@QUICK
def test_every_answer_is_one_that_is_described(case: schemathesis.Case[Any], url: str) -> None:
    checked(case, url)


@pytest.mark.soak
@schema.parametrize()
@LONG
def test_every_answer_is_one_that_is_described_at_length(case: schemathesis.Case[Any], url: str) -> None:
    checked(case, url)


def checked(case: schemathesis.Case[Any], url: str) -> None:
    """A text may follow its schema and still be nothing that can stand in a script: that is refused."""
    case.call_and_validate(base_url=url, timeout=60, excluded_checks=[schemathesis.checks.positive_data_acceptance])
