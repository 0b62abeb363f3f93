"""docs/diagnosis.md shows the table as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.observe.diagnosis.advice import USUAL, boot_options
from netbootd.observe.diagnosis.model import Row
from netbootd.observe.diagnosis.table import FAMILIES

DOCUMENT = Path(__file__).parents[3] / "docs" / "diagnosis.md"
MARK = "tests/observe/diagnosis/test_document.py -->\n"


def tables() -> str:
    return (
        "".join(
            f"\n## {family.title}\n\n| cause | evidence | what to do |\n|---|---|---|\n"
            + "".join(map(line, family.rows))
            for family in FAMILIES
        )
        + to_paste()
    )


def to_paste() -> str:
    lines = boot_options("192.0.2.10", USUAL, "http://192.0.2.10:8080/ipxe.cfg")
    return (
        "\n## Lines for the DHCP server\n\n"
        "For firmware that takes a boot file from nobody else; 192.0.2.10 stands for netbootd. A diagnosis has them\n"
        "with your own values. iPXE gets its script by them as well: with the boot program alone it would load itself\n"
        "again and again. BIOS machines take `undionly.kpxe` in place of `snponly.efi`.\n\n"
        f"```\n{lines}\n```\n"
    )


def line(row: Row) -> str:
    return f"| `{row.cause.name.lower()}`: {row.cause.value} | {row.looks} | {row.do} |\n"


def test_the_document_shows_every_cause(request: pytest.FixtureRequest) -> None:
    before, _, shown = DOCUMENT.read_text().partition(MARK)
    if request.config.getoption("--update-golden"):
        DOCUMENT.write_text(before + MARK + tables())
        return
    assert shown == tables(), "run pytest --update-golden for it, and read what it wrote"
