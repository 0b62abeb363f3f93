"""Soft serials: by hand, by template, by number, and never one for two machines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.fleet.soft_serials import (
    BadSoftSerial,
    Duplicate,
    Exhausted,
    Fixed,
    Range,
    Rule,
    Template,
    assigned,
    checked,
    duplicates,
    parse_rule,
)

NODES = Range("NODE-", 1, 999, 4)


def given_to(rule: Rule, owners: dict[str, str], machine: str = "node-1", text: str = "rendered") -> str:
    return assigned(rule, machine, owners, lambda _template: text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("EDGE-0042", Fixed("EDGE-0042")),
        (" EDGE-0042 ", Fixed("EDGE-0042")),
        ("{{ machine.mac | hexhyp }}", Template("{{ machine.mac | hexhyp }}")),
        ("site-{{ machine.serial }}", Template("site-{{ machine.serial }}")),
        ("NODE-[0001-0999]", NODES),
        ("[1-20]", Range("", 1, 20, 1)),
        ("rack3.[01-42].lab", Range("rack3.", 1, 42, 2, ".lab")),
        ("n[0-15]", Range("n", 0, 15, 1)),
        ("[8-8]", Range("", 8, 8, 1)),
    ],
)
def test_what_settings_say(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no soft serial"),
        ("two words", "is no soft serial"),
        ("-x", "is no soft serial"),
        ("getty lab=1", "is no soft serial"),
        ("x" * 65, "is no soft serial"),
        ("NODE-[0001-0999", "is no range"),
        ("NODE-[a-f]", "is no range"),
        ("[1-2][3-4]", "is no range"),
        ("NODE-[9-1]", "is empty"),
        ("NODE-[001-9999]", "as many digits"),
        ("NODE-[1-099]", "as many digits"),
        ("NODE-[0-099]", "as many digits"),
        ("-[1-2]", "is no soft serial"),
        ("x" * 60 + "[00001-99999]", "is no soft serial"),
    ],
)
def test_what_no_soft_serial_can_be_made_of_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(BadSoftSerial, match=why):
        parse_rule(text)


def test_the_next_of_a_range_is_after_the_highest_in_use() -> None:
    assert given_to(NODES, {}) == "NODE-0001"
    assert given_to(NODES, {"node-0001": "a", "node-0007": "b", "edge-0500": "c"}) == "NODE-0008"


def test_at_the_end_of_a_range_the_lowest_that_is_free_is_next_and_then_none() -> None:
    owners = {"n3": "c", "n1": "a"}
    three = parse_rule("n[1-3]")
    assert given_to(three, owners) == "n2"
    with pytest.raises(Exhausted, match=r"all 3 soft serials of n\[1-3\] are in use"):
        given_to(three, {**owners, "n2": "b"})


def test_a_machine_keeps_the_number_it_has() -> None:
    assert given_to(NODES, {"node-0003": "node-1", "node-0009": "other"}) == "NODE-0003"


def test_a_number_with_other_digits_is_none_of_the_range() -> None:
    assert [NODES.number(text) for text in ("NODE-0012", "node-0012", "NODE-12", "NODE-00012", "NODE-1000")] == [
        12,
        12,
        None,
        None,
        None,
    ]


def test_a_template_is_rendered_and_held_to_the_same_grammar() -> None:
    template = Template("{{ machine.serial }}")
    assert given_to(template, {}, text="7XK2B32") == "7XK2B32"
    with pytest.raises(BadSoftSerial):
        given_to(template, {}, text="a b")


@pytest.mark.parametrize("rule", [Fixed("EDGE-1"), Template("{{ machine.name }}")])
def test_one_soft_serial_for_two_machines_is_refused_with_both_owners(rule: Rule) -> None:
    with pytest.raises(Duplicate, match="the soft serial EDGE-1 of node-1 already belongs to node-2") as refused:
        given_to(rule, {"edge-1": "node-2"}, text="EDGE-1")
    assert (refused.value.claimed_by, refused.value.owner) == ("node-1", "node-2")
    assert given_to(rule, {"edge-1": "node-1"}, text="EDGE-1") == "EDGE-1"


def test_all_duplicates_of_a_fleet_are_named_with_both_owners() -> None:
    found = duplicates([("A1", "node-1"), ("a1", "node-2"), ("B1", "node-3"), ("A1", "node-1"), ("A1", "node-4")])
    assert [(each.claimed_by, each.owner) for each in found] == [("node-2", "node-1"), ("node-4", "node-1")]


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.-]{0,5}", fullmatch=True),
    st.integers(0, 50),
    st.integers(0, 60),
    st.integers(1, 6),
    st.sampled_from(["", ".lab", "-7"]),
)
def test_a_fleet_numbered_from_a_range_has_each_number_once(
    prefix: str, first: int, count: int, digits: int, suffix: str
) -> None:
    last = first + count
    numbers = Range(prefix, first, last, max(digits, len(str(last))), suffix)
    assert parse_rule(str(numbers)) == numbers
    owners: dict[str, str] = {}
    for machine in range(count + 1):
        serial = given_to(numbers, owners, f"m{machine}")
        assert checked(serial) == serial
        assert serial.lower() not in owners
        owners[serial.lower()] = f"m{machine}"
    with pytest.raises(Exhausted):
        given_to(numbers, owners, "one more")


@given(st.text(max_size=80))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    try:
        rule = parse_rule(text)
    except BadSoftSerial:
        return
    match rule:
        case Fixed(serial):
            assert checked(serial) == serial
        case Range():
            assert rule.first <= rule.last
        case Template(said):
            assert "{" in said
