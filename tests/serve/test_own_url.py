"""Machines that come by URLs of their own, from one address: settings, scripts, HTTP, ledger and events together."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from netbootd.artifacts.tree import Tree
from netbootd.boot.site import Site as Place
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.load import load_world
from netbootd.net.tcp import bind_tcp
from netbootd.observe.events import Event, MachineChanged, ScriptServed
from netbootd.observe.hub import Hub
from netbootd.serve.boot import BootSide
from netbootd.serve.directory import Directory
from netbootd.serve.http.app import build_app
from netbootd.serve.http.server import start_http
from netbootd.serve.progress import Progress
from netbootd.serve.tokens import Tokens, label
from tests.support.bootsite import Services, Site
from tests.support.eve_bundles import put
from tests.support.journal import Disk, SlowJournal
from tests.support.settings import Files

ONE, TWO = "Zq2uWm7xKp4tVn9rYc3sHd6f", "f6dHs3cYr9nVt4pKx7mWu2qZ"
SETTINGS = f"""
    artifacts: artifacts
    unknown: silent
    profiles:
      site:
        payload: linux
        kernel: site/vmlinuz
        initrd: [site/initrd.gz]
        boots: once
        auto: true
        args: {{serial: "{{{{ machine.ip }}}}", card: "{{{{ machine.mac }}}}"}}
    machines:
      - {{name: metal-1, secret: {ONE}, profile: site}}
      - {{name: metal-2, secret: {TWO}, profile: site}}
    """
CARD, OTHER_CARD = "52-54-00-00-00-01", "52-54-00-00-00-02"


@dataclass
class House:
    site: Site
    ledger: Ledger
    boot: BootSide
    events: list[Event] = field(default_factory=list)

    async def script(self, secret: str = ONE, mac: str = CARD, ip: str = "10.0.0.7", **more: str) -> str:
        query = "&".join([f"mac={mac}", f"ip={ip}", *(f"{key}={value}" for key, value in more.items())])
        return (await self.site.ask(f"/boot/{secret}/ipxe.cfg?{query}")).body.decode()

    async def fetch(self, script: str) -> None:
        for url in urls(script):
            assert (await self.site.ask(url)).status == 200

    def stage(self, secret: str) -> Stage | None:
        machine = self.boot.world.fleet.by_secret(secret)
        assert machine
        return self.ledger.stage(machine.macs[0])


def urls(script: str) -> list[str]:
    """Of what iPXE fetches, in its order."""
    return re.findall(r"(?:kernel|initrd) --name \S+ http://[^/]+(\S+)", script)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    config = Files(tmp_path).load(SETTINGS)
    put(tmp_path / "artifacts" / "site", {"vmlinuz": b"kernel", "initrd.gz": b"initrd"})
    directory, events = Directory(lambda _mac: ""), list[Event]()
    ledger = Ledger(SlowJournal(Disk(), at_once=True))
    hub = Hub(directory.who)
    hub.add(events.append)
    progress = Progress(ledger, hub)
    hub.add(progress)
    tokens = Tokens(ledger.entry)
    hub.add(tokens.observe)
    boot = BootSide(
        emit=hub,
        directory=directory,
        site=Place,
        world=load_world(config, stage=ledger.stage, known=directory.known).world,
        firmware={},
        tree=Tree(config.artifacts),
        handed=progress.handed,
        admit=progress.admit,
        tokens=tokens,
    )
    server = await start_http(build_app(boot), [bind_tcp("127.0.0.1", 0)], hub, grace=1.0)
    try:
        yield House(Site(server, cast(Services, boot)), ledger, boot, events)
    finally:
        await server.stop()


async def test_the_url_alone_gives_the_script_that_asks_and_comes_back(house: House) -> None:
    first = (await house.site.ask(f"/boot/{ONE}/ipxe.cfg")).body.decode()
    assert f"/boot/{ONE}/ipxe.cfg?${{who}}&${{what}}" in first
    assert house.stage(ONE) is None, "nothing has been handed out"


async def test_a_machine_gets_its_own_whatever_card_and_address_it_shows(house: House) -> None:
    script = await house.script(mac=OTHER_CARD, ip="10.0.0.9")
    assert "# metal-1, site" in script
    assert " serial=10.0.0.9 card=52:54:00:00:00:02 " in script


async def test_behind_one_address_the_last_byte_of_one_is_no_other_s(house: House) -> None:
    """Two of them load the same files at the same time through a NAT."""
    one, two = await house.script(ONE), await house.script(TWO, OTHER_CARD)
    assert not set(urls(one)) & set(urls(two))
    await house.fetch(one)
    assert (house.stage(ONE), house.stage(TWO)) == (Stage.GIVEN, Stage.ARMED)
    assert "own disk" in await house.script(ONE)
    await house.fetch(two)
    assert house.stage(TWO) is Stage.GIVEN
    given = [event.mac for event in house.events if isinstance(event, MachineChanged)]
    assert given == [str(m.macs[0]) for m in house.boot.world.fleet.machines]


async def test_from_another_card_it_is_not_installed_again(house: House) -> None:
    await house.fetch(await house.script(mac=CARD))
    assert "own disk" in await house.script(mac=OTHER_CARD)


async def test_the_address_it_is_remembered_by_is_no_way_to_its_script(house: House) -> None:
    """It stands in the log; and what somebody says of themselves there does not become what is known of the machine."""
    mac = house.boot.world.fleet.machines[0].macs[0].hexhyp
    said = (await house.site.ask(f"/machines/{mac}/ipxe.cfg?ip=10.6.6.6")).body.decode()
    assert not urls(said)
    assert "metal-1" not in said
    assert "10.6.6.6" not in (await house.site.ask(f"/boot/{ONE}/ipxe.cfg?mac={CARD}")).body.decode()


async def test_no_secret_is_in_any_event(house: House) -> None:
    await house.fetch(await house.script(serial="%24%7Bx%7D"))
    await house.site.ask(f"/boot/{ONE}/ipxe.cfg")
    for target in (f"/boot/{ONE}x/ipxe.cfg", f"/boot/{ONE}/grub.cfg", f"/boot/{ONE}"):
        assert (await house.site.ask(target)).status == 404
    assert ONE not in repr(house.events)
    names = {event.script for event in house.events if isinstance(event, ScriptServed)}
    assert names == {f"boot/{label(ONE)}/ipxe.cfg"}


async def test_whoever_asks_for_the_head_gets_nothing_handed_out(house: House) -> None:
    answer = await house.site.ask(f"/boot/{ONE}/ipxe.cfg?mac={CARD}", "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert not [event for event in house.events if isinstance(event, ScriptServed)]
