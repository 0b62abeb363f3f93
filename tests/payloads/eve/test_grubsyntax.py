"""GRUB's script language, text to statements."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.payloads.eve.grubsyntax import (
    TEXT_LIMIT,
    Command,
    Function,
    If,
    Literal,
    MenuError,
    Script,
    Variable,
    Word,
    parse,
)


def word(text: str) -> Word:
    return Word((Literal(text),))


def command(*words: str) -> Command:
    return Command(tuple(map(word, words)))


def one(text: str) -> Word:
    """The one word of ``x WORD``."""
    (statement,) = parse(f"x {text}")
    assert isinstance(statement, Command)
    return statement.words[1]


def test_statements_end_at_lines_and_semicolons() -> None:
    assert parse("a b\nc; d;\n\n") == (command("a", "b"), command("c"), command("d"))


def test_a_comment_begins_where_a_word_could() -> None:
    assert parse("# all of it\na # the rest\nb#c d") == (command("a"), command("b#c", "d"))


def test_a_line_goes_on_behind_a_backslash() -> None:
    assert parse("a \\\n b") == (command("a", "b"),)


def test_windows_line_ends_are_blanks() -> None:
    assert parse("a b\r\nc\r\n") == (command("a", "b"), command("c"))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a$b", [Literal("a"), Variable("b")]),
        ("${b}c", [Variable("b"), Literal("c")]),
        ("$1$@$?", [Variable("1"), Variable("@"), Variable("?")]),
        ("'$b \\n'", [Literal("$b \\n", True)]),
        ('"a $b"', [Literal("", True), Literal("a ", True), Variable("b", True)]),
        ('"\\$\\"\\\\"', [Literal("", True), Literal("$", True), Literal('"', True), Literal("\\", True)]),
        ('"\\d"', [Literal("", True), Literal("\\", True), Literal("d", True)]),
        ("\\ x", [Literal(" ", True), Literal("x")]),
        ("set_${a}_$b", [Literal("set_"), Variable("a"), Literal("_"), Variable("b")]),
        ("''", [Literal("", True)]),
        ("(loop0)/x", [Literal("(loop0)/x")]),
    ],
)
def test_words_keep_their_pieces_and_how_they_were_quoted(text: str, pieces: list[Literal | Variable]) -> None:
    assert list(one(text).pieces) == pieces


def test_an_if_has_branches_and_an_otherwise() -> None:
    tree = parse("if a; then b; elif c\nthen d\nelse e\nfi")
    assert tree == (If((((command("a"),), (command("b"),)), ((command("c"),), (command("d"),))), (command("e"),)),)


def test_ifs_stand_in_one_another() -> None:
    (outer,) = parse("if a; then if b; then c; fi; fi")
    assert isinstance(outer, If)
    assert outer.branches[0][1] == (If((((command("b"),), (command("c"),)),), ()),)


def test_a_function_has_a_body() -> None:
    assert parse("function f {\n a\n}\n") == (Function("f", (command("a"),)),)


def test_a_menu_entry_is_a_command_with_a_block() -> None:
    body: Script = (command("linux", "x"),)
    assert parse("menuentry t --class os {\n linux x\n}") == (
        Command((word("menuentry"), word("t"), word("--class"), word("os")), body),
    )


def test_what_is_quoted_is_no_keyword() -> None:
    (statement,) = parse("'if' a")
    assert isinstance(statement, Command)


def test_a_keyword_in_the_middle_is_a_word() -> None:
    assert parse("echo if then fi") == (command("echo", "if", "then", "fi"),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("if a; then b", "without its 'fi'"),
        ("if a", "without its 'then'"),
        ("fi", "without its 'if'"),
        ("else", "without its 'if'"),
        ("function {", "without a name"),
        ("function f", "where a block should begin"),
        ("function f {", "without its '}'"),
        ("a }", "where none can stand"),
        ("{ a }", "without a command"),
        ("a 'b", "nothing closes"),
        ('a "b', "nothing closes"),
        ('a "b\\', "nothing closes"),
        ("a\\", "nothing closes"),
        ('a "b$"', "without a name"),
        ("a $", "without a name"),
        ("while true; do x; done", "'while', which is not known"),
        ("for a in b; do x; done", "'for', which is not known"),
        ("a && b", "'&', which is not known"),
        ("a | b", "'|', which is not known"),
        ("if a; then " * 100, "too deep"),
        ("x" * (TEXT_LIMIT + 1), "longer than a menu"),
    ],
)
def test_what_it_cannot_read_it_says(text: str, why: str) -> None:
    with pytest.raises(MenuError, match=why):
        parse(text)


FRAGMENTS = [
    "if ",
    "then ",
    "elif ",
    "fi\n",
    "function f ",
    "{ ",
    "}\n",
    "a",
    " ",
    ";",
    "\n",
    "'",
    '"',
    "$",
    "${a}",
    "\\",
]


@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=60).map("".join))
def test_whatever_the_text_only_the_declared_error_comes_out(text: str) -> None:
    with contextlib.suppress(MenuError):
        parse(text)
