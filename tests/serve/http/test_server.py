"""Listening and stopping; `test_leftovers` has what a machine leaves behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from netbootd.observe.events import ArtifactServed, TlsFailed
from tests.support.bootsite import BOTH_WAYS, Site, Socket, running
from tests.support.tls import Client

SIZE = 16 << 20


async def begun(site: Site) -> Socket:
    """A client in the middle of a download, which takes no more for now."""
    site.file("eve/rootfs.img", bytes(SIZE))
    client = await site.begun(b"GET /artifacts/eve/rootfs.img HTTP/1.1\r\nHost: x\r\n\r\n")
    taken = 0
    while taken < 1000:  # more than the headers: the body has begun, and more of it is queued than fits
        taken += len(await client.recv(1000 - taken))
    return client


@BOTH_WAYS
async def test_stopping_lets_a_running_download_finish(tmp_path: Path, tls: bool) -> None:
    async with running(tmp_path, grace=30, tls=tls) as site:
        with await begun(site) as client:
            stopping = asyncio.ensure_future(site.server.stop())
            assert await client.rest() > SIZE - 1000
            await stopping
        told = await site.services.events.get()
        assert isinstance(told, ArtifactServed)
        assert told.complete


@BOTH_WAYS
async def test_stopping_cuts_a_download_that_outlasts_the_grace(tmp_path: Path, tls: bool) -> None:
    async with running(tmp_path, grace=0.05, tls=tls) as site:
        with await begun(site) as client:
            await site.server.stop()
            with pytest.raises(ConnectionResetError):
                await client.rest()
        told = await site.services.events.get()
        assert isinstance(told, ArtifactServed)
        assert (told.complete, told.detail) == (False, "the client went away")


@BOTH_WAYS
async def test_stopping_closes_an_idle_connection_at_once(tmp_path: Path, tls: bool) -> None:
    async with running(tmp_path, grace=30, tls=tls) as site:
        reader, writer = await site.opened()
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await reader.readuntil(b"ok\n")
        assert site.server.connections == 1
        await site.server.stop()
        assert await reader.read() == b""
        writer.close()


class TestTls:
    async def test_the_same_site_is_served_by_both(self, site: Site) -> None:
        site.file("eve/kernel", b"kernel")
        plain = await site.ask("/artifacts/eve/kernel")
        site.tls = True
        secure = await site.ask("/artifacts/eve/kernel")
        assert (secure.status_line, secure.body) == (plain.status_line, plain.body)
        assert secure["ETag"] == plain["ETag"]

    async def test_stopping_does_not_wait_for_a_handshake(self, tmp_path: Path) -> None:
        async with running(tmp_path, grace=30, tls=True) as site:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            await site.server.stop()
            assert await reader.read() == b""
            writer.close()

    async def test_who_never_speaks_is_dropped_and_told(self, tmp_path: Path) -> None:
        async with running(tmp_path, tls=True, patience=0.05) as site:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            assert await reader.read() == b""
            assert await site.services.events.get() == TlsFailed(ip="127.0.0.1", reason="said nothing for 0.05 s")
            writer.close()

    async def test_plain_http_to_the_tls_port_is_told(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.tls_port)
        writer.write(b"GET /ipxe.cfg HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"https://" in await reader.read()
        reason = "spoke no TLS to the port of https"
        assert await site.services.events.get() == TlsFailed(ip="127.0.0.1", reason=reason)
        assert caplog.records == []
        writer.close()

    async def test_tls_to_the_plain_port_is_told(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.plain_port)
        writer.write(Client.hello())
        assert (await reader.read()).startswith(b"HTTP/1.0 400 ")
        reason = "spoke TLS to the port of plain HTTP"
        assert await site.services.events.get() == TlsFailed(ip="127.0.0.1", reason=reason)
        assert caplog.records == []
        writer.close()

    async def test_a_client_that_vanishes_after_its_handshake_leaves_nothing_behind(self, site: Site) -> None:
        site.tls = True
        with await site.begun(b"GET /he"):
            while not site.server.connections:  # in TLS 1.3 the client is ready first
                await asyncio.sleep(0)
        while site.server.connections:
            await asyncio.sleep(0)
        assert site.services.told() == []

    async def test_one_that_says_it_is_grub_is_served_like_any(self, site: Site) -> None:
        """GRUB cannot; but whoever says so must not meet what only a plain connection has."""
        site.tls = True
        site.file("eve/kernel", b"kernel")
        assert (await site.grub("/artifacts/eve/kernel")).body == b"kernel"
