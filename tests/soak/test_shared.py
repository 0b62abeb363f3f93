"""Two hundred machines at once through two daemons on one PostgreSQL, killed at random moments."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import Server, server
from tests.support.storm import storm

pytestmark = pytest.mark.soak


@pytest.fixture
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.mark.parametrize("seed", range(3))
async def test_two_hundred_machines_install_once(tmp_path: Path, postgres: Server, seed: int) -> None:
    found = await storm(tmp_path, postgres, machines=200, kills=20, seed=seed)
    logging.getLogger(__name__).info(found.told())
    assert found.restarts == 1
