"""EVE-OS as a payload: which route a bundle takes, and what is said where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.boot.args import expand
from netbootd.boot.facts import Facts
from netbootd.boot.finding import Severity
from netbootd.boot.plan import GrubPlan, KernelPlan
from netbootd.load import payload_files
from netbootd.payloads import Order
from netbootd.payloads.base import CannotBoot
from netbootd.payloads.eve import PAYLOAD, Route, Settings
from netbootd.payloads.eve.bundle import Bundle, Era
from tests.support import eve_bundles, eve_menus
from tests.support.worlds import CARD, SITE

FACTS = Facts(mac=CARD, manufacturer="ACME")
CLASSIC = Bundle("eve", "", "sha256-1", Era.A)


def with_iso() -> Bundle:
    return replace(
        eve_bundles.bundle(Era.B3),
        name="eve",
        files=("EFI/BOOT/BOOTX64.EFI", "installer.iso"),
        grub=eve_menus.MENU,
        grub_include=eve_menus.include(Era.B3),
        cmdline=eve_menus.CMDLINE,
    )


def planned(settings: Settings, *bundles: Bundle) -> KernelPlan | GrubPlan:
    named = {each.name: each for each in bundles}
    found = PAYLOAD.plan(settings, Order(FACTS, SITE, (), bundles=named, files=payload_files()))
    assert isinstance(found, KernelPlan | GrubPlan)
    return found


def test_a_bundle_without_an_iso_is_booted_as_its_own_script_does_it() -> None:
    plan = planned(Settings("eve"), CLASSIC)
    assert isinstance(plan, KernelPlan)
    assert plan.kernel.url == "http://192.0.2.1:8080/artifacts/sha256-1/kernel"


def test_one_with_an_iso_is_booted_by_ipxe_alone_unless_the_profile_asks_for_its_grub() -> None:
    assert isinstance(planned(Settings("eve"), with_iso()), KernelPlan)
    assert isinstance(planned(Settings("eve", Route.GRUB), with_iso()), GrubPlan)


def test_a_name_that_is_no_bundle_is_a_directory_of_the_classic_layout() -> None:
    plan = planned(Settings("eve-13.3/"))
    assert isinstance(plan, KernelPlan)
    assert plan.kernel.url == "http://192.0.2.1:8080/artifacts/eve-13.3/kernel"
    assert PAYLOAD.needs(Settings("eve-13.3/")) == tuple(
        f"eve-13.3/{name}" for name in ("kernel", "initrd.img", "installer.img", "initrd.bits", "rootfs.img")
    )


def test_the_grub_of_a_bundle_needs_a_bundle_that_has_one() -> None:
    with pytest.raises(CannotBoot, match=r"it is of the layout of 6\.3 to 13\.3, which has no GRUB"):
        planned(Settings("eve", Route.GRUB), CLASSIC)
    with pytest.raises(CannotBoot, match="there is no bundle eve, and route: grub starts"):
        planned(Settings("eve", Route.GRUB))


@pytest.mark.parametrize("route", Route)
def test_what_is_refused_is_refused_in_the_same_words_beforehand(route: Route) -> None:
    bundle = replace(with_iso(), iso=(), files=())
    why = PAYLOAD.refusal(Settings("eve", route), bundle)
    assert "bundle eve: " in why
    with pytest.raises(CannotBoot) as refused:
        planned(Settings("eve", route), bundle)
    assert str(refused.value) == why


@pytest.mark.parametrize("bundle", [None, CLASSIC, with_iso()], ids=["directory", "classic", "iso"])
def test_its_own_arguments_are_nothing_to_be_refused(bundle: Bundle | None) -> None:
    args = expand(PAYLOAD.defaults(Settings("eve"), FACTS, bundle), lambda _text, _where: CARD.hexhyp)
    found = PAYLOAD.judge(Settings("eve"), args, bundle, ())
    assert [each.text for each in found if each.severity is Severity.ERROR] == []
