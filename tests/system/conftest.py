"""Fixtures of the system tests: namespaces to serve in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.namespace import LabError
from tests.support import places
from tests.support.house import furnished
from tests.support.places import Places


@pytest.fixture(scope="module")
def wired() -> Iterator[Places]:
    try:
        with places.places() as found:
            yield found
    except LabError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Where a daemon of a test's own lives."""
    return furnished(tmp_path)
