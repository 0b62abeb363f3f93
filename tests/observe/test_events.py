"""Events are the documented list of log events: what holds for each of them, and for text from the wire."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path

import pytest

from netbootd.observe import events
from netbootd.observe.events import Event

PACKAGE = Path(events.__file__).parents[1]
EVERY_EVENT = [each for each in vars(events).values() if isinstance(each, type) and issubclass(each, Event)]


def test_each_event_has_a_stable_name_of_its_own() -> None:
    names = [each.name for each in EVERY_EVENT]
    assert len(set(names)) == len(names)
    assert [name for name in names if name != "event" and not re.fullmatch(r"[a-z]+\.[a-z]+", name)] == []


@pytest.mark.parametrize("kind", EVERY_EVENT)
def test_an_event_is_a_frozen_value_whose_docstring_says_when_it_happens(kind: type[Event]) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(kind)
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")


def test_each_event_is_emitted_by_some_shell() -> None:
    """A name in the documented list that nothing ever says is a promise nobody keeps."""
    shells = [path for path in PACKAGE.rglob("*.py") if path.parent.name != "observe"]
    calls = [
        node.func for path in shells for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    ]
    emitted = {called.id for called in calls if isinstance(called, ast.Name)}
    assert {kind.__name__ for kind in EVERY_EVENT if kind is not Event} <= emitted


@pytest.mark.parametrize("kind", EVERY_EVENT)
def test_no_field_takes_a_name_that_a_log_line_has_already(kind: type[Event]) -> None:
    fields = {field.name for field in dataclasses.fields(kind)}
    assert not fields & {"event", "level", "time", "sentence", "repeated", "lines", "banner", "source"}
