"""The settings shown in README.md are ones netbootd takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netbootd.config import load

SHOWN = re.findall(r"```yaml\n(.*?)```", (Path(__file__).parents[2] / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("text", SHOWN, ids=[text.split("\n", 1)[0].strip("# ") for text in SHOWN])
def test_settings_in_the_readme_load_without_error_or_warning(tmp_path: Path, text: str) -> None:
    path = tmp_path / "netbootd.yaml"
    path.write_text(text)
    assert load(path).warnings == ()


def test_the_readme_shows_some() -> None:
    assert SHOWN
