"""What a rule of the settings looks at."""

from __future__ import annotations

import pytest

from netbootd.fleet.rules import Condition
from tests.support.settings import Files


def test_the_conditions_of_a_rule_are_read_in_their_order(files: Files) -> None:
    assert conditions(files, "{arch: x86_64, manufacturer: 'Super*'}") == (
        Condition("arch", "x86_64"),
        Condition("manufacturer", "Super*"),
    )


def test_a_mac_pattern_may_be_written_with_hyphens(files: Files) -> None:
    assert conditions(files, "{mac: 52-54-00-*}") == (Condition("mac", "52:54:00:*"),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{match: {}, profile: p}", "match: is empty, so it would take every machine; that is the key 'unknown'"),
        (
            "{match: {vendor: x}, profile: p}",
            "match.vendor: a rule cannot look at this; "
            "there is mac, uuid, serial, asset, manufacturer, product, arch, platform and ip",
        ),
        (
            "{match: {maufacturer: x}, profile: p}",
            "match.maufacturer: a rule cannot look at this; did you mean 'manufacturer'?",
        ),
        (
            "{match: {ip: 192.0.2.0/33}, profile: p}",
            "match.ip: '192.0.2.0/33' is neither a network such as 192.0.2.0/24 nor a pattern such as 192.0.2.*",
        ),
        (
            "{match: {ip: eth0}, profile: p}",
            "match.ip: 'eth0' is neither a network such as 192.0.2.0/24 nor a pattern such as 192.0.2.*",
        ),
        ("{match: {arch: amd64}, profile: p}", "match.arch: iPXE's word for amd64 is x86_64"),
        ("{match: {platform: UEFI}, profile: p}", "match.platform: iPXE's word for UEFI is efi"),
        ("{match: {serial: [a]}, profile: p}", "match.serial: must be text, not a list"),
        ("{match: {serial: }, profile: p}", "match.serial: is empty"),
    ],
)
def test_a_wrong_condition_is_told(files: Files, text: str, told: str) -> None:
    wrong = files.wrong(f"profiles: {{p: {{payload: local}}}}\nrules:\n  - {text}\n")
    assert wrong == [f"netbootd.yaml:3: rules[0].{told}"]


def conditions(files: Files, match: str) -> tuple[Condition, ...]:
    text = f"profiles: {{p: {{payload: local}}}}\nrules:\n  - {{match: {match}, profile: p}}\n"
    return files.load(text).snapshot.rules[0].conditions
