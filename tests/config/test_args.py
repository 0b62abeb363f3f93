"""Kernel arguments in the settings: text, a list, true, false, and what is refused with its reason."""

from __future__ import annotations

import pytest

from netbootd.boot.args import ArgSetting, Layer, command_line, expand, merge
from tests.support.settings import Files


def args(files: Files, text: str) -> tuple[ArgSetting, ...]:
    return files.load(f"profiles: {{p: {{payload: local, args: {text}}}}}").snapshot.profiles["p"].args


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("ttyS0", ("ttyS0",)),
        ("0123", ("0123",)),
        ("1e5", ("1e5",)),
        ("52:54:00:12:34:56", ("52:54:00:12:34:56",)),
        ("'true'", ("true",)),
        ("'no'", ("no",)),
        ("''", ("",)),
        ("30", ("30",)),
        ("true", ()),
        ("false", None),
        ("[tty0, 'ttyS0,115200']", ("tty0", "ttyS0,115200")),
        ("'{{ machine.mac | hexhyp }}'", ("{{ machine.mac | hexhyp }}",)),
        ("two words", ("two words",)),
    ],
)
def test_a_value_comes_through_as_it_is_written(files: Files, text: str, values: tuple[str, ...] | None) -> None:
    assert args(files, f"{{key: {text}}}") == (ArgSetting("key", values, "profile p", Layer.PROFILE),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("key: yes", 'key: write "yes" in quotes if the word is meant, else true or false'),
        ("key: off", 'key: write "off" in quotes if the word is meant, else true or false'),
        ("key: [a, no]", 'key: write "no" in quotes if the word is meant, else true or false'),
        (
            "key:",
            'key: is empty; write true for a bare flag, "" for an empty value, false to take an inherited one away',
        ),
        ("key: []", "key: is an empty list; write false to take an inherited argument away"),
        ("key: [a, true]", "key: must be a list of texts, and holds true"),
        ("key: [a, [b]]", "key: must be a list of texts, and holds a list"),
        ("key: {a: b}", "key: must be text, a list of texts, true or false, not a table of keys"),
        ("key: 'a\"b'", "key: it holds a double quote, which the kernel takes for its own"),
        (
            "key: '${mac}'",
            "key: it holds '${', which iPXE would expand; write {{ machine.mac | hexhyp }} and the like instead",
        ),
        ('key: "a\\nb"', "key: it holds a control character"),
        ("key: a || b", "key: it holds a command separator of iPXE (||, && or ;)"),
        ("a b: c", "a b: is not a name a kernel argument can have"),
        ("'': c", ": is not a name a kernel argument can have"),
    ],
)
def test_what_would_not_arrive_is_refused_with_the_reason(files: Files, text: str, why: str) -> None:
    assert files.wrong(f"profiles: {{p: {{payload: local, args: {{{text}}}}}}}") == [
        f"netbootd.yaml:1: profiles.p.args.{why}"
    ]


def test_args_that_are_no_table_are_shown_how(files: Files) -> None:
    assert files.wrong("profiles: {p: {payload: local, args: [quiet]}}") == [
        "netbootd.yaml:1: profiles.p.args: must be a table, such as {console: ttyS0, quiet: true}, not a list"
    ]


def test_each_argument_knows_who_set_it_and_the_machine_goes_over_the_rule_over_the_profile(files: Files) -> None:
    snapshot = files.load(
        """
        profiles: {p: {payload: local, args: {a: p, b: p, c: true, d: p}}}
        rules:
          - {match: {mac: "*"}, profile: p, args: {b: r, c: false, e: r}}
        machines:
          - {mac: 52:54:00:00:00:01, name: n1, args: {d: m}}
        """
    ).snapshot
    layers = [snapshot.profiles["p"].args, snapshot.rules[0].args, snapshot.machines[0].args]
    merged = expand(merge(*layers), lambda text, _where: text)
    assert command_line(merged) == "a=p b=r d=m e=r"
    assert [(arg.origin, arg.layer) for arg in merged] == [
        ("profile p", Layer.PROFILE),
        ("rule 1", Layer.RULE),
        ("machine n1", Layer.MACHINE),
        ("rule 1", Layer.RULE),
    ]
