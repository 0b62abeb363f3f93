"""Rules: shell patterns on what a machine says, and "later" for what it has not said yet."""

from __future__ import annotations

from uuid import UUID

import pytest

from netbootd.boot.facts import Facts
from netbootd.fleet.rules import FIELDS, Condition, Match, Rule
from tests.support.worlds import CARD

KNOWN = Facts(
    mac=CARD,
    uuid=UUID(int=5),
    serial="101CN52",
    asset="A-7",
    manufacturer="Supermicro",
    product="SYS-E300",
    buildarch="x86_64",
    platform="efi",
    ip="192.0.2.77",
)


@pytest.mark.parametrize(
    ("field", "pattern"),
    [
        ("mac", "52:54:00:*"),
        ("uuid", "00000000-*"),
        ("serial", "101cn??"),
        ("asset", "A-[0-9]"),
        ("manufacturer", "super*"),
        ("product", "*E300"),
        ("arch", "x86_64"),
        ("platform", "EFI"),
        ("ip", "192.0.2.0/24"),
        ("ip", "192.0.2.64/26"),
        ("ip", "192.0.2.*"),
    ],
)
def test_a_pattern_matches_without_regard_to_case(field: str, pattern: str) -> None:
    assert Condition(field, pattern).match(KNOWN) is Match.YES


@pytest.mark.parametrize(
    ("field", "pattern"),
    [("mac", "00:11:*"), ("manufacturer", "micro"), ("serial", "[!1]*"), ("ip", "198.51.100.0/24"), ("arch", "arm64")],
)
def test_a_pattern_must_fit_the_whole_value(field: str, pattern: str) -> None:
    assert Condition(field, pattern).match(KNOWN) is Match.NO


@pytest.mark.parametrize("field", FIELDS)
def test_what_is_not_known_yet_may_match_later(field: str) -> None:
    assert Condition(field, "*").match(Facts()) is Match.LATER
    assert Condition(field, "*").match(KNOWN) is Match.YES


def rule(**conditions: str) -> Rule:
    return Rule(tuple(Condition(*pair) for pair in conditions.items()), "p")


def test_all_conditions_must_hold() -> None:
    assert rule(manufacturer="Super*", arch="x86_64").match(KNOWN) is Match.YES
    assert rule(manufacturer="Super*", arch="arm64").match(KNOWN) is Match.NO


def test_no_beats_later_and_later_beats_yes() -> None:
    early = Facts(mac=CARD)

    assert rule(mac="00:*", manufacturer="*").match(early) is Match.NO
    assert rule(mac="52:*", manufacturer="*").match(early) is Match.LATER
    assert rule(mac="52:*").match(early) is Match.YES
