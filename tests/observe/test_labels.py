"""How many values a label may have."""

from __future__ import annotations

from netbootd.observe.labels import MOST, OTHER, Labels


def test_what_comes_after_the_last_value_that_is_kept_is_another() -> None:
    labels = Labels()
    made_up = [labels.bounded("file", f"value-{number}")[0] for number in range(MOST + 10)]
    assert made_up[:MOST] == [f"value-{number}" for number in range(MOST)]
    assert set(made_up[MOST:]) == {OTHER}
    assert labels.bounded("file", "value-0") == ("value-0",)


def test_each_place_and_each_metric_has_room_of_its_own() -> None:
    labels = Labels()
    for number in range(MOST):
        labels.bounded("a", f"value-{number}", "same")
    assert labels.bounded("a", "new", "new") == (OTHER, "new")
    assert labels.bounded("b", "new") == ("new",)
