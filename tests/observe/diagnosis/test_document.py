"""docs/diagnosis.md shows the table as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.observe.diagnosis.model import Row
from netbootd.observe.diagnosis.table import FAMILIES

DOCUMENT = Path(__file__).parents[3] / "docs" / "diagnosis.md"
MARK = "tests/observe/diagnosis/test_document.py -->\n"


def tables() -> str:
    return "".join(
        f"\n## {family.title}\n\n| cause | evidence | what to do |\n|---|---|---|\n" + "".join(map(line, family.rows))
        for family in FAMILIES
    )


def line(row: Row) -> str:
    return f"| `{row.cause.name.lower()}`: {row.cause.value} | {row.looks} | {row.do} |\n"


def test_the_document_shows_every_cause(request: pytest.FixtureRequest) -> None:
    before, _, shown = DOCUMENT.read_text().partition(MARK)
    if request.config.getoption("--update-golden"):
        DOCUMENT.write_text(before + MARK + tables())
        return
    assert shown == tables(), "run pytest --update-golden for it, and read what it wrote"
