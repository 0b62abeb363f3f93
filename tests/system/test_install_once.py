"""Install once, with everything real but the machine: armed by command, fetched by HTTP, killed in between."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.house import SERVER, settings
from tests.support.netbootd import command, running
from tests.support.places import Places
from tests.support.web import get

pytestmark = pytest.mark.system

MAC = "52:54:00:12:34:56"
FILES = ("kernel", "initrd.img", "installer.img", "initrd.bits", "rootfs.img")
FLEET = """\
profiles:
  edge: {payload: eve, bundle: eve}
  itself: {payload: eve, bundle: eve, auto: true}
machines:
  - {mac: "52:54:00:12:34:56", name: node-1, profile: edge}
  - {mac: "52:54:00:12:34:57", name: node-2, profile: itself}
"""


@pytest.fixture
def told(house: Path) -> str:
    """Settings for a house with a bundle."""
    bundle = house / "artifacts" / "eve"
    bundle.mkdir()
    for name in FILES:
        (bundle / name).write_bytes(name.encode() * 1000)
    return settings(house, FLEET)


def machines(wired: Places, house: Path, *arguments: str) -> str:
    """``netbootd machines`` beside the daemon; it has to succeed."""
    line = wired.server.enter(*command("machines", *arguments, "-c", str(house / "netbootd.yaml")))
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def installs(wired: Places, mac: str = MAC) -> bool:
    """Whether the machine's script would install it."""
    return b"rootfs.img" in get(wired.one, SERVER, f"/machines/{mac}/ipxe.cfg").replace(b"#", b"")


def fetch(wired: Places, *names: str) -> None:
    for name in names:
        assert get(wired.one, SERVER, f"/artifacts/eve/{name}") == name.encode() * 1000


def test_an_armed_machine_installs_once(wired: Places, house: Path, told: str) -> None:
    with running(house, told, place=wired.server) as daemon:
        assert daemon.event("daemon.notice", text="is new: machines of itself install at their next boot")
        assert not installs(wired)
        assert "is armed" in machines(wired, house, "install", "node-1")
        assert installs(wired)
        fetch(wired, *FILES)
        daemon.event("machine.changed", change="given its payload", machine="node-1")
        assert not installs(wired)
        assert "was given its payload" in machines(wired, house)
    with running(house, told, place=wired.server):
        assert not installs(wired)
        machines(wired, house, "install", MAC)
        assert installs(wired)


def test_killed_half_way_it_follows_the_machine_on(wired: Places, house: Path, told: str) -> None:
    with running(house, told, place=wired.server) as daemon:
        machines(wired, house, "install", "node-1")
        assert installs(wired)
        fetch(wired, *FILES[:2])
        daemon.signal(signal.SIGKILL)
        daemon.process.wait()
    with running(house, told, place=wired.server):
        fetch(wired, *FILES)
        assert not installs(wired)


def test_killed_at_the_last_byte_it_does_not_install_again(wired: Places, house: Path, told: str) -> None:
    """The machine that arms by itself, which would be armed again if its record were lost."""
    with running(house, told, place=wired.server) as daemon:
        assert installs(wired, "52:54:00:12:34:57")
        fetch(wired, *FILES)
        daemon.signal(signal.SIGKILL)
        daemon.process.wait()
    with running(house, told, place=wired.server):
        assert not installs(wired, "52:54:00:12:34:57")


def test_a_state_that_cannot_be_used_installs_nobody_and_serves_the_rest(wired: Places, house: Path, told: str) -> None:
    (house / "state.db").write_bytes(b"this was a database" * 100)
    with running(house, told, place=wired.server) as daemon:
        notice = daemon.event("daemon.notice", level="error")
        assert f"{house}/state.db cannot be used: file is not a database" in notice["text"]
        assert not installs(wired, "52:54:00:12:34:57")
        fetch(wired, *FILES)
    assert (house / "state.db").read_bytes() == b"this was a database" * 100
