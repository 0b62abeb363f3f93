"""Listening and stopping; `test_leftovers` has what a machine leaves behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from netbootd.observe.events import ArtifactServed
from tests.support.bootsite import running
from tests.support.downloads import SIZE, begun, rest


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
