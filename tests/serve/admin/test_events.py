"""``/api/v1/events`` over a real connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from netbootd.observe.events import Change, MachineChanged
from netbootd.serve.admin import events
from tests.support.fleet import EDGE, Api, problem, serving


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


@asynccontextmanager
async def reading(api: Api, **headers: str) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection(*api.address)
    said = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{said}\r\n".encode())
    yield reader
    writer.close()
    await writer.wait_closed()


async def test_what_happens_comes_as_it_happens(api: Api) -> None:
    async with reading(api) as reader:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert b"Content-Type: text/event-stream" in head
        assert b"Cache-Control: no-store" in head
        await reader.readuntil(b": netbootd\n\n")
        await api.post(f"/{EDGE}/install", '{"by": "ada"}')
        text = await reader.readuntil(b"\n\n")
        assert b"event: machine.changed\n" in text
        assert b'"detail": "by ada"' in text


async def test_who_comes_back_goes_on_where_they_were(api: Api) -> None:
    for change in ("one", "two"):
        api.emit(MachineChanged(mac=str(EDGE), change=Change.CHANGED, detail=change))
    async with reading(api, Last_Event_ID="run-1") as reader:
        text = await reader.readuntil(b'"two"')
        assert b'"one"' not in text


@pytest.mark.parametrize("query", ["mac=nothing", "level=loud", "colour=red"])
async def test_what_cannot_be_asked_is_refused(api: Api, query: str) -> None:
    reply = await api.ask("GET", f"/api/v1/events?{query}")
    assert reply.status == 400
    assert query.partition("=")[0] in problem(reply)


async def test_when_there_are_too_many_one_more_is_refused(api: Api) -> None:
    api.stream._most = 0
    reply = await api.ask("GET", "/api/v1/events")
    assert reply.status == 503
    assert "too many" in problem(reply)


async def test_who_stays_and_reads_nothing_makes_room_for_others(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pager that was left open, or a laptop that was shut: its connection stands, and it would for ever."""
    monkeypatch.setattr(events, "PATIENCE", 0.05)
    async with reading(api) as reader:
        await reader.readuntil(b": netbootd\n\n")
        assert api.stream.readers == 1
        while api.stream.readers:
            for _ in range(100):
                api.emit(MachineChanged(mac=str(EDGE), change=Change.CHANGED, detail="x" * 1000))
            await asyncio.sleep(0)
    assert (await api.ask("GET", "/api/v1/machines")).status == 200


async def test_a_head_request_does_not_wait_for_what_happens(api: Api) -> None:
    assert (await api.ask("HEAD", "/api/v1/events")).status == 405
