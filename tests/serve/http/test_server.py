"""Listening, stopping, and forgetting what a machine left behind."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from netbootd.observe.events import ArtifactServed
from netbootd.serve.http.quirks import GRUB_PORTS
from tests.support.bootsite import Site, running

SIZE = 16 << 20


async def begun(site: Site, local_port: int = 0) -> socket.socket:
    """A client in the middle of a download, which takes no more for now."""
    loop = asyncio.get_running_loop()
    site.file("eve/rootfs.img", bytes(SIZE))
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    client.bind(("127.0.0.1", local_port))
    client.setblocking(False)
    await loop.sock_connect(client, ("127.0.0.1", site.port))
    await loop.sock_sendall(client, b"GET /artifacts/eve/rootfs.img HTTP/1.1\r\nHost: x\r\n\r\n")
    taken = 0
    while taken < 1000:  # more than the headers: the body has begun, and more of it is queued than fits
        taken += len(await loop.sock_recv(client, 1000 - taken))
    return client


async def ended(site: Site) -> None:
    """One download was told of and its connection is gone."""
    open_before = site.server.connections
    assert isinstance(await site.services.events.get(), ArtifactServed)
    while site.server.connections >= open_before > 0:
        await asyncio.sleep(0)


async def rest(client: socket.socket) -> int:
    loop = asyncio.get_running_loop()
    total = 0
    while data := await loop.sock_recv(client, 1 << 20):
        total += len(data)
    return total


async def test_stopping_lets_a_running_download_finish(tmp_path: Path) -> None:
    async with running(tmp_path, grace=30) as site:
        with await begun(site) as client:
            stopping = asyncio.ensure_future(site.server.stop())
            assert await rest(client) > SIZE - 1000
            await stopping
        told = await site.services.events.get()
        assert isinstance(told, ArtifactServed)
        assert told.complete


async def test_stopping_cuts_a_download_that_outlasts_the_grace(tmp_path: Path) -> None:
    async with running(tmp_path, grace=0.05) as site:
        with await begun(site) as client:
            await site.server.stop()
            with pytest.raises(ConnectionResetError):
                await rest(client)
        told = await site.services.events.get()
        assert isinstance(told, ArtifactServed)
        assert (told.complete, told.detail) == (False, "the client went away")


async def test_stopping_closes_an_idle_connection_at_once(tmp_path: Path) -> None:
    async with running(tmp_path, grace=30) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.readuntil(b"ok\n")
        assert site.server.connections == 1
        await site.server.stop()
        assert await reader.read() == b""
        writer.close()


async def test_a_machine_that_boots_anew_leaves_no_connection_of_its_grub(site: Site) -> None:
    """The new GRUB uses the same ports; a server that still holds them answers its SYN with a challenge ACK."""
    port = GRUB_PORTS[7]
    with await begun(site, port) as stale:
        assert site.server.forget("127.0.0.1") == 1
        await ended(site)
        with pytest.raises(ConnectionResetError):
            await rest(stale)
    with await begun(site, port) as anew:
        assert anew.fileno() >= 0


async def test_other_connections_of_that_address_and_other_machines_are_left_alone(site: Site) -> None:
    with await begun(site), await begun(site, GRUB_PORTS[9]) as grub:
        assert site.server.forget("127.0.0.2") == 0
        assert site.server.connections == 2
        assert site.server.forget("127.0.0.1") == 1
        await ended(site)
        with pytest.raises(ConnectionResetError):
            await rest(grub)
