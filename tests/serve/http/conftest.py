"""All of HTTP runs on both event loops: they differ in how a transport writes and who may watch its socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from netbootd.serve import pace
from tests.support.bootsite import Site, running


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Callable[[], object]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def tls() -> bool:
    """A module that is `tests.support.bootsite.BOTH_WAYS` has each of its tests by plain HTTP and by TLS."""
    return False


@pytest.fixture(autouse=True)
def _no_word_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a download takes here, what is told of it is its end."""
    monkeypatch.setattr(pace, "EVERY", 3600.0)


@pytest.fixture
async def site(tmp_path: Path, tls: bool) -> AsyncIterator[Site]:
    """A boot site on loopback over an empty directory of artifacts."""
    async with running(tmp_path, tls=tls) as site:
        yield site
