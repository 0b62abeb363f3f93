"""Settings with what they name on disk, and every problem that ``netbootd check`` finds there."""

from __future__ import annotations

from netbootd.check import check
from netbootd.load import load_world
from tests.support.house import settings
from tests.support.settings import Files

PROFILES = """\
profiles:
  rescue: {payload: linux, kernel: kernel, args: {console: ttyS0}}
"""


def found(files: Files, more: str) -> list[str]:
    """Every problem as "weight: file:line: key: text", without the directory."""
    config = files.load(settings(files.directory, more))
    problems = check(config, load_world(config))
    return [f"{p.severity}: {p}".replace(f"{files.directory}/", "") for p in problems]
