"""What several modules here need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres import Server, server


@pytest.fixture(scope="session")
def running_postgres() -> Iterator[Server]:
    """One server for all; a test that stops it starts it again."""
    with server() as running:
        yield running


@pytest.fixture
def postgres(running_postgres: Server) -> Iterator[Server]:
    """It, started whatever a test before did."""
    yield running_postgres
    running_postgres.start_again()
