"""Two daemons share one fleet: killed again and again, and their database restarted, they install everybody once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import Server, server
from tests.support.storm import storm

pytestmark = pytest.mark.system


@pytest.fixture
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


async def test_forty_machines_install_once_through_two_daemons_that_are_killed(
    tmp_path: Path, postgres: Server
) -> None:
    found = await storm(tmp_path, postgres, machines=40, kills=6, seed=4)
    logging.getLogger(__name__).info(found.told())
    assert found.restarts == 1
    assert sum(daemon.lives for daemon in found.daemons) >= 8
