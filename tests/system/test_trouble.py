"""Trouble with the state: boots go on from what is known, installers are held, it is said once, nothing is lost."""

from __future__ import annotations

import contextlib
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.house import KERNEL, furnished, settings
from tests.support.netbootd import Running, running
from tests.support.ports import free_port
from tests.support.postgres import Server, server

pytestmark = pytest.mark.system

CARD, OTHER, FREE = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
SETTINGS = """
dhcp: {{mode: off}}
tftp: {{port: 0}}
http: {{port: 0}}
admin: {{listen: "127.0.0.1:{port}"}}
unknown: rescue
profiles:
  edge: {{payload: linux, kernel: kernel, boots: once}}
  rescue: {{payload: linux, kernel: kernel}}
"""


class House:
    """A daemon, asked by its API and as machines do."""

    def __init__(self, daemon: Running) -> None:
        self.daemon = daemon
        started = daemon.event("daemon.started")
        http = next(each.split()[-1] for each in started["services"] if each.startswith("HTTP"))
        told = (daemon.directory / "netbootd.yaml").read_text()
        admin = told.partition('listen: "127.0.0.1:')[2].partition('"')[0]
        self.http, self.admin = f"http://127.0.0.1:{http.rpartition(':')[2]}", f"http://127.0.0.1:{admin}"

    def say(self, path: str, body: object = None) -> tuple[int, Any]:
        """POST; the status, and what it answered."""
        request = urllib.request.Request(f"{self.admin}/api/v1{path}", json.dumps(body or {}).encode())
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def make(self, mac: str) -> None:
        assert self.say("/machines", {"mac": mac, "name": f"node-{mac[-1]}", "profile": "edge"})[0] == 201
        assert self.arm(mac) == 200

    def arm(self, mac: str) -> int:
        return self.say(f"/machines/{mac}/install")[0]

    def names(self) -> set[str]:
        return {each["name"] for each in json.loads(get(f"{self.admin}/api/v1/machines"))}

    def boots(self, mac: str) -> bool:
        """Whether its script has it boot from the network; and the file is there for everybody."""
        assert get(f"{self.http}/artifacts/kernel") == KERNEL
        return b"/artifacts/kernel" in get(f"{self.http}/machines/{mac}/ipxe.cfg?buildarch=x86_64&platform=efi")

    def health(self) -> str:
        return get(f"{self.admin}/healthz").decode()

    def errors(self) -> list[str]:
        return [each["text"] for each in self.daemon.events("daemon.notice") if each["level"] == "error"]

    def until_well(self) -> None:
        self.daemon.event("daemon.notice", text="can be written again")
        assert self.health() == "ok\n"


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return bytes(answer.read())


@contextlib.contextmanager
def small_disk(house: Path, then: str = "true") -> Iterator[tuple[House, Path]]:
    """A daemon whose state is on a disk of a megabyte, which it alone sees; and where we see that."""
    (house / "state").mkdir()
    text = on(house, f"sqlite:///{house}/state/state.db")
    mount = f'mount -t tmpfs -o size=1m none {house}/state && {then} && exec "$@"'
    with running(house, text, before=("unshare", "--mount", "sh", "-ec", mount, "sh")) as daemon:
        yield House(daemon), Path(f"/proc/{daemon.process.pid}/root{house}/state")


@pytest.fixture
def house(tmp_path: Path) -> Path:
    return furnished(tmp_path)


def test_a_disk_that_is_full(house: Path) -> None:
    with small_disk(house) as (asked, disk):
        asked.make(CARD)
        with contextlib.suppress(OSError), (disk / "other").open("wb", buffering=0) as other:
            while True:
                other.write(bytes(4096))
        for number in range(200):  # until the room that the database had is used up, too
            if (
                asked.say("/machines", {"mac": f"02:00:00:00:01:{number:02x}", "name": "x" * 150 + str(number)})[0]
                != 201
            ):
                break
        assert asked.arm(OTHER) in (409, 503)
        notice = asked.daemon.event("daemon.notice", level="error")
        assert "cannot be written: database or disk is full" in notice["text"]
        assert asked.health().startswith("degraded: ")
        assert not asked.boots(CARD), "it is held"
        assert asked.boots(FREE)
        assert len(asked.errors()) == 1
        (disk / "other").unlink()
        asked.until_well()
        assert "node-1" in asked.names()
        assert asked.boots(CARD)


def test_a_disk_that_may_only_be_read(house: Path) -> None:
    with small_disk(house, f"mount -o remount,ro {house}/state") as (asked, disk):
        assert "cannot be used: Read-only file system" in asked.errors()[0]
        assert "start netbootd again" in asked.health()
        assert asked.arm(CARD) in (409, 503)
        assert asked.boots(FREE)
        assert len(asked.errors()) == 1
        assert list(disk.iterdir()) == []


@pytest.fixture
def postgres() -> Iterator[Server]:
    with server() as started:
        yield started


def on(house: Path, url: str) -> str:
    """Settings with this state."""
    told = settings(house, SETTINGS.format(port=free_port()))
    return told.replace(f"sqlite:///{house}/state.db", url)


def test_a_database_that_is_gone_at_the_start_and_later(house: Path, postgres: Server) -> None:
    url = postgres.database()
    postgres.stop()
    with running(house, on(house, url)) as daemon:
        asked = House(daemon)
        assert asked.health().startswith("degraded: ")
        assert asked.boots(FREE)
        assert asked.arm(CARD) in (409, 503)
        postgres.start()
        asked.until_well()
        asked.make(CARD)
        postgres.stop()
        while asked.health() == "ok\n":
            time.sleep(0.05)
        assert not asked.boots(CARD)
        assert asked.boots(FREE)
        postgres.start()
        while asked.health() != "ok\n":
            time.sleep(0.05)
        assert asked.boots(CARD)
        assert len(asked.errors()) == 2
        assert asked.names() >= {"node-1"}


def test_a_wrong_password_is_told_and_never_shown(house: Path, postgres: Server) -> None:
    url = postgres.database()
    postgres.say("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    with running(house, on(house, url.replace("netbootd@", "guarded:t0p-secret@"))) as daemon:
        asked = House(daemon)
        assert "password authentication failed" in asked.errors()[0]
        assert "guarded:***@" in asked.health()
        assert asked.boots(FREE)
        assert "t0p-secret" not in daemon.text() + asked.health()


def test_a_library_that_is_not_there_is_named(house: Path) -> None:
    (house / "away" / "psycopg").mkdir(parents=True)
    (house / "away" / "psycopg" / "__init__.py").write_text("raise ImportError('no psycopg here')\n")
    url = "postgresql://netbootd:t0p-secret@127.0.0.1:1/fleet"
    with running(house, on(house, url), environment={"PYTHONPATH": str(house / "away")}) as daemon:
        asked = House(daemon)
        assert "pip install 'netbootd[postgresql]'" in asked.errors()[0]
        assert asked.boots(FREE)
        assert "t0p-secret" not in daemon.text() + asked.health()


def test_one_that_takes_nothing_more_of_the_network(house: Path) -> None:
    """Somebody listens, and never answers: nobody waits for that but who would install."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://netbootd@127.0.0.1:{silent.getsockname()[1]}/fleet"
        with running(house, on(house, url)) as daemon:
            asked = House(daemon)
            assert asked.health().startswith("degraded: ")
            assert asked.boots(FREE)
            daemon.process.kill()
            daemon.process.wait()
