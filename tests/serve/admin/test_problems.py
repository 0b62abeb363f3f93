"""Errors: of the API in the one form of RFC 9457, of the rest of the site as text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from netbootd.observe.events import DaemonNotice
from tests.support.fleet import Api, problem, serving


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


async def test_what_is_not_there_is_a_problem_too(api: Api) -> None:
    reply = await api.ask("GET", "/api/v1/nothing")
    assert reply.status == 404
    assert "/api/v1/nothing" in problem(reply)


async def test_the_rest_of_the_site_answers_as_before(api: Api) -> None:
    reader, writer = await asyncio.open_connection(*api.address)
    writer.write(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"problem+json" not in await reader.read()
    writer.close()


async def test_a_fault_of_ours_is_told_and_shows_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("a detail")

    monkeypatch.setattr(api.records, "all", broken)
    reply = await api.get()
    assert reply.status == 500
    assert "a detail" not in problem(reply)
    (notice,) = api.events
    assert isinstance(notice, DaemonNotice)
    assert notice.severity == "error"
    assert "GET /api/v1/machines: RuntimeError('a detail')" in notice.text


@pytest.mark.parametrize("rest", [b"Q\r\n", b"5\r\n{", b""])
async def test_a_body_that_breaks_off_is_no_fault_of_ours(api: Api, rest: bytes) -> None:
    reader, writer = await asyncio.open_connection(*api.address)
    head = "POST /api/v1/machines HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"  # it waits for the body
    writer.write(b"2\r\n{}\r\n" + rest)
    writer.write_eof()
    await reader.read()
    writer.close()
    assert api.events == []


@pytest.mark.parametrize(
    ("method", "allowed"),
    [("DELETE", "GET, HEAD, POST"), ("PUT", "GET, HEAD, POST"), ("OPTIONS", "GET, HEAD, POST")],
)
async def test_a_method_that_is_not_for_this_is_told_which_are(api: Api, method: str, allowed: str) -> None:
    reply = await api.ask(method, "/api/v1/machines")
    assert (reply.status, reply.headers["Allow"]) == (405, allowed)
    problem(reply)


async def test_a_body_that_is_too_large_is_not_read(api: Api) -> None:
    reply = await api.post("", "x" * 300_000)
    assert reply.status == 413
    problem(reply)
