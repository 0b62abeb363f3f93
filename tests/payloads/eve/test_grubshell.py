"""GRUB's script language at work: how words become arguments, and that everything ends."""

from __future__ import annotations

import pytest

from netbootd.payloads.eve.grubshell import Shell
from netbootd.payloads.eve.grubsyntax import MenuError, Script, parse


class Recorder:
    """A shell whose command ``say`` writes down its arguments."""

    def __init__(self, **exported: str) -> None:
        self.said: list[tuple[str, ...]] = []
        self.shell = Shell({"say": self._say, "set": _set, "true": _true, "false": _false}, exported)

    def _say(self, _shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
        self.said.append(args)
        return True

    def run(self, text: str) -> list[tuple[str, ...]]:
        self.shell.run(parse(text))
        return self.said


def _set(shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
    name, _, value = args[0].partition("=")
    shell.set(name, value)
    return True


def _true(_shell: Shell, _args: tuple[str, ...], _block: Script | None) -> bool:
    return True


def _false(_shell: Shell, _args: tuple[str, ...], _block: Script | None) -> bool:
    return False


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("say a b", ("a", "b")),
        ("say $two", ("one", "two")),
        ('say "$two"', ("one two",)),
        ("say x${two}y", ("xone", "twoy")),
        ("say $none", ()),
        ('say "$none"', ("",)),
        ("say ''", ("",)),
        ("say '$two'", ("$two",)),
        ("say $blank", ()),
        ("say a$blank b", ("a", "b")),
        ("say \\$two", ("$two",)),
        ('say "a\\"b"', ('a"b',)),
        ("say pre'fix and'\" more\"", ("prefix and more",)),
    ],
)
def test_quoting_decides_what_becomes_of_a_variable(text: str, args: tuple[str, ...]) -> None:
    assert Recorder(two="one two", blank=" ").run(text) == [args]


def test_a_command_may_come_from_a_variable() -> None:
    assert Recorder(load="say kernel").run("$load $none x") == [("kernel", "x")]


def test_a_command_that_comes_to_nothing_is_none() -> None:
    recorder = Recorder()
    assert recorder.run("$load\nsay x") == [("x",)]
    assert recorder.shell.notes == ()


def test_a_function_gets_its_arguments_as_they_are() -> None:
    text = 'function f {\n say "$@"\n say $@\n say $1 $2 $3 $#\n}\nf "a b" c'
    assert Recorder().run(text) == [("a b", "c"), ("a", "b", "c"), ("a", "b", "c", "2")]


def test_a_functions_name_may_be_made_of_variables() -> None:
    assert Recorder(a="x", b="y").run("function set_x_y { say hit; }\nset_${a}_${b}") == [("hit",)]


def test_a_function_may_run_its_arguments() -> None:
    text = 'function given { if_set "$2" "$@"; }\nfunction if_set { say $2; }\ngiven a b'
    assert Recorder().run(text) == [("a",)]


def test_arguments_are_those_of_the_caller_again_afterwards() -> None:
    assert Recorder().run("function g { true; }\nfunction f { g x y; say $1; }\nf a") == [("a",)]


def test_a_bare_assignment_sets() -> None:
    assert Recorder(two="one two").run('a="$two" b\nsay "$a"') == [("one two",)]


@pytest.mark.parametrize(
    ("condition", "said"),
    [("true", "yes"), ("false", "no"), ("! false", "yes"), ("unheard_of", "no"), ("false; true", "yes")],
)
def test_a_status_decides(condition: str, said: str) -> None:
    assert Recorder().run(f"if {condition}; then say yes; else say no; fi") == [(said,)]


def test_the_status_can_be_asked_for() -> None:
    assert Recorder().run("false\nsay $?\ntrue\nsay $?") == [("1",), ("0",)]


def test_an_unknown_command_is_noted_once() -> None:
    recorder = Recorder()
    recorder.run("play 480\nplay 440\n")
    assert recorder.shell.notes == ("its command 'play' is not known here and was left out",)


def test_exported_variables_go_into_a_context_and_come_out_of_it() -> None:
    recorder = Recorder(out="1")
    recorder.shell.set("private", "2")
    with recorder.shell.context():
        assert (recorder.shell.get("out"), recorder.shell.get("private")) == ("1", "")
        recorder.shell.set("kept", "3")
        recorder.shell.export("kept")
        recorder.shell.set("lost", "4")
    assert [recorder.shell.get(name) for name in ("kept", "lost", "private")] == ["3", "", "2"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("function f { f; }\nf", "too deep"),
        ("function f { g; g; g; }\nfunction g { h; h; h; }\n" + "f\n" * 2000, "more to do"),
        ("set a=aaaaaaaa\n" + 'set a="$a$a$a$a"\n' * 100, "more text"),
        ("set a=" + "a" * 1000 + "\nsay " + "$a" * 5000, "more text"),
        ("true\n" * 20_000, "more to do"),
        ("function f { return; }\nf", "'return', which is not known"),
    ],
)
def test_whatever_the_script_it_ends(text: str, why: str) -> None:
    with pytest.raises(MenuError, match=why):
        Recorder().run(text)


def test_an_argument_nobody_gave_is_empty() -> None:
    assert Recorder().run('function f { say $2 $0 $99999999999999999999999999 "$1"; }\nf a') == [("a",)]
