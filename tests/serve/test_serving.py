"""All that machines speak to, on ports of the system's choice: it begins with what is bound and ends together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from ssl import SSLContext
from typing import Any

import aiohttp
import pytest

from netbootd.artifacts.tree import Tree
from netbootd.config import Config, load
from netbootd.net.interfaces import Address, Interface
from netbootd.net.served import Interfaces
from netbootd.net.udp import bind_udp
from netbootd.observe.events import DaemonNotice, DhcpSilent, Event, InstallerSaid
from netbootd.observe.hub import Hub
from netbootd.serve.addresses import Addresses
from netbootd.serve.boot import BootSide
from netbootd.serve.directory import Directory
from netbootd.serve.listening import Listening, listen
from netbootd.serve.serving import Serving
from netbootd.serve.sockets import Sockets
from tests.support import tftp_client, worlds
from tests.support.tls import named, own, trusting

CONFIG = replace(load(None), dhcp_mode="off", tftp_port=0, http_port=0, admin_listen=("127.0.0.1", 0))
LO = Interface("lo", socket.if_nametoindex("lo"), (Address("127.0.0.1", 8),))
PROGRAM = bytes(range(256)) * 9


@dataclass
class House:
    """What is bound, what serves on it, and what was told."""

    listening: Listening
    serving: Serving
    boot: BootSide
    events: list[Event]

    async def start(self, config: Config, context: Callable[[], SSLContext] | None = None) -> None:
        await self.serving.start(config, worlds.world, self.boot, context or _no_context)

    async def healthy(self) -> bool:
        url = f"http://127.0.0.1:{self.listening.http_address[1]}/healthz"
        async with aiohttp.request("GET", url) as answer:
            return answer.status == 200

    async def told(self, kind: type[Event]) -> Event:
        """The first of its kind."""
        while not (found := [event for event in self.events if isinstance(event, kind)]):
            await asyncio.sleep(0.01)
        return found[0]


def _no_context() -> SSLContext:
    raise AssertionError("nothing is served by TLS")


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Callable[..., House]]:
    sockets, houses = Sockets(), []

    def make(config: Config, **bound: Any) -> House:
        listening = replace(listen(config, sockets), **bound)
        events: list[Event] = []
        directory = Directory(lambda _mac: "")
        hub = Hub(directory.who)
        hub.add(events.append)
        addresses = Addresses(config, listening, Interfaces(None, look=lambda: (LO,)))
        boot = BootSide(
            emit=hub,
            directory=directory,
            site=addresses.site,
            world=worlds.world(),
            firmware={"ipxe.efi": PROGRAM},
            tree=Tree(tmp_path),
        )
        house = House(listening, Serving(listening, addresses, hub, directory, drain=0.0), boot, events)
        houses.append(house)
        return house

    yield make
    for house in houses:
        await house.serving.stop()
    sockets.close()


def dhcp_at(port: int) -> tuple[tuple[socket.socket, int], ...]:
    """A socket that stands for that port."""
    return ((bind_udp("127.0.0.1", 0), port),)


def send(data: bytes, to: socket.socket) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, ("127.0.0.1", to.getsockname()[1]))


async def test_all_that_is_bound_is_served_and_who_asks_is_told_of(made: Callable[..., House]) -> None:
    config = replace(CONFIG, syslog_port=0)
    house = made(config, dhcp=dhcp_at(67))
    await house.start(config)
    assert await house.healthy()
    assert house.listening.tftp_address
    read = await tftp_client.read(("127.0.0.1", house.listening.tftp_address[1]), "ipxe.efi")
    assert bytes(read.received) == PROGRAM
    send(b"no packet", house.listening.dhcp[0][0])
    assert await house.told(DhcpSilent)


async def test_an_installer_s_line_is_filed_under_the_machine_that_fetched_its_script(
    made: Callable[..., House],
) -> None:
    config = replace(CONFIG, syslog_port=0)
    house = made(config)
    await house.start(config)
    url = f"http://127.0.0.1:{house.listening.http_address[1]}/machines/{worlds.CARD.hexhyp}/ipxe.cfg"
    async with aiohttp.request("GET", url) as answer:
        assert answer.status == 200
    assert house.listening.syslog
    send(b"<30>anna[812]: downloading", house.listening.syslog)
    assert (await house.told(InstallerSaid)).mac == str(worlds.CARD)


async def test_what_is_not_bound_is_not_missed(made: Callable[..., House]) -> None:
    config = replace(CONFIG, tftp_mode="off")
    house = made(config)
    await house.start(config)
    assert await house.healthy()


async def test_what_is_bound_for_tls_is_served_with_the_certificate_that_is_shown_now(
    made: Callable[..., House],
) -> None:
    config = replace(CONFIG, tls=replace(named(Path("boot.crt"), None), port=0))
    house = made(config)
    await house.start(config, lambda: own()[0].context)
    assert house.listening.https_address
    url = f"https://localhost:{house.listening.https_address[1]}/healthz"
    async with aiohttp.request("GET", url, ssl=trusting()) as answer:
        assert answer.status == 200


async def test_that_others_cannot_be_overheard_is_said_in_passing_where_it_was_wanted(
    made: Callable[..., House],
) -> None:
    """Without CAP_NET_RAW; nothing but a diagnosis is poorer for it."""
    for config, said in ((CONFIG, 1), (replace(CONFIG, overhear=False), 0)):
        house = made(config, dhcp=dhcp_at(67), overheard=None)
        await house.start(config)
        notices = [event for event in house.events if isinstance(event, DaemonNotice)]
        assert [each.severity for each in notices] == ["debug"] * said


async def test_stopped_nobody_is_answered_and_every_port_is_free(made: Callable[..., House]) -> None:
    config = replace(CONFIG, syslog_port=0)
    house = made(config, dhcp=dhcp_at(67))
    await house.start(config)
    bound = house.listening
    await house.serving.stop()
    each = (*(sock for sock, _ in bound.dhcp), bound.tftp, bound.syslog, bound.http)
    assert {sock.fileno() for sock in each if sock} == {-1}


async def test_a_start_that_fails_half_way_leaves_nothing_running(made: Callable[..., House]) -> None:
    house = made(CONFIG, dhcp=dhcp_at(67))
    house.listening.http.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await house.start(CONFIG)
    await house.serving.stop()
    assert house.listening.dhcp[0][0].fileno() == -1
    assert house.listening.tftp
    assert house.listening.tftp.fileno() == -1
