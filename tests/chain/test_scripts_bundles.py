"""Bundles on the way to a script: whose files the machine is sent to, or why it is sent to none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from netbootd import __version__
from netbootd.boot.facts import Facts
from netbootd.boot.finding import Severity
from netbootd.boot.model import Boots
from netbootd.chain.scripts import Loader, Rendered, script
from netbootd.fleet.lifecycle import Stage
from netbootd.payloads.eve.bundle import Bundle, Era
from tests.support import eve_bundles, ipxe
from tests.support.worlds import CARD, SITE, args, eve, settled


def got(bundle: Bundle | None, loader: Loader = Loader.IPXE, board: str | None = None) -> Rendered:
    """The script of an armed machine whose profile boots ``eve-13.3``."""
    world = settled(eve(), stage=Stage.ARMED)
    facts = Facts(mac=CARD, manufacturer=board)
    return script(facts, replace(world, bundles={"eve-13.3": bundle} if bundle else {}), SITE, loader=loader)


def test_an_imported_bundle_is_fetched_from_where_its_content_lies() -> None:
    """So that what is behind a URL never changes, whatever becomes of the name."""
    text = got(Bundle("eve-13.3", "0" * 64, "sha256-0000", Era.A)).text
    assert "http://192.0.2.1:8080/artifacts/sha256-0000/rootfs.img" in text
    assert "eve-13.3/" not in text


def test_files_that_nobody_imported_are_fetched_from_their_directory() -> None:
    assert "http://192.0.2.1:8080/artifacts/eve-13.3/rootfs.img" in got(None).text


@pytest.mark.parametrize("loader", list(Loader))
def test_what_cannot_be_booted_is_refused_on_the_machine_s_screen(loader: Loader) -> None:
    rendered = got(Bundle("eve-13.3", "0" * 64, "sha256-0000", Era.B2), loader)
    assert rendered.failure.startswith("bundle eve-13.3: its installer.iso has no boot/kernel")
    assert "installer.iso" in rendered.text
    assert "sha256-0000" not in rendered.text
    if loader is Loader.IPXE:
        assert set(ipxe.names(rendered.text)) <= ipxe.COMMANDS


@pytest.mark.parametrize("loader", list(Loader))
@pytest.mark.parametrize("era", [era for era in Era if era.has_iso], ids=lambda era: era.value)
def test_golden_script_of_an_iso_that_is_booted_without_its_menu(
    era: Era, loader: Loader, golden: Callable[[str, str], None]
) -> None:
    rendered = got(eve_bundles.bundle(era), loader, "ACME")
    assert [each.name for each in rendered.documents] == ["kernel", "initrd"]
    golden(f"scripts/eve-{era.value}.{loader.value}", rendered.text.replace(__version__, "VERSION"))


def test_a_script_for_an_iso_has_only_commands_every_ipxe_has() -> None:
    assert set(ipxe.names(got(eve_bundles.bundle(Era.B2)).text)) <= ipxe.COMMANDS


@pytest.mark.parametrize("stage", [Stage.ARMED, Stage.DISARMED], ids=lambda stage: stage.name)
def test_where_the_payload_put_the_root_is_among_the_arguments_with_its_origin(stage: Stage) -> None:
    """Whether it gets them now, or once it is armed."""
    world = replace(settled(eve(), stage=stage), bundles={"eve-13.3": eve_bundles.bundle(Era.B2)})
    args = {arg.key: (arg.value, arg.origin) for arg in script(Facts(mac=CARD), world, SITE).args}
    assert args["root"] == ("/rootfs_installer.img", "netbootd's way to boot this bundle")
    assert args["rootaddmount"][0] == "/config.img:/config.img"


def test_who_waits_for_what_cannot_be_booted_is_left_to_its_disk_all_the_same() -> None:
    broken = Bundle("eve-13.3", "0" * 64, "sha256-0000", Era.B2)
    waiting = script(Facts(mac=CARD), replace(settled(eve(), stage=None), bundles={"eve-13.3": broken}), SITE)
    assert (waiting.payload, waiting.failure) == ("local", "")
    assert "eve_soft_serial" in {arg.key for arg in waiting.args}


@pytest.mark.parametrize("stage", [Stage.ARMED, Stage.DISARMED], ids=lambda stage: stage.name)
def test_what_is_worth_knowing_of_the_arguments_comes_with_the_script(stage: Stage) -> None:
    own = args("machine node-1", eve_install_server="ctl.example", eve_reboot_after_install=False)
    found = script(Facts(mac=CARD), settled(eve(), stage=stage, args=own), SITE).findings
    assert [(each.severity, each.key) for each in found] == [
        (Severity.WARNING, "args.eve_install_server"),
        (Severity.INFO, "args.eve_reboot_after_install"),
    ]


def test_what_would_be_refused_is_told_before_it_is_armed() -> None:
    own = args("machine node-1", eve_soft_serial="a b")
    armed, waiting = (
        script(Facts(mac=CARD), settled(eve(), stage=stage, args=own), SITE) for stage in (Stage.ARMED, None)
    )
    (finding,) = waiting.findings
    assert (finding.severity, finding.text) == (Severity.ERROR, armed.failure)
    assert waiting.failure == ""


NUKED = args("machine node-1", eve_nuke_all_disks=True)


@pytest.mark.parametrize("common", [{"auto": True}, {"boots": Boots.ALWAYS}], ids=["auto", "always"])
@pytest.mark.parametrize("stage", [None, Stage.ARMED], ids=["unarmed", "armed"])
def test_what_wipes_a_machine_does_not_go_with_a_profile_that_waits_for_nobody(
    common: dict[str, Any], stage: Stage | None
) -> None:
    rendered = script(Facts(mac=CARD), settled(eve(**common), stage=stage, args=NUKED), SITE)
    assert rendered.failure.startswith("eve_nuke_all_disks of machine node-1: it wipes")
    assert "give the machine one that has to be armed" in rendered.failure
    assert "eve_nuke_all_disks" not in "".join(each for each in rendered.text.splitlines() if each.startswith("kernel"))


def test_what_wipes_a_machine_goes_to_one_that_a_person_armed() -> None:
    rendered = script(Facts(mac=CARD), settled(eve(), stage=Stage.ARMED, args=NUKED), SITE)
    assert "eve_nuke_all_disks" in rendered.text
    assert not rendered.failure
