"""Golden files: what netbootd sends, kept as text to read in a review.

``pytest --update-golden`` writes them anew; the diff is then what to look at.

Property tests have no deadline, and may take long to find their data: nothing here depends on how busy the machine is.
``make quick`` tries a third of what ``make test`` does, and does not even import what it leaves out.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("netbootd", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("netbootd"), max_examples=30)
settings.load_profile("netbootd")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the files in tests/golden anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(name, text)``: the text is what ``tests/golden/name`` holds."""
    update: bool = request.config.getoption("--update-golden")

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"no {path.name}: run pytest --update-golden and read what it wrote"
        assert text == path.read_text()

    return check


_SLOW = {
    "test_api.py",
    "test_browser.py",
    "test_common.py",
    "test_database.py",
    "test_diagnosing.py",
    "test_evetest.py",
    "test_fetch.py",
    "test_grub.py",
    "test_healthy.py",
    "test_import_.py",
    "test_inside_iso.py",
    "test_kept.py",
    "test_leftovers.py",
    "test_lives_captures.py",
    "test_main.py",
    "test_memory_shared.py",
    "test_node.py",
    "test_otlp.py",
    "test_packaging.py",
    "test_postgresql.py",
    "test_progress_killed.py",
    "test_progress_lives.py",
    "test_pxe_port.py",
    "test_recipe.py",
    "test_run.py",
    "test_sharing.py",
    "test_statements.py",
    "test_store_shared.py",
    "test_tables.py",
    "test_together.py",
    "test_transfer.py",
    "test_watch.py",
}


def pytest_configure(config: pytest.Config) -> None:
    """Before any test is imported: what one says of its tries by itself stays."""
    if "not slow" in config.option.markexpr.split(" and "):
        settings.load_profile("quick")


_MARKED = re.compile(r"^pytestmark = \[?\s*pytest\.mark\.(\w+)", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Modules that ``-m 'not slow and not lab'`` would leave out once they were imported, scapy, playwright and all."""
    asked: list[str] = config.option.markexpr.split(" and ")
    if not all(each.startswith("not ") for each in asked) or not collection_path.name.startswith("test_"):
        return None
    marked = _MARKED.search(collection_path.read_text()) if collection_path.is_file() else None
    marks = {marked[1] if marked else "", "slow" if collection_path.name in _SLOW else ""}
    return True if any(f"not {mark}" in asked for mark in marks) else None


def pytest_collection() -> None:
    """All that is made now stays until the end: the garbage collector need not look at it again and again."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules of which single tests take seconds; before ``-m`` chooses."""
    for item in items:
        if item.path.name in _SLOW:
            item.add_marker(pytest.mark.slow)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Octets name no test: some hold the time (gzip's header), and xdist's workers must agree on names."""
    return argname if isinstance(val, bytes) and not val.isascii() else None
