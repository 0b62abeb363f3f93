"""What the API set counts where no file says otherwise."""

from __future__ import annotations

from dataclasses import replace

from netbootd.boot.args import ArgSetting, Layer
from netbootd.fleet.overlay import merge_all, overlaid
from netbootd.fleet.record import Record
from netbootd.wire.mac import Mac
from tests.support.worlds import args, machine

CARD = Mac.parse("52:54:00:00:00:01")
SEEN = Record("1", (CARD,), serial="SN-1")
SET = replace(SEEN, name="edge-9", profile="edge", args=args("ada", quiet=True), origin="ada")
PROFILES = ("edge", "rescue")


def test_a_machine_that_only_showed_up_is_nobody_s() -> None:
    listed = machine("rescue", "node-1", CARD)
    assert overlaid(None, SEEN, PROFILES) is None
    assert overlaid(None, None, PROFILES) is None
    assert overlaid(listed, SEEN, PROFILES) is listed
    assert overlaid(listed, None, PROFILES) is listed


def test_one_that_somebody_set_something_for_is_a_machine_with_its_cards() -> None:
    made = overlaid(None, SET, PROFILES)
    assert made
    assert (made.macs, made.name, made.profile, made.origin) == ((CARD,), "edge-9", "edge", "the API (ada)")


def test_its_arguments_say_that_they_are_a_machine_s_own() -> None:
    """So that what may not be asked by a machine that nobody arms is refused whoever set it."""
    made = overlaid(None, SET, PROFILES)
    assert made
    assert made.args == (ArgSetting("quiet", (), "machine edge-9, by the API (ada)", Layer.MACHINE),)


def test_a_file_goes_over_it_key_by_key() -> None:
    listed = replace(machine(None, "node-1", CARD), args=args("machine node-1", quiet=False, console="ttyS0"))
    made = overlaid(listed, SET, PROFILES)
    assert made
    assert (made.name, made.profile) == ("node-1", "edge")
    assert {each.key: each.values for each in made.args} == {"quiet": None, "console": ("ttyS0",)}
    assert overlaid(machine("rescue", "node-1", CARD), SET, PROFILES).profile == "rescue"  # type: ignore[union-attr]


def test_a_profile_that_is_gone_is_none() -> None:
    made = overlaid(None, SET, ("rescue",))
    assert made
    assert made.profile is None


def test_taking_an_argument_away_reaches_the_layers_below() -> None:
    below, above = args("a", x="1", y=False), args("b", x=False)
    assert [(each.key, each.values) for each in merge_all(below, above)] == [("y", None), ("x", None)]
    assert merge_all(args("a", x=False), args("b", x="2")) == args("b", x="2")
