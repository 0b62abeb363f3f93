"""A machine installs with files made for it alone: settings, script, token, HTTP, ledger and events in one piece."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from netbootd.artifacts.tree import Tree
from netbootd.boot.site import Site as Place
from netbootd.fleet.grants import PutGrant
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.load import load_world
from netbootd.net.tcp import bind_tcp
from netbootd.observe.events import Event, HttpRefused
from netbootd.observe.hub import Hub
from netbootd.payloads.eve.bundle import Era
from netbootd.serve.boot import BootSide
from netbootd.serve.directory import Directory
from netbootd.serve.http.app import build_app
from netbootd.serve.http.server import start_http
from netbootd.serve.progress import Progress
from netbootd.serve.tftp_source import Refused
from netbootd.serve.tokens import Tokens
from netbootd.wire.cpio import members
from netbootd.wire.fat_reader import read_fat
from tests.support.bootsite import Services, Site
from tests.support.eve_bundles import files_of, put
from tests.support.journal import Disk, SlowJournal
from tests.support.pem import CERTIFICATE, KEY
from tests.support.settings import Files
from tests.support.worlds import CARD, OTHER_CARD

SETTINGS = """
    artifacts: artifacts
    profiles:
      edge: {payload: eve, bundle: eve, config: site-a/}
    machines:
      - {mac: 52:54:00:12:34:56, name: n1, profile: edge, config: {server: n1/server}}
      - {mac: 52:54:00:12:34:57, name: n2, profile: edge}
    """


@dataclass
class House:
    """A daemon's boot side, as the daemon puts it together, on a clock moved by hand."""

    boot: BootSide
    ledger: Ledger
    site: Site
    events: list[Event] = field(default_factory=list)
    now: list[float] = field(default_factory=lambda: [0.0])
    kept: list[PutGrant] = field(default_factory=list)
    """What the state keeps of tokens."""

    async def script(self, mac: str = CARD.hexhyp) -> str:
        return (await self.site.ask(f"/machines/{mac}/ipxe.cfg")).body.decode()

    async def fetch(self, script: str) -> dict[str, bytes]:
        """Everything the script names, in its order, as iPXE does."""
        found = {}
        for url in re.findall(r"(?:kernel|initrd) --name \S+ http://[^/]+(\S+)", script):
            answer = await self.site.ask(url)
            assert answer.status == 200, url
            found[url.rpartition("/")[2]] = answer.body
        return found

    def stage(self) -> Stage | None:
        return self.ledger.stage(CARD)


def furnished(directory: Path, era: Era) -> Files:
    files = Files(directory)
    put(directory / "artifacts" / "eve", files_of(era))
    files.write("site-a/server", "zed.example\n")
    files.write("site-a/soft_serial", "{{ machine.serial | default(machine.name) }}\n")
    files.write("n1/server", "own.example\n")
    for name, data in (("root-certificate", CERTIFICATE), ("onboard.cert", CERTIFICATE), ("onboard.key", KEY)):
        (directory / "site-a" / f"{name}.pem").write_bytes(data)
    return files


@pytest.fixture(params=[Era.A, Era.B2, Era.B3], ids=lambda era: f"era {era.value}")
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    config = furnished(tmp_path, request.param).load(SETTINGS)
    directory, now, events = Directory(lambda _mac: ""), [0.0], list[Event]()
    ledger = Ledger(SlowJournal(Disk(), at_once=True))
    hub = Hub(directory.who)
    hub.add(events.append)
    progress = Progress(ledger, hub)
    hub.add(progress)
    kept: list[PutGrant] = []
    tokens = Tokens(ledger.entry, clock=lambda: now[0], wall=lambda: now[0], keep=kept.append)
    hub.add(tokens.observe)
    boot = BootSide(
        emit=hub,
        directory=directory,
        site=Place,
        world=load_world(config, stage=ledger.stage).world,
        firmware={},
        tree=Tree(config.artifacts),
        handed=progress.handed,
        admit=progress.admit,
        tokens=tokens,
    )
    for mac in (CARD, OTHER_CARD):
        assert await ledger.arm(mac, "a person", 0.0)
    server = await start_http(build_app(boot), [bind_tcp("127.0.0.1", 0)], hub, grace=1.0)
    try:
        yield House(boot, ledger, Site(server, cast(Services, boot)), events, now, kept)
    finally:
        await server.stop()


def config_in(fetched: dict[str, bytes]) -> dict[str, bytes]:
    """What the node will find in its partition."""
    if "config.cpio.gz" in fetched:
        archive = gzip.decompress(fetched["config.cpio.gz"])
    else:
        archive = fetched["initrd"][fetched["initrd"].index(b"070701") :]
    (image,) = [each.data for each in members(archive) if each.name.endswith("config.img")]
    return read_fat(image).files


async def test_each_machine_gets_its_own_files_and_is_then_left_to_its_disk(house: House) -> None:
    own = config_in(await house.fetch(await house.script()))
    assert (own["server"], own["soft_serial"], own["onboard.key.pem"]) == (b"own.example\n", b"n1\n", KEY)
    assert house.stage() is Stage.GIVEN
    assert "/node/" not in await house.script()

    other = config_in(await house.fetch(await house.script(OTHER_CARD.hexhyp)))
    assert (other["server"], other["soft_serial"]) == (b"zed.example\n", b"n2\n")


async def test_a_minute_after_it_was_installed_its_files_are_gone(house: House) -> None:
    script = await house.script()
    await house.fetch(script)
    urls = re.findall(r"http://[^/]+(/node/\S+)", script)
    assert (await house.site.ask(urls[-1])).status == 200
    house.now[0] = 61.0
    missing = await house.site.ask("/node/never/initrd")
    assert [await house.site.ask(url) for url in urls] == [missing] * len(urls)


async def test_one_that_broke_off_is_still_armed_and_tries_again(house: House) -> None:
    script = await house.script()
    last = re.findall(r"initrd --name \S+ http://[^/]+(\S+)", script)[-1]
    assert (await house.site.ask(last, Range="bytes=0-99")).status == 206
    assert house.stage() is Stage.ARMED
    await house.fetch(script)
    assert house.stage() is Stage.GIVEN


async def test_the_files_are_reachable_by_no_other_way(house: House) -> None:
    script = await house.script()
    token = re.findall(r"/node/([^/\s]+)/", script)[0]
    for name in ("config.cpio.gz", "initrd", "config.img"):
        for path in (name, f"node/{token}/{name}", f"eve/{name}"):
            assert (await house.site.ask(f"/artifacts/{path}")).status == 404
            with pytest.raises(Refused):
                await cast(Awaitable[object], house.boot.resolve(path, "127.0.0.1", "127.0.0.1"))
    for path in ("site-a/onboard.key.pem", "..%2fsite-a/onboard.key.pem"):
        assert (await house.site.ask(f"/artifacts/{path}")).status == 404


async def test_neither_a_token_nor_a_key_is_in_any_event(house: House) -> None:
    script = await house.script()
    await house.fetch(script)
    token = re.findall(r"/node/([^/\s]+)/", script)[0]
    await house.site.ask(f"/node/{token}/none")
    said = repr(house.events)

    assert isinstance(house.events[-1], HttpRefused)
    assert token not in said
    assert KEY.decode().splitlines()[1] not in said


async def test_a_daemon_that_was_started_anew_makes_the_very_same_files(house: House) -> None:
    """Of the node and of what it said it knows nothing more than what the state keeps."""
    script = (await house.site.ask(f"/machines/{CARD.hexhyp}/ipxe.cfg?serial=SN-1&manufacturer=ACME")).body.decode()
    urls = re.findall(r"http://[^/]+(/node/\S+)", script)
    assert urls
    token = urls[0].split("/")[2]
    tokens = Tokens(house.ledger.entry, wall=lambda: 0.0)
    for change in house.kept:
        tokens.recall(change.grant)
    again = BootSide(
        emit=house.events.append,
        directory=Directory(lambda _mac: ""),
        site=Place,
        world=house.boot.world,
        firmware={},
        tree=house.boot.artifacts(),
        tokens=tokens,
    )
    for url in urls:
        name = url.split("/", 3)[3]
        one, other = [await boot.node.document(token, name, "192.0.2.7") for boot in (house.boot, again)]
        assert one is not None
        assert one == other
    assert await again.node.document(token, "none", "192.0.2.7") is None
    assert config_in(await house.fetch(script))["soft_serial"] == b"SN-1\n"
    assert await again.node.document("x" * 32, urls[0].split("/", 3)[3], "192.0.2.7") is None
