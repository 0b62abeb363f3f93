"""A menu on the machine's own screen."""

from __future__ import annotations

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.plan import MenuEntry, MenuPlan
from netbootd.payloads import Order
from netbootd.payloads.menu import PAYLOAD, Settings
from tests.support.worlds import SITE


def test_it_offers_what_the_order_allows() -> None:
    entries = (MenuEntry("p0", "Rescue", "http://x"),)

    assert PAYLOAD.plan(Settings(5), Order(Facts(), SITE, (), "http://s", entries)) == MenuPlan(
        entries, 5, "http://s?leave=yes"
    )


@pytest.mark.parametrize("seconds", [0, -1, 3601])
def test_it_always_times_out(seconds: int) -> None:
    """iPXE takes 0 for "wait for ever"."""
    with pytest.raises(ValueError, match="timeout"):
        Settings(seconds)
