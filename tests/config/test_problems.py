"""How a mistake is told."""

from __future__ import annotations

import pytest

from netbootd.config.problems import ConfigError, Place, Problem, Problems, listed, said, suggest


def test_a_problem_reads_as_place_key_and_reason() -> None:
    assert str(Problem("a.yaml", 12, "tftp.port", "is too large")) == "a.yaml:12: tftp.port: is too large"
    assert str(Problem("a.yaml", None, "", "cannot be read")) == "a.yaml: cannot be read"


def test_problems_are_told_file_by_file_and_line_by_line() -> None:
    problems = Problems()
    problems.error(Place("b", 9), "third")
    problems.error(Place("a", 1), "fourth")
    problems.warn(Place("b", 2), "second")
    problems.error(Place("b", None), "first")
    assert [problem.message for problem in problems.found()] == ["first", "second", "third", "fourth"]


def test_errors_raise_with_the_warnings_beside_them_and_warnings_alone_do_not() -> None:
    problems = Problems()
    problems.warn(Place("a", 1, "k"), "odd")
    problems.raise_errors()
    problems.error(Place("a", 2, "k"), "wrong")
    with pytest.raises(ConfigError) as caught:
        problems.raise_errors()
    assert str(caught.value) == "a:2: k: wrong"
    assert [problem.severity for problem in caught.value.problems] == ["warning", "error"]
    assert [problem.message for problem in problems.warnings()] == ["odd"]


@pytest.mark.parametrize(
    ("word", "known", "told"),
    [
        ("bundel", ["bundle", "kernel"], "; did you mean 'bundle'?"),
        ("Kernel", ["bundle", "kernel"], "; did you mean 'kernel'?"),
        ("zzz", ["bundle", "kernel"], "; there is bundle and kernel"),
        ("zzz", [], "; there is none"),
    ],
)
def test_a_suggestion_is_the_nearest_word_or_all_there_are(word: str, known: list[str], told: str) -> None:
    assert suggest(word, known) == told


def test_a_long_list_is_cut() -> None:
    assert listed(["a"]) == "a"
    assert listed(map(str, range(25))).endswith("17, 18 and 6 more")


def test_values_are_shown_as_the_file_has_them() -> None:
    values: list[object] = [None, True, "x", "y" * 80, {}, []]
    assert [said(value) for value in values] == [
        "empty",
        "true",
        "'x'",
        repr("y" * 57 + "..."),
        "a table of keys",
        "a list",
    ]
