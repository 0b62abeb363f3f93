"""Bundles on the way to a script: whose files the machine is sent to, or why it is sent to none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.boot.facts import Facts
from netbootd.chain.scripts import Loader, Rendered, script
from netbootd.fleet.lifecycle import Stage
from netbootd.payloads.eve.bundle import Bundle, Era
from tests.support import ipxe
from tests.support.worlds import CARD, SITE, eve, settled


def got(bundle: Bundle | None, loader: Loader = Loader.IPXE) -> Rendered:
    """The script of an armed machine whose profile boots ``eve-13.3``."""
    world = settled(eve(), stage=Stage.ARMED)
    return script(Facts(mac=CARD), replace(world, bundles={"eve-13.3": bundle} if bundle else {}), SITE, loader=loader)


def test_an_imported_bundle_is_fetched_from_where_its_content_lies() -> None:
    """So that what is behind a URL never changes, whatever becomes of the name."""
    text = got(Bundle("eve-13.3", "0" * 64, "sha256-0000", Era.A)).text
    assert "http://192.0.2.1:8080/artifacts/sha256-0000/rootfs.img" in text
    assert "eve-13.3/" not in text


def test_files_that_nobody_imported_are_fetched_from_their_directory() -> None:
    assert "http://192.0.2.1:8080/artifacts/eve-13.3/rootfs.img" in got(None).text


@pytest.mark.parametrize("loader", list(Loader))
def test_what_is_broken_is_refused_on_the_machine_s_screen_with_the_way_round(loader: Loader) -> None:
    rendered = got(Bundle("eve-13.3", "0" * 64, "sha256-0000", Era.B1X), loader)
    assert rendered.failure.startswith("bundle eve-13.3 is broken as released")
    assert "15.2.0" in rendered.text
    assert "sha256-0000" not in rendered.text
    if loader is Loader.IPXE:
        assert set(ipxe.names(rendered.text)) <= ipxe.COMMANDS
