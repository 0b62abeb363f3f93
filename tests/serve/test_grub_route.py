"""Machines boot EVE by its own GRUB: settings, iPXE's script, GRUB's names by TFTP, its HTTP client, and the books."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from netbootd.artifacts.tree import Tree
from netbootd.boot.plan import GrubPlan
from netbootd.boot.site import Site as Place
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.load import load_world
from netbootd.net.tcp import bind_tcp
from netbootd.observe.events import Event, ScriptServed
from netbootd.observe.hub import Hub
from netbootd.payloads.eve.bundle import Era
from netbootd.serve.boot import BootSide
from netbootd.serve.directory import Directory
from netbootd.serve.http.app import build_app
from netbootd.serve.http.server import start_http
from netbootd.serve.planned import last_file
from netbootd.serve.progress import Progress
from netbootd.serve.tftp import TftpServer
from netbootd.serve.tftp_source import Content, Refused, Source
from netbootd.serve.tokens import Tokens, label
from netbootd.wire.fat_reader import read_fat
from netbootd.wire.mac import Mac
from netbootd.wire.tftp import ReadRequest
from tests.support.bootsite import Services, Site
from tests.support.eve_bundles import MIB, files_of, put
from tests.support.grub_http import Grub
from tests.support.journal import Disk, SlowJournal
from tests.support.settings import Files
from tests.support.tftp_client import Client
from tests.support.tftp_reader import Reader
from tests.support.worlds import CARD, OTHER_CARD

SETTINGS = """
    artifacts: artifacts
    profiles:
      new: {payload: eve, bundle: eve-17.4.0, route: grub, args: {eve_install_server: new.example}}
      old: {payload: eve, bundle: eve-17.3.0, route: grub, args: {eve_install_server: old.example}}
      direct: {payload: eve, bundle: eve-17.3.0}
    machines:
      - {mac: 52:54:00:12:34:56, name: n1, profile: old, config: {server: one/server}}
      - {mac: 52:54:00:12:34:57, name: n2, profile: new, config: {server: two/server}}
      - {mac: 52:54:00:12:34:58, name: n3, profile: direct}
    """
DIRECT = Mac.parse("52:54:00:12:34:58")
HERE = "127.0.0.1"


@dataclass
class House:
    """A daemon's boot side, as the daemon puts it together."""

    boot: BootSide
    ledger: Ledger
    site: Site
    events: list[Event]
    journal: SlowJournal
    neighbours: dict[str, str]
    """The kernel's."""

    async def ipxe(self, mac: Mac = CARD) -> str:
        return (await self.site.ask(f"/machines/{mac.hexhyp}/ipxe.cfg?platform=efi&manufacturer=ACME")).body.decode()

    async def tftp(self, name: str, ip: str = HERE) -> str:
        found = await cast(Awaitable[Source], self.boot.resolve(name, ip, HERE))
        assert isinstance(found, Content)
        return found.data.decode()

    async def grub_cfg(self, mac: Mac = CARD) -> str:
        """What GRUB reads, which it asks for twice."""
        name = f"EFI/BOOT/grub.cfg-01-{mac.hexhyp}"
        await self.tftp(name)
        return await self.tftp(name)

    async def installed(self, script: str) -> dict[str, bytes]:
        """What that script has GRUB fetch, in the order GRUB does."""
        with Grub(self.site.port) as grub:
            menu = (await grub.contents(_one(r"config_grub_cfg='\(http,[^)]+\)([^']+)'", script))).decode()
            names = re.findall(r"newc:/([^:]+):\(http,[^)]+\)(\S+?)(?=[ \"])", menu)
            return {"grub.cfg": menu.encode()} | {name: await grub.contents(path) for name, path in names}

    async def known(self, mac: Mac, stage: Stage) -> None:
        """Until the books say so."""
        while self.ledger.stage(mac) is not stage:
            await asyncio.sleep(0)


def _one(pattern: str, text: str) -> str:
    (found,) = re.findall(pattern, text)
    return str(found)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    files = Files(tmp_path)
    for name, era in (("eve-17.3.0", Era.B2), ("eve-17.4.0", Era.B3)):
        put(tmp_path / "artifacts" / name, files_of(era))
    files.write("one/server", "one.example\n")
    files.write("two/server", "two.example\n")
    config = files.load(SETTINGS)
    neighbours: dict[str, str] = {}
    directory, events = Directory(lambda _mac: "", neighbours.get), list[Event]()
    journal = SlowJournal(Disk(), at_once=True)
    ledger = Ledger(journal)
    hub = Hub(directory.who)
    hub.add(events.append)
    progress = Progress(ledger, hub)
    hub.add(progress)
    tokens = Tokens(ledger.entry)
    hub.add(tokens.observe)
    sock = bind_tcp(HERE, 0)
    boot = BootSide(
        emit=hub,
        directory=directory,
        site=lambda address: Place(address, sock.getsockname()[1]),
        world=load_world(config, stage=ledger.stage).world,
        firmware={},
        tree=Tree(config.artifacts),
        handed=progress.handed,
        admit=progress.admit,
        tokens=tokens,
    )
    for mac in (CARD, OTHER_CARD, DIRECT):
        assert await ledger.arm(mac, "a person", 0.0)
    server = await start_http(build_app(boot), [sock], hub, grace=1.0)
    try:
        yield House(boot, ledger, Site(server, cast(Services, boot)), events, journal, neighbours)
    finally:
        await server.stop()


async def test_two_releases_from_one_server_each_node_its_own(house: House) -> None:
    """At the same time, step by step."""
    assert "/artifacts/eve-17.3.0/EFI/BOOT/BOOTX64.EFI" in await house.ipxe(CARD)
    assert "/artifacts/eve-17.4.0/EFI/BOOT/BOOTX64.EFI" in await house.ipxe(OTHER_CARD)
    old, new = await house.grub_cfg(CARD), await house.grub_cfg(OTHER_CARD)
    assert "/artifacts/eve-17.3.0/installer.iso" in old
    assert "/artifacts/eve-17.4.0/installer.iso" in new
    one, two = await asyncio.gather(house.installed(old), house.installed(new))
    assert b"eve_install_server=old.example" in one["grub.cfg"]
    assert b"eve_install_server=new.example" in two["grub.cfg"]
    assert b"one.example" in one["installer.iso"]
    assert list(two) == ["grub.cfg", "config.img", "rootfs_installer.img"]
    assert read_fat(two["config.img"]).files["server"] == b"two.example\n"
    await house.known(CARD, Stage.GIVEN)
    await house.known(OTHER_CARD, Stage.GIVEN)


async def test_the_node_s_iso_differs_from_the_stock_one_in_its_configuration_alone(house: House) -> None:
    own = (await house.installed(await house.grub_cfg()))["installer.iso"]
    stock = (await house.site.ask("/artifacts/eve-17.3.0/installer.iso")).body
    first = next(n for n, (a, b) in enumerate(zip(own, stock, strict=True)) if a != b)
    at = stock.index(bytes(MIB))
    assert at <= first < at + MIB
    assert (own[:at], own[at + MIB :]) == (stock[:at], stock[at + MIB :])


async def test_it_counts_as_given_with_the_last_byte_however_many_ranges_it_took(house: House) -> None:
    await house.ipxe()
    script = await house.grub_cfg()
    with Grub(house.site.port) as grub:
        path = _one(r"(/node/[^/]+/)grub\.cfg", script) + "installer.iso"
        file = await grub.open(path)
        size = file.parser.size or 0
        await file.read(100_000)
        for start in (500_000, 100_000, size - 300_000):
            assert house.ledger.stage(CARD) is Stage.ARMED
            file = await grub.seek(file, path, start)
            await file.read(1000)
        file = await grub.seek(file, path, 101_000)
        assert len(await file.read()) == size - 101_000
        await house.known(CARD, Stage.GIVEN)
    assert "configfile" not in await house.grub_cfg()


async def test_one_that_lost_power_before_is_still_armed(house: House) -> None:
    script = await house.grub_cfg()
    with Grub(house.site.port, window=16 << 10) as grub:
        file = await grub.open(_one(r"(/node/[^/]+/)grub\.cfg", script) + "installer.iso")
        await file.read(1000)
    assert house.ledger.stage(CARD) is Stage.ARMED
    await house.installed(await house.grub_cfg())
    await house.known(CARD, Stage.GIVEN)


async def test_the_first_of_the_two_answers_stays_good_as_well(house: House) -> None:
    """GRUB asks for its configuration twice; which of the answers it reads is its affair."""
    name = f"EFI/BOOT/grub.cfg-01-{CARD.hexhyp}"
    first, second = await house.tftp(name), await house.tftp(name)
    assert first != second
    for script in (second, first):
        assert "installer.iso" in await house.installed(script)


async def test_the_same_by_http(house: House) -> None:
    with Grub(house.site.port) as grub:
        script = (await grub.contents(f"/EFI/BOOT/grub.cfg-01-{CARD.hexhyp}")).decode()
        named = (await grub.contents(f"/machines/{CARD.hexhyp}/grub.cfg")).decode()
    token = re.compile(r"/node/[^/]+/")
    assert token.sub("", script) == token.sub("", named)
    assert "config_grub_cfg" in script


async def test_an_older_grub_asks_by_its_address_alone(house: House) -> None:
    """The iPXE of that address has just said which card it is."""
    with pytest.raises(Refused):
        await house.tftp("EFI/BOOT/grub.cfg")
    await house.ipxe(OTHER_CARD)
    assert "eve-17.4.0" in await house.tftp("EFI/BOOT/grub.cfg")
    with pytest.raises(Refused):
        await house.tftp("EFI/BOOT/grub.cfg", "192.0.2.99")


async def test_by_its_address_alone_no_machine_gets_what_another_is_armed_for(house: House) -> None:
    """The address went from an armed machine to one that nobody armed, and that one's GRUB asks."""
    await house.ipxe(OTHER_CARD)
    house.neighbours[HERE] = "52:54:00:12:34:99"
    script = await house.tftp("EFI/BOOT/grub.cfg")
    assert "eve-17.4.0" not in script
    assert "installer.iso" not in script


async def test_behind_one_address_no_machine_gets_what_its_neighbour_is_armed_for(house: House) -> None:
    await house.ipxe(OTHER_CARD)
    await house.ipxe(Mac.parse("52:54:00:12:34:99"))
    await house.ipxe(OTHER_CARD)
    with pytest.raises(Refused):
        await house.tftp("EFI/BOOT/grub.cfg")


async def test_what_grub_tries_on_the_way_is_refused_and_spends_nothing(house: House) -> None:
    for name in ("grub.cfg-44332211-6655-8877-99aa-bbccddeeff00", "grub.cfg-C000024D", "x86_64-efi/fs.lst"):
        with pytest.raises(Refused):
            await house.tftp(f"EFI/BOOT/{name}")
    assert not [event for event in house.events if isinstance(event, ScriptServed)]


async def test_the_same_over_tftp_itself(house: House) -> None:
    """With the options GRUB asks for; ten names and four lists come before the one there is, each told at once."""
    server = TftpServer(house.boot.resolve, house.events.append, address=HERE, port=0)
    await server.start()
    try:
        for name in ("grub.cfg-00000000-0000-0000-0000-000000000000", "x86_64-efi/command.lst", "grub.cfg-7F000001"):
            assert (await read(server, name)).error
        found = [await read(server, f"grub.cfg-01-{CARD.hexhyp}") for _ in range(2)]
    finally:
        await server.stop()
    assert [b"config_grub_cfg" in bytes(each.received) for each in found] == [True, True]
    await house.installed(bytes(found[-1].received).decode())
    await house.known(CARD, Stage.GIVEN)


async def read(server: TftpServer, name: str) -> Reader:
    asked = ReadRequest(f"/EFI/BOOT/{name}", "octet", (("blksize", "1024"), ("tsize", "0")))
    client = Client(server.address, asked)
    try:
        return await client.finished
    finally:
        client.close()


async def test_what_would_install_goes_out_by_tftp_after_it_was_recorded(house: House) -> None:
    """As by HTTP: a record that fails means a script that installs nothing."""
    house.journal.broken = True
    script = await house.tftp(f"EFI/BOOT/grub.cfg-01-{CARD.hexhyp}")
    assert "configfile" not in script


def test_the_last_file_is_ours_whatever_the_public_url_is() -> None:
    """GRUB gets addresses, and what it fetches is told by them."""
    site = Place("192.0.2.1", 80, public_url="https://boot.example.net/netboot")
    server = "http://192.0.2.1"
    plan = GrubPlan("192.0.2.1", server, "", "", "", f"{server}/node/{'t' * 32}/installer.iso", ())
    assert last_file(plan, site.base_url) == f"node/{label('t' * 32)}/installer.iso"


async def test_a_machine_of_the_direct_route_gets_its_kernel_from_grub_too(house: House) -> None:
    script = await house.tftp(f"EFI/BOOT/grub.cfg-01-{DIRECT.hexhyp}")
    assert "linux '(http," in script
    assert "configfile" not in script


async def test_events_tell_of_tftp_and_no_token(house: House) -> None:
    script = await house.grub_cfg()
    await house.installed(script)
    served = [event for event in house.events if isinstance(event, ScriptServed)]
    assert [(event.script, event.via) for event in served] == [(f"machines/{CARD.hexhyp}/grub.cfg", "tftp")] * 2
    assert _one(r"/node/([^/]+)/grub\.cfg", script) not in repr(house.events)
