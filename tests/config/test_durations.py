"""A time as people write it, and nothing that could be read as another."""

from __future__ import annotations

import pytest

from netbootd.config.durations import duration, written


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), ("30d", 30 * 86400)]
)
def test_a_number_is_seconds_and_a_letter_says_otherwise(text: str, seconds: int) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("value", ["", "0", "0m", "31d", "1.5h", "2 h", "2H", "030m", "-1", "h", "1h30m", True, None])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        duration(value)


@pytest.mark.parametrize("text", ["90s", "30m", "2h", "1d", "25h"])
def test_it_is_written_back_as_it_was(text: str) -> None:
    assert written(duration(text)) == text
