"""Boots of real firmware that something stops, named by netbootd: what replays cannot know is how firmware takes it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.lab.firmware import Firmware
from tests.lab.lab import Lab
from tests.lab.machine import Hardware
from tests.support.firewall import TCP, Firewall
from tests.support.web import opened

pytestmark = pytest.mark.lab

NODE = "52:54:00:99:00:01"
PATIENCE = 480.0  # seconds; firmware's own time-outs, and 90 of ours
SETTINGS = """
unknown: rescue
profiles:
  rescue: {payload: linux, kernel: lab/vmlinuz, initrd: lab/initrd.gz, args: {console: ttyS0}}
  holey: {payload: linux, kernel: lab/gone, args: {console: ttyS0}}
"""
type_of_lab = Callable[..., Lab]


def named(lab: Lab, cause: str) -> dict[str, Any]:
    """Wait until this is the machine's trouble."""
    until, found = time.monotonic() + PATIENCE, None
    while time.monotonic() < until:
        with opened(lab.network.boot, "127.0.0.1", f"/api/v1/machines/{NODE}", 8081) as answer:
            found = json.loads(answer.read()).get("trouble") if answer.status == 200 else None
        if found and found["cause"] == cause:
            return dict(found)
        time.sleep(1.0)
    raise AssertionError(f"no {cause}, but {found}")


def test_a_kernel_that_is_missing(lab: type_of_lab) -> None:
    opened_lab = lab(f"{SETTINGS}machines:\n  - {{mac: '{NODE}', profile: holey}}\n")
    with opened_lab.power_on(Hardware(firmware=Firmware.BIOS_IPXE, mac=NODE)):
        trouble = named(opened_lab, "file_missing")
    assert "lab/gone" in trouble["sentence"]


def test_a_firewall_that_lets_dhcp_through_and_not_http(lab: type_of_lab) -> None:
    opened_lab = lab(SETTINGS)
    wall = Firewall(opened_lab.network.boot)
    for host in range(100, 251):  # dnsmasq's range
        wall.drop_in(f"10.99.0.{host}", TCP, 8080)
    with opened_lab.power_on(Hardware(firmware=Firmware.BIOS_IPXE, mac=NODE)):
        trouble = named(opened_lab, "http_never_asked")
    assert "8080" in trouble["advice"]
