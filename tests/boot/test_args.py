"""Kernel arguments: layers merge key by key, each value is checked, each argument knows where it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.args import Arg, ArgError, ArgSetting, Layer, command_line, expand, merge, problem
from tests.support.worlds import args


def as_is(text: str, _where: str) -> str:
    return text


def line(*layers: tuple[ArgSetting, ...]) -> str:
    return command_line(expand(merge(*layers), as_is))


def test_a_later_layer_wins_key_by_key_and_the_place_stays() -> None:
    profile = args("profile", console="ttyS0", quiet=True, root="/dev/a")
    machine = args("machine", root="/dev/b", console="tty0", extra="1")

    assert line(profile, machine) == "console=tty0 quiet root=/dev/b extra=1"


def test_each_argument_says_which_layer_it_came_from() -> None:
    merged = merge(args("profile", a="1", b="1"), args("rule", b="2", c="2"), args("machine", c="3"))

    assert [(s.key, s.origin) for s in merged] == [("a", "profile"), ("b", "rule"), ("c", "machine")]
    assert [arg.origin for arg in expand(merged, as_is)] == ["profile", "rule", "machine"]


def test_false_takes_an_inherited_argument_away() -> None:
    assert line(args(quiet=True, a="1"), args(quiet=False)) == "a=1"
    assert line(args(gone=False)) == ""


def test_what_was_taken_away_can_come_back() -> None:
    assert line(args(a="1"), args(a=False), args(a="2")) == "a=2"


def test_a_list_repeats_the_argument_and_replaces_an_inherited_list_whole() -> None:
    assert line(args(console=["tty0", "ttyS0,115200"])) == "console=tty0 console=ttyS0,115200"
    assert line(args(console=["tty0", "ttyS0"]), args(console="hvc0")) == "console=hvc0"


def test_true_is_a_bare_flag_and_an_empty_text_is_not() -> None:
    assert line(args(quiet=True, init="")) == "quiet init="


def test_a_value_with_blanks_is_quoted_as_the_kernel_reads_it() -> None:
    assert line(args(dyndbg="file a.c +p")) == 'dyndbg="file a.c +p"'


def test_a_loader_that_quotes_by_itself_gets_the_bare_word() -> None:
    """GRUB puts quotes around a word with blanks and escapes those it finds (lib/cmdline.c)."""
    words = [arg.word for arg in expand(args(dyndbg="file a.c +p", quiet=True), as_is)]

    assert words == ["dyndbg=file a.c +p", "quiet"]


def test_only_texts_with_a_brace_are_rendered() -> None:
    rendered = expand(args(a="{{ x }}", b="plain"), lambda text, where: f"<{where}>" if text != "plain" else "no")

    assert command_line(rendered) == 'a="<argument a of profile>" b=plain'


@pytest.mark.parametrize("key", ["", "-x", "a b", "a=b", "a\n", "${net0/mac}", "ä", "#a", "||"])
def test_a_key_must_be_a_name_an_argument_can_have(key: str) -> None:
    with pytest.raises(ArgError, match=r"argument .* of here: not a name"):
        expand([ArgSetting(key, ("1",), "here", Layer.PROFILE)], as_is)


@pytest.mark.parametrize(
    "key", ["eve_soft_serial", "pci", "module.param", "rd.luks.uuid", "inst.ks", "nvme_core.x-y", "ip"]
)
def test_usual_keys_pass(key: str) -> None:
    assert line((ArgSetting(key, ("1",), "", Layer.PROFILE),)) == f"{key}=1"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ('say "x"', "double quote"),
        ("a  b", "two blanks"),
        ("a\nb", "control character"),
        ("a\tb", "control character"),
        ("\0", "control character"),
        ("a\u2028b", "control character"),
        ("${net0/mac}", "write {{ machine.mac | hexhyp }}"),
        ("a || b", "separator"),
        ("a && b", "separator"),
        ("a ; b", "separator"),
        ("a #b", "comment"),
        ("#b", "comment"),
        ("a\\", "join"),
        ("a$", "join"),
    ],
)
def test_a_value_that_could_become_something_else_is_refused_with_its_key_and_origin(value: str, why: str) -> None:
    with pytest.raises(ArgError, match="argument k of here") as caught:
        expand([ArgSetting("k", (value,), "here", Layer.PROFILE)], as_is)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "value", ["", "a;b", "a||b", "a#b", "$x", "a$b", "{}", "ttyS0,115200n8", "http://x/?a=1&b=2", "grün"]
)
def test_what_only_looks_dangerous_passes(value: str) -> None:
    """iPXE's separators are words of their own."""
    assert problem(value) == ""


@given(st.text())
def test_a_value_that_passes_is_one_line_without_expansion(value: str) -> None:
    if problem(value):
        return
    text = str(Arg("k", value, "", Layer.PROFILE))
    assert text.splitlines() in ([text], [])
    assert "${" not in text
    assert not {"||", "&&", ";"} & set(text.split())


@pytest.mark.parametrize("key", ["--", "---"])
def test_the_marks_that_part_kernel_from_installer_arguments_are_keys(key: str) -> None:
    """Debian's installer copies what follows ``---`` into the new system; the kernel hands on what follows ``--``."""
    assert [str(arg) for arg in expand([ArgSetting(key, (), "profile x", Layer.PROFILE)], lambda text, _: text)] == [
        key
    ]
