"""``soft_serial``: a template or a range in a profile, one serial in a machine, and none of them twice."""

from __future__ import annotations

import pytest

from tests.support.settings import Files

EVE = "profiles: {{e: {{payload: eve, bundle: b, soft_serial: {}}}}}"


@pytest.mark.parametrize("text", ["NODE-[0001-0999]", "{{ machine.mac | hexhyp }}"])
def test_a_profile_has_a_range_or_a_template(files: Files, text: str) -> None:
    assert files.load(EVE.format(f'"{text}"')).snapshot.profiles["e"].soft_serial == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NODE-1", "is one serial for all its machines"),
        ("'NODE-[9-1]'", "is empty"),
        ("'NODE [1-9]'", "is no range"),
    ],
)
def test_what_would_be_one_for_all_or_none_is_refused_with_its_place(files: Files, text: str, why: str) -> None:
    (fault,) = files.wrong(EVE.format(text))
    assert fault.startswith("netbootd.yaml:1: profiles.e.soft_serial: ")
    assert why in fault


def test_an_argument_beside_it_says_otherwise(files: Files) -> None:
    (fault,) = files.wrong(
        "profiles: {e: {payload: eve, bundle: b, soft_serial: 'N-[1-9]', args: {eve_soft_serial: X}}}"
    )
    assert fault.endswith("profiles.e.soft_serial: args.eve_soft_serial says otherwise; keep one of the two")
    (fault,) = files.wrong("machines: [{mac: 52:54:00:00:00:01, soft_serial: N-1, args: {eve_soft_serial: N-2}}]")
    assert fault.endswith("machines[0].soft_serial: args.eve_soft_serial says otherwise; keep one of the two")


def test_a_machine_has_one_of_its_own(files: Files) -> None:
    snapshot = files.load("machines: [{mac: 52:54:00:00:00:01, soft_serial: NODE-0001}]").snapshot
    assert snapshot.machines[0].soft_serial == "NODE-0001"
    (fault,) = files.wrong("machines: [{mac: 52:54:00:00:00:01, soft_serial: 'N-[1-9]'}]")
    assert fault.endswith("must be one serial; a template or a range belongs to its profile")


@pytest.mark.parametrize("other", ["soft_serial: node-1", "args: {eve_soft_serial: NODE-1}"])
def test_two_machines_with_one_are_refused_with_both_places(files: Files, other: str) -> None:
    (fault,) = files.wrong(
        f"""
        machines:
          - {{mac: 52:54:00:00:00:01, name: a, soft_serial: NODE-1}}
          - {{mac: 52:54:00:00:00:02, name: b, {other}}}
        """
    )
    assert fault.startswith("netbootd.yaml:3: machines.b.soft_serial: ")
    assert "of b already belongs to a of netbootd.yaml:2" in fault
