"""The seam: what stands in the table of payloads is whole, and each is closed to unknown settings."""

from __future__ import annotations

import dataclasses

import pytest

from netbootd.boot.model import Boots
from netbootd.payloads import PAYLOADS, Payload, Role, the
from netbootd.payloads.base import CLOSED, url_fault
from netbootd.payloads.eve.bundle import Bundle, Era
from netbootd.resources import templates_dir

each = pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))


def test_these_systems_can_be_booted() -> None:
    assert set(PAYLOADS) == {"eve", "linux", "local", "menu", "script"}


@each
def test_a_payload_is_found_by_its_name_and_has_its_template(payload: Payload) -> None:
    assert PAYLOADS[payload.name] is payload
    assert payload.template == payload.name
    assert (templates_dir() / f"{payload.template}.ipxe.j2").is_file()


@each
def test_settings_are_frozen_and_closed(payload: Payload) -> None:
    assert dataclasses.is_dataclass(payload.settings)
    assert payload.settings.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert payload.settings.__pydantic_config__ == CLOSED  # type: ignore[attr-defined]


@each
def test_only_an_installer_boots_once(payload: Payload) -> None:
    assert (payload.boots is Boots.ONCE) is (payload.name == "eve")


@pytest.mark.parametrize("url", ["http://x/a b", "http://x/${net0/mac}", "x/a", "http://x\n", "http://x/\\", ""])
def test_a_url_that_falls_apart_in_a_script_has_a_fault(url: str) -> None:
    assert url_fault(url)


@pytest.mark.parametrize(
    "url", ["http://x/a?b=1&c=2#d", "https://user@x:8443/", "tftp://192.0.2.1/x", "http://[2001:db8::1]/x"]
)
def test_a_usual_url_has_none(url: str) -> None:
    assert url_fault(url) == ""


@pytest.mark.parametrize("role", Role, ids=lambda role: role.name)
def test_one_payload_has_each_role(role: Role) -> None:
    assert [payload for payload in PAYLOADS.values() if payload.role is role] == [the(role)]


def test_a_payload_without_bundles_refuses_none() -> None:
    bundle = Bundle("x", "", "x", Era.A)
    assert PAYLOADS["linux"].refusal(None, bundle) == ""
