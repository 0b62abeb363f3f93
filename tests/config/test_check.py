"""A table against a model: every fault at once, with its line, and what is left to go on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field, TypeAdapter

from netbootd.config.check import checked, checked_as, joined
from netbootd.config.models import Closed
from netbootd.config.problems import Problems
from netbootd.config.yaml import Table, read


class Inner(Closed):
    size: Annotated[int, Field(ge=1, le=9)] = 5


class Outer(Closed):
    name: str
    kind: Literal["a", "b"] = "a"
    inner: Inner = Inner()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Own:
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    path: Annotated[str, Field(max_length=3)]


def table(tmp_path: Path, text: str) -> Table:
    path = tmp_path / "t"
    path.write_text(text)
    value = read(path, Problems())
    assert isinstance(value, Table)
    return value


def test_a_table_that_fits_becomes_the_model_and_empty_keys_keep_their_defaults(tmp_path: Path) -> None:
    problems = Problems()
    assert checked(Outer, table(tmp_path, "name: n\nkind:\ninner: {size: }\n"), "", problems) == Outer(name="n")
    assert problems.found() == ()


def test_every_fault_is_told_with_its_line_and_the_rest_is_kept(tmp_path: Path) -> None:
    problems = Problems()
    text = "name: n\nkind: c\ninner:\n  size: 10\n  sise: 1\nparts:\n  - x\n  - {}\nmore: 1\n"
    assert checked(Outer, table(tmp_path, text), "outer", problems) == Outer(name="n")
    assert [(problem.line, problem.key, problem.message) for problem in problems.found()] == [
        (2, "outer.kind", "must be 'a' or 'b', not 'c'"),
        (4, "outer.inner.size", "must be at most 9"),
        (5, "outer.inner.sise", "unknown key; did you mean 'size'?"),
        (8, "outer.parts[1]", "must be text, not a table of keys"),
        (9, "outer.more", "unknown key; there is name, kind, inner and parts"),
    ]


def test_without_a_key_it_must_have_there_is_no_model(tmp_path: Path) -> None:
    problems = Problems()
    assert checked(Outer, table(tmp_path, "\nkind: b\n"), "outer", problems) is None
    assert [(problem.line, problem.key, problem.message) for problem in problems.found()] == [
        (2, "outer.name", "is missing")
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("path: abcd", "is longer than 3 characters"),
        ("path: a\npaht: b", "unknown key; did you mean 'path'?"),
    ],
)
def test_a_payload_s_own_settings_are_held_against_its_dataclass(tmp_path: Path, text: str, told: str) -> None:
    problems = Problems()
    assert checked_as(TypeAdapter(Own), table(tmp_path, text), "p", ("path",), problems) is None
    assert [problem.message for problem in problems.found()] == [told]


def test_a_key_s_path_reads_as_one_writes_it() -> None:
    assert joined("profiles.p", ("args", "console", 1)) == "profiles.p.args.console[1]"
    assert joined("", ("tftp", "port")) == "tftp.port"
    assert joined("rules[0]", ()) == "rules[0]"
