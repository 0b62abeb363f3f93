"""YAML as it was meant: texts keep their spelling, keys keep their lines, and nothing is settled silently."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.config import yaml as module
from netbootd.config.problems import Problems
from netbootd.config.yaml import Toggle, line_of, read


@pytest.fixture(params=["libyaml", "python"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers of PyYAML: a wheel may come without libyaml."""
    if request.param == "python":
        monkeypatch.setattr(module, "_fast_loader", lambda: module._PythonLoader)


def value_of(tmp_path: Path, text: str | bytes) -> tuple[Any, list[str]]:
    """The value of a file, and what is wrong with it."""
    path = tmp_path / "f.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    problems = Problems()
    value = read(path, problems)
    return value, [str(problem).replace(str(path), "f") for problem in problems.found()]


@pytest.mark.parametrize(
    "text",
    ["52:54:00:12:34:56", "12:34:56:00:00:01", "0123", "0x1f", "1e5", "1_000", "2026-11-21", ".inf", "1.10", "=", "69"],
)
def test_what_yaml_1_1_takes_for_a_number_or_a_date_stays_as_it_is_written(tmp_path: Path, text: str) -> None:
    assert value_of(tmp_path, f"a: {text}\nb: [{text}]\nc: {{d: {text}}}") == (
        {"a": text, "b": [text], "c": {"d": text}},
        [],
    )


def test_only_true_false_and_null_are_more_than_text(tmp_path: Path) -> None:
    assert value_of(tmp_path, "[true, True, false, FALSE, null, ~, 'true', \"null\", '', tRUE, none]") == (
        [True, True, False, False, None, None, "true", "null", "", "tRUE", "none"],
        [],
    )


def test_a_block_of_text_is_text(tmp_path: Path) -> None:
    assert value_of(tmp_path, "a: |-\n  true\nb: >-\n  no\n  more\n") == ({"a": "true", "b": "no more"}, [])


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "No", "OFF"])
def test_a_bare_yes_or_no_is_known_from_a_quoted_one(tmp_path: Path, word: str) -> None:
    value, _ = value_of(tmp_path, f"bare: {word}\nquoted: '{word}'")
    assert value == {"bare": word, "quoted": word}
    assert isinstance(value["bare"], Toggle)
    assert not isinstance(value["quoted"], Toggle)


def test_a_key_given_twice_is_an_error_with_both_lines(tmp_path: Path) -> None:
    value, wrong = value_of(tmp_path, "a: 1\nb: {c: 1,\n  c: 2}\na: 3\n")
    assert value == {"a": "1", "b": {"c": "1"}}
    assert wrong == ["f:3: c: is given twice; the first is on line 2", "f:4: a: is given twice; the first is on line 1"]


def test_tables_and_lists_know_their_lines(tmp_path: Path) -> None:
    value, _ = value_of(tmp_path, "# first\na:\n  - x\n  - b: 1\n\n    c: 2\n")
    assert [line_of(value, path) for path in [("a",), ("a", 0), ("a", 1), ("a", 1, "b"), ("a", 1, "c")]] == [
        2,
        3,
        4,
        4,
        6,
    ]
    assert line_of(value, ("a", 1, "missing")) == 4, "the deepest part that was written down"
    assert line_of(value, ("a", 7, "x")) == 2
    assert line_of("text", ("a",), 9) == 9


def test_a_part_of_a_table_keeps_its_lines(tmp_path: Path) -> None:
    value, _ = value_of(tmp_path, "a: 1\nb: 2\nc: 3\n")
    part = value.part(["c", "b", "z"])
    assert (part, list(part), part.lines) == ({"b": "2", "c": "3"}, ["b", "c"], {"b": 2, "c": 3})


def test_an_anchor_can_be_merged_and_its_keys_overridden(tmp_path: Path) -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {c: 3}\none: {<<: *x, b: 4}\nboth: {<<: [*x, *y]}\n"
    value, wrong = value_of(tmp_path, text)
    assert (value["one"], value["both"], wrong) == ({"a": "1", "b": "4"}, {"a": "1", "b": "2", "c": "3"}, [])
    assert line_of(value, ("one", "a")) == 1, "where the key was written"


def test_merging_something_else_than_a_table_is_an_error(tmp_path: Path) -> None:
    assert value_of(tmp_path, "a: {<<: b}")[1] == ["f:1: <<: takes over a mapping, or a list of them"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a:\n\tb: 1\n", "f:2: is not YAML: column 1: .*a tab: YAML is indented with blanks"),
        ("a: b: c", "f:1: is not YAML: column 5: .*a value with ': ' in it wants quotes"),
        ("a: 'x\nb: 1\n", "f:3: is not YAML: column 1: while scanning a quoted scalar .*a quote is not closed"),
        ("a: *.example.net", "f:1: is not YAML: column 5: .*a value that begins with '\\*' wants quotes"),
        ("a: @x", "f:1: is not YAML: column 4: .*a value that begins with '@' wants quotes"),
        ("a: 1\n  b: 2\n", "f:2: is not YAML: column 4: .*or the indentation is off"),
        ("a: [1,\nb", "f:2: is not YAML: column 2: .*a bracket is not closed"),
        ("a: 1\n---\na: 2\n", "f:2: is not YAML: column 1: .*one document only"),
        ("a: {{ machine.mac }}", "f:1: a key must be a word; a value that begins with '{' or '\\[' wants quotes"),
        ("a: !vault x", "f:1: the tag !vault means nothing here; a value that begins with '!' wants quotes"),
        ("a: !!python/object/apply:os.system [x]", "f:1: the tag .*python.* means nothing here"),
        ("a: &a [*a]", "f:1: is nested too deep, or holds itself"),
        ('a: "b\\0c"', "f:1: holds a NUL, which no name or path can"),
        pytest.param("[" * 100_000, "f: is not YAML: nested too deep", id="deep brackets"),
        pytest.param("- " * 100_000, "f: is not YAML: nested too deep", id="deep dashes"),
        ("a: x\x01y", "f: is not YAML: unacceptable character #x0001"),
        (b"a: \xff", "f: is not UTF-8 text \\(octet 3\\)"),
    ],
)
def test_what_is_no_yaml_is_named_by_line_with_the_usual_cause(tmp_path: Path, text: str | bytes, told: str) -> None:
    _, wrong = value_of(tmp_path, text)
    assert len(wrong) == 1
    assert re.match(told, wrong[0]), wrong[0]


def test_a_file_may_begin_with_a_byte_order_mark_and_hold_any_script(tmp_path: Path) -> None:
    assert value_of(tmp_path, "\ufeffa: Gerät\n") == ({"a": "Gerät"}, [])


def test_nothing_but_comments_is_nothing(tmp_path: Path) -> None:
    assert value_of(tmp_path, "# nothing\n") == (None, [])


def test_a_directory_and_a_missing_file_are_told(tmp_path: Path) -> None:
    problems = Problems()
    assert read(tmp_path, problems) is None
    assert read(tmp_path / "no", problems) is None
    assert [problem.message for problem in problems.found()] == [
        "cannot be read: it is a directory",
        "cannot be read: No such file or directory",
    ]


@given(text=st.text(st.sampled_from("abc:-[]{}\n '\"#&*!|>%@,?\t<0"), max_size=60))
def test_any_text_is_a_value_or_a_named_problem(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    value, wrong = value_of(tmp_path_factory.getbasetemp(), text)
    assert value is not None or isinstance(wrong, list)


@given(
    st.recursive(
        st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=3),
        max_leaves=10,
    )
)
def test_what_json_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    """JSON is YAML, and its strings are quoted."""
    assert value_of(tmp_path_factory.getbasetemp(), json.dumps(value, ensure_ascii=False)) == (value, [])
