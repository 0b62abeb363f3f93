"""What one machine orders of its payload: the layers in their order, what is promised, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.boot.args import ArgError, Layer
from netbootd.boot.facts import Facts
from netbootd.boot.finding import Severity
from netbootd.boot.model import Boots, Profile
from netbootd.boot.network import NetworkKeys
from netbootd.boot.plan import KernelPlan
from netbootd.chain.ordering import Ordering, arguments, ordered
from netbootd.chain.world import World
from netbootd.fleet.rules import Condition, Rule
from netbootd.payloads.base import NO_TOKEN
from tests.support.worlds import CARD, SITE, args, eve, linux, machine, profile, settled, world

KNOWN = Facts(mac=CARD)
OWN_URL = f"{SITE.base_url}/machines/{CARD.hexhyp}/ipxe.cfg"
STATIC = NetworkKeys("192.0.2.10/24", origin="machine node-1")


def ordering(of: World) -> Ordering:
    assignment = of.assignment(KNOWN)
    assert assignment.profile
    return Ordering(assignment, assignment.profile, KNOWN, of, SITE, OWN_URL, NO_TOKEN)


def test_the_machine_goes_over_the_rule_that_over_the_profile_that_over_its_place_and_that_over_the_payload() -> None:
    """And each argument says which of them set it, which is what may be asked hangs on."""
    own = machine(None, args=args("machine node-1", e="m"))
    of_rule = Rule((Condition("mac", "*"),), "rescue", args("rule 1", d="r", e="r"))
    of_profile = replace(linux(args=args("profile rescue", c="p", d="p", e="p")), network=STATIC)
    found = ordering(world(of_profile, machines=[own], rules=[of_rule])).args()
    assert [(arg.key, arg.value, arg.layer) for arg in found if arg.key != "ip"] == [
        ("c", "p", Layer.PROFILE),
        ("d", "r", Layer.RULE),
        ("e", "m", Layer.MACHINE),
    ]
    assert {arg.layer for arg in found if arg.key == "ip"} == {Layer.PLACE}
    assert {arg.layer for arg in ordering(settled(eve())).args()} == {Layer.PAYLOAD}


def test_what_it_gets_once_it_is_armed_is_promised_as_the_plan_has_it() -> None:
    here = ordering(settled(eve(args=args("profile edge", quiet=True))))
    plan = here.plan(here.args(), here.config())
    assert isinstance(plan, KernelPlan)
    assert here.promised(here.args()) == arguments(plan, ()) == plan.args


def test_what_cannot_be_planned_is_promised_as_it_was_ordered() -> None:
    here = ordering(settled(linux(args=args("profile rescue", x="y" * 3000))))
    with pytest.raises(ArgError, match="the kernel reads 2047"):
        here.plan(here.args(), ())
    assert here.promised(here.args()) == here.args()


@pytest.mark.parametrize(
    ("of", "refused"),
    [(eve(), False), (eve(auto=True), True), (eve(boots=Boots.ALWAYS), True)],
    ids=["once", "auto", "always"],
)
def test_what_wipes_goes_to_nobody_whom_no_person_arms(of: Profile, refused: bool) -> None:
    here = ordering(settled(of, args=args("machine node-1", eve_nuke_all_disks=True)))
    found = [each for each in here.findings(here.args()) if each.severity is Severity.ERROR]
    assert [each.key for each in found] == ["args.eve_nuke_all_disks"] * refused


def test_a_menu_offers_what_boots_always_and_installs_nothing() -> None:
    offered = world(linux("live", label="Live system"), linux(), eve(), profile("pick", "menu"))
    menu = ordered(KNOWN, SITE, offered, own_url=OWN_URL, token=NO_TOKEN).menu
    assert [(each.label, each.url) for each in menu] == [
        ("Live system", f"{OWN_URL}?profile=live"),
        ("rescue", f"{OWN_URL}?profile=rescue"),
    ]
