"""Profiles and bundles, to be looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from netbootd.boot.model import LimitKeys
from netbootd.fleet.snapshot import Snapshot
from netbootd.payloads.eve.bundle import Era
from tests.support.eve_bundles import bundle
from tests.support.fleet import EDGE, FLEET, Api, serving
from tests.support.worlds import args


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


async def test_profiles_say_what_they_boot_and_how_many_have_them(api: Api) -> None:
    own = args(console=["tty0", "ttyS0"], debug=False)
    edge = replace(FLEET.profiles["lab-eve"], args=own, origin="profiles.yaml:3")
    api.fleet = Snapshot([edge, FLEET.profiles["rescue"]], FLEET.machines)
    first, second = (await api.ask("GET", "/api/v1/profiles")).body
    assert [first[key] for key in ("name", "payload", "boots", "bundle", "machines")] == [
        "lab-eve",
        "eve",
        "once",
        "eve-13.3",
        1,
    ]
    assert [(arg["key"], arg["values"], arg["where"]) for arg in first["args"]] == [
        ("console", ["tty0", "ttyS0"], "profiles.yaml:3"),
        ("debug", None, "profiles.yaml:3"),
    ]
    assert (second["name"], second["boots"], second["bundle"]) == ("rescue", "always", None)


async def test_a_profile_that_boots_once_says_how_long_its_installation_may_take(api: Api) -> None:
    edge = replace(FLEET.profiles["lab-eve"], limits=LimitKeys(installing=60.0))
    api.fleet = Snapshot([edge, FLEET.profiles["rescue"]], FLEET.machines)
    first, second = (await api.ask("GET", "/api/v1/profiles")).body
    assert first["limits"] == {"fetching": 1800.0, "installing": 60.0, "quiet": 60.0, "powers_off": True}
    assert second["limits"] is None


async def test_a_bundle_is_there_once_with_all_its_names_and_who_boots_it(api: Api) -> None:
    one = replace(bundle(Era.B2), name="eve-13.3", directory="sha256-0123456789abcdef")
    other = replace(one, name="current")
    api.bundles = {"eve-13.3": one, one.directory: one, "current": other}
    (shown,) = (await api.ask("GET", "/api/v1/bundles")).body
    assert (shown["names"], shown["directory"], shown["profiles"]) == (
        ["current", "eve-13.3"],
        one.directory,
        ["lab-eve"],
    )
    assert (shown["version"], shown["arch"]) == ("17.3.0", "amd64")


async def test_without_any_there_are_none(api: Api) -> None:
    assert (await api.ask("GET", "/api/v1/bundles")).body == []


async def test_the_status_says_how_much_there_is_and_what_there_was_no_room_for(api: Api) -> None:
    api.saw(EDGE)
    api.running.dropped = 3
    assert (await api.ask("GET", "/api/v1/status")).body == {
        "machines": 1,
        "boots": 0,
        "transfers": 0,
        "readers": 0,
        "dropped": 3,
    }
