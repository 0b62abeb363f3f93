"""What the API answers: every word it may use is one that the rest of netbootd has, and times are ISO 8601."""

from __future__ import annotations

from enum import Enum
from types import NoneType
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from netbootd.boot.model import Boots
from netbootd.fleet.lifecycle import Confidence, Stage, State
from netbootd.fleet.merged import Origin
from netbootd.fleet.record import Outcome, Reached, Signal
from netbootd.serve.admin import shapes


def words(model: type[shapes.Shape], key: str) -> set[str]:
    """Those that a value may be, null aside."""
    found: set[str] = set()
    for each in get_args(model.model_fields[key].annotation):
        found |= {each} if isinstance(each, str) else set(get_args(each)) if each is not NoneType else set()
    return found


def names(kind: type[Enum]) -> set[str]:
    return {each.name.lower() for each in kind}


def values(kind: type[Enum]) -> set[Any]:
    return {each.value for each in kind}


@pytest.mark.parametrize(
    ("model", "key", "expected"),
    [
        (shapes.Machine, "state", values(State)),
        (shapes.Machine, "stage", names(Stage)),
        (shapes.Machine, "confidence", values(Confidence)),
        (shapes.Machine, "boots", values(Boots)),
        (shapes.Profile, "boots", values(Boots)),
        (shapes.Ended, "signal", names(Signal)),
        (shapes.Step, "stage", names(Reached)),
        (shapes.Boot, "outcome", names(Outcome)),
        (shapes.Origin, "origin", values(Origin)),
        (shapes.Argument, "origin", values(Origin)),
    ],
)
def test_each_word_stands_for_one_of_ours(model: type[shapes.Shape], key: str, expected: set[str]) -> None:
    assert words(model, key) == expected


def test_a_key_that_is_not_described_is_a_fault() -> None:
    with pytest.raises(ValidationError):
        shapes.Origin(origin="file", where="c.yaml:1", who="ada")  # type: ignore[call-arg]


def test_times_are_in_utc_to_the_second() -> None:
    assert shapes.moment(1700000000.9) == "2023-11-14T22:13:20+00:00"
    assert shapes.when(1700000000.0) == "2023-11-14T22:13:20+00:00"
    assert shapes.when(None) is None
    assert shapes.when(0.0) == "1970-01-01T00:00:00+00:00"
