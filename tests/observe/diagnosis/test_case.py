"""What arguments tell of the system that gets them."""

from __future__ import annotations

import pytest

from netbootd.boot.args import ArgSetting, Layer
from netbootd.observe.diagnosis.case import installs, speaks


def of(key: str, *values: str) -> list[ArgSetting]:
    return [ArgSetting(key, values, "profile x", Layer.PROFILE)]


@pytest.mark.parametrize(
    ("key", "value"),
    [("autoinstall", ""), ("inst.ks", "http://192.0.2.1/ks"), ("preseed/url", "x"), ("home", "{{ boot.done_url }}")],
)
def test_an_installer_is_known_by_its_arguments(key: str, value: str) -> None:
    assert installs(of(key, value))


def test_a_live_system_is_no_installer_and_what_is_taken_away_counts_for_nothing() -> None:
    assert not installs([*of("console", "ttyS0"), *of("ip", "dhcp")])
    assert not installs([ArgSetting("autoinstall", None, "machine x", Layer.MACHINE)])


def test_a_system_that_is_told_an_address_or_a_url_is_heard_of_again() -> None:
    assert speaks(of("ip", "dhcp"))
    assert speaks(of("anything", "http://192.0.2.1/x"))
    assert not speaks(of("console", "ttyS0"))
