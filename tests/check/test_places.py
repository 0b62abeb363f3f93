"""Where a problem is said to be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.check.places import of_profile, place
from tests.support.worlds import linux


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("netbootd.yaml:12", ("netbootd.yaml", 12)),
        ("lab/a:b.yaml:3", ("lab/a:b.yaml", 3)),
        ("the API (ada)", ("the API (ada)", None)),
        ("", ("settings", None)),
    ],
)
def test_a_place_is_a_file_and_a_line_or_whoever_said_it(origin: str, told: tuple[str, int | None]) -> None:
    assert place(origin) == told


def test_what_a_profile_says_stands_at_its_own_line() -> None:
    problem = of_profile(replace(linux(), origin="netbootd.yaml:5"), "no such file")
    assert str(problem) == "netbootd.yaml:5: profiles.rescue: no such file"
    assert problem.severity == "error"
