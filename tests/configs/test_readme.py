"""The settings shown in README.md and docs/ are ones netbootd takes, and what docs/ quotes is what the program has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netbootd.config import load
from netbootd.payloads.eve import direct
from netbootd.resources import payload_file

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SHOWN = [
    pytest.param(text, id=f"{page.name}: {text.splitlines()[0].strip('# ')}")
    for page in PAGES
    for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
]
CONFIG = ("nodes/common/server", "nodes/common/root-certificate.pem", "nodes/server-1.json")
"""Configuration files that settings on these pages name."""


@pytest.mark.parametrize("text", SHOWN)
def test_settings_shown_to_readers_load_without_error_or_warning(tmp_path: Path, text: str) -> None:
    for name in CONFIG:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    path = tmp_path / "netbootd.yaml"
    path.write_text(text)
    assert load(path).warnings == ()


@pytest.mark.parametrize("page", ["README.md", "eve.md"])
def test_pages_that_promise_settings_show_some(page: str) -> None:
    assert any(str(shown.id).startswith(page) for shown in SHOWN)


def test_the_init_that_runs_is_the_one_the_reader_was_shown() -> None:
    assert f"```sh\n{payload_file(direct.INIT).read_text()}```" in (ROOT / "docs" / "eve.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
