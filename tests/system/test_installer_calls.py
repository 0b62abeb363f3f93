"""An installer says how it went, to a real daemon that was killed in the middle of it and started anew."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from netbootd.payloads.eve.bundle import Era
from tests.support.eve_bundles import files_of, put
from tests.support.house import SERVER, settings
from tests.support.netbootd import Running, command, running
from tests.support.places import Places
from tests.support.web import get, opened, status

pytestmark = pytest.mark.system

FLEET = """\
profiles:
  edge: {payload: eve, bundle: eve, config: site/}
  debian:
    payload: linux
    kernel: kernel
    initrd: initrd.gz
    boots: once
    args: {netboot_done: "{{ boot.done_url }}", netboot_failed: "{{ boot.failed_url }}"}
machines:
  - {mac: "52:54:00:12:34:56", name: node-1, profile: edge}
  - {mac: "52:54:00:12:34:57", name: node-2, profile: debian}
  - {mac: "52:54:00:12:34:58", name: node-3, profile: debian}
"""
CARDS = {"node-1": "52-54-00-12-34-56", "node-2": "52-54-00-12-34-57", "node-3": "52-54-00-12-34-58"}


@pytest.fixture
def told(house: Path) -> str:
    """Settings for a house with an installer that calls home, and one with files for each machine."""
    put(house / "artifacts" / "eve", files_of(Era.A))
    (house / "site").mkdir()
    (house / "site" / "server").write_text("zed.example\n")
    (house / "artifacts" / "initrd.gz").write_bytes(b"initrd")
    return settings(house, FLEET)


def machines(wired: Places, house: Path, *arguments: str) -> str:
    line = wired.server.enter(*command("machines", *arguments, "-c", str(house / "netbootd.yaml")))
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def script(wired: Places, name: str) -> str:
    return get(wired.one, SERVER, f"/machines/{CARDS[name]}/ipxe.cfg?platform=efi&serial=S1").decode()


def calls(text: str) -> tuple[str, str]:
    """Where its installer says that it is done, and that it failed."""
    found = [re.search(rf"netboot_{how}=http://[^/]+(/node/\S+)", text) for how in ("done", "failed")]
    assert all(found), text
    return found[0][1], found[1][1]  # type: ignore[index]


def kill(daemon: Running) -> None:
    daemon.signal(signal.SIGKILL)
    daemon.process.wait()


def test_killed_between_its_script_and_its_call_it_hears_the_call(wired: Places, house: Path, told: str) -> None:
    with running(house, told, place=wired.server) as daemon:
        machines(wired, house, "install", "node-2")
        machines(wired, house, "install", "node-3")
        done, failed = calls(script(wired, "node-2"))
        others_done, others_failed = calls(script(wired, "node-3"))
        kill(daemon)
    with running(house, told, place=wired.server) as daemon:
        assert get(wired.one, SERVER, "/artifacts/kernel")
        assert get(wired.one, SERVER, "/artifacts/initrd.gz") == b"initrd"
        daemon.event("machine.changed", change="given its payload", machine="node-2")
        kill(daemon)
    with running(house, told, place=wired.server) as daemon:
        assert get(wired.one, SERVER, done) == b"done\n"
        daemon.event("machine.changed", change="installed", detail="the installer said so", machine="node-2")
        assert status(wired.one, SERVER, failed) == 404, "it has said otherwise before"
        assert status(wired.one, SERVER, others_failed + "?message=no%20disk%20found") == 200
        kill(daemon)  # what was answered is on disk
    with running(house, told, place=wired.server):
        assert "installed" in machines(wired, house, "show", "node-2")
        assert "no disk found" in machines(wired, house, "show", "node-3")
        assert get(wired.one, SERVER, done) == b"done\n", "the same again is the same answer"
        assert status(wired.one, SERVER, others_done) == 404
        assert "#" in script(wired, "node-2")
        assert "initrd.gz" not in re.sub("#.*", "", script(wired, "node-2"))


def test_killed_while_a_machine_fetches_what_was_made_for_it_the_very_same_is_made_again(
    wired: Places, house: Path, told: str
) -> None:
    with running(house, told, place=wired.server) as daemon:
        machines(wired, house, "install", "node-1")
        text = script(wired, "node-1")
        (path,) = re.findall(r"http://[^/]+(/node/\S+/config\.cpio\.gz)", text)
        with opened(wired.one, SERVER, path) as answer:
            etag = answer.getheader("ETag")
        config = get(wired.one, SERVER, path)
        kill(daemon)
    token = path.split("/")[2]
    with closing(sqlite3.connect(house / "state.db")) as state:
        kept = repr(state.execute("SELECT * FROM tokens").fetchall())
    assert token not in kept
    assert "zed.example" not in kept
    with running(house, told, place=wired.server) as daemon:
        with opened(wired.one, SERVER, path) as answer:
            assert (answer.getheader("ETag"), answer.read()) == (etag, config)
        for other in ("A" * 32, token[:-1], token[::-1]):
            assert status(wired.one, SERVER, path.replace(token, other)) == 404
            assert status(wired.one, SERVER, f"/node/{other}/done") == 404
        assert not [event for event in daemon.events() if token in repr(event)]


def test_from_another_network_a_token_opens_nothing(wired: Places, house: Path, told: str) -> None:
    elsewhere = told + "tokens: {networks: [198.51.100.0/24]}\n"
    with running(house, told, place=wired.server) as daemon:
        machines(wired, house, "install", "node-2")
        done, _ = calls(script(wired, "node-2"))
        daemon.rewrite(elsewhere)
        daemon.reload()
        assert status(wired.one, SERVER, done) == 404
        daemon.rewrite(told + "tokens: {networks: [10.99.0.0/24]}\n")
        daemon.reload()
        assert status(wired.one, SERVER, done) == 200
