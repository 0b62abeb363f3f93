"""A machine's secret: long enough, its own, and in no message."""

from __future__ import annotations

import pytest

from netbootd.config.secret import stand_in
from tests.support.settings import Files

SECRET = "Zq2uWm7xKp4tVn9rYc3sHd6f"
RESCUE = "profiles: {rescue: {payload: linux, kernel: k}}\n"
MADE_BY = "; one is made by: netbootd machines secret"


def named(files: Files, *machines: str) -> list[str]:
    """The settings have to be refused."""
    return files.wrong(RESCUE + "machines:\n" + "".join(f"- {each}\n" for each in machines))


def test_a_machine_may_be_named_by_it_alone(files: Files) -> None:
    """It is remembered by an address made of its name, so that it can be armed before it has ever booted."""
    (machine,) = files.load(f"machines: [{{name: metal-1, secret: {SECRET}}}]").snapshot.machines
    assert machine.secret == SECRET
    assert machine.only_by_secret
    assert machine.macs == (stand_in("metal-1"),)
    assert SECRET not in repr(machine)


def test_the_address_made_of_a_name_is_no_card_s() -> None:
    octets = stand_in("metal-1").octets
    assert octets[0] & 0b11 == 0b10, "one station's, administered locally"
    assert stand_in("metal-1") == stand_in("metal-1") != stand_in("metal-2")


def test_beside_a_card_it_is_one_more_way_unless_it_is_to_be_the_only_one(files: Files) -> None:
    text = f"machines: [{{mac: 52:54:00:12:34:56, name: n1, secret: {SECRET}, only_by_secret: ONLY}}]"
    for only in (True, False):
        (machine,) = files.load(text.replace("ONLY", str(only).lower())).snapshot.machines
        assert (str(machine.macs[0]), machine.only_by_secret) == ("52:54:00:12:34:56", only)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("short-2sH", f"has 9 characters, and could be guessed: it takes 22 at random{MADE_BY}"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaa", f"is no secret made at random{MADE_BY}"),
        (
            "Zq2uWm7xKp4t/Vn9rYc3sHd6f",
            f"may have letters, digits, '-' and '_', 128 at most, to stand in a URL{MADE_BY}",
        ),
        ("Zq2uWm7xKp4tVn9rYc3s" * 7, f"may have letters, digits, '-' and '_', 128 at most, to stand in a URL{MADE_BY}"),
        ("true", f"must be text{MADE_BY}"),
        ("[Zq2uWm7xKp4tVn9rYc3sHd6f]", f"must be text{MADE_BY}"),
    ],
)
def test_what_could_be_guessed_is_refused_and_not_repeated(files: Files, value: str, told: str) -> None:
    assert named(files, f"{{name: n1, secret: {value}}}") == [f"netbootd.yaml:3: machines.n1.secret: {told}"]
    assert value not in told


def test_two_machines_cannot_share_one(files: Files) -> None:
    assert named(files, f"{{name: a, secret: {SECRET}}}", f"{{name: b, secret: {SECRET}}}") == [
        "netbootd.yaml:4: machines.b.secret: is the secret of machines.a too, at netbootd.yaml:3"
    ]


def test_a_machine_needs_a_name_to_be_called_by(files: Files) -> None:
    assert named(files, f"{{secret: {SECRET}}}") == [
        "netbootd.yaml:3: machines[0]: has no 'name', and nothing but its secret to call it by"
    ]


def test_only_by_secret_takes_one(files: Files) -> None:
    assert named(files, "{mac: 52:54:00:12:34:56, name: n1, only_by_secret: true}") == [
        "netbootd.yaml:3: machines.n1: has only_by_secret and no 'secret'"
    ]


def test_it_may_arm_itself_for_whatever_card_it_shows_it_is_remembered_by_the_same(files: Files) -> None:
    profiles = "profiles: {site: {payload: linux, kernel: k, boots: once, auto: true}}\n"
    assert files.load(f"{profiles}machines: [{{name: n1, secret: {SECRET}, profile: site}}]").warnings == ()
