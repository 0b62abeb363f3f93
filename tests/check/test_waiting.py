"""Machines that nobody has armed yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.check import waiting_told
from netbootd.check.waiting import waiting
from netbootd.fleet.lifecycle import Stage
from netbootd.load import load_world
from tests.support.house import furnished
from tests.support.settings import Files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(furnished(tmp_path))


def test_who_waits_to_be_armed_is_named(files: Files) -> None:
    """Not those that boot always, that arm themselves, that are armed, or were: advice would wipe what is installed."""
    config = files.load(
        """
        profiles:
          once: {payload: linux, kernel: k, boots: once}
          self: {payload: linux, kernel: k, boots: once, auto: true}
          always: {payload: linux, kernel: k}
        machines:
          - {mac: 52:54:00:00:00:01, name: waits, profile: once}
          - {mac: 52:54:00:00:00:02, name: armed, profile: once}
          - {mac: 52:54:00:00:00:03, name: self, profile: self}
          - {mac: 52:54:00:00:00:04, name: always, profile: always}
          - {mac: 52:54:00:00:00:05, name: nothing}
          - {mac: 52:54:00:00:00:06, name: installed, profile: once}
          - {mac: 52:54:00:00:00:07, name: left, profile: once}
        """
    )
    stages = {2: Stage.ARMED, 6: Stage.GIVEN, 7: Stage.DISARMED}
    world = load_world(config, stage=lambda mac: stages.get(mac.octets[-1])).world
    assert [machine.name for machine in waiting(world)] == ["waits"]
    assert waiting_told(world) == "waiting to be armed: waits; arm one: netbootd machines install NAME"
