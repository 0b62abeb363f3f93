"""The admin site: what it shows, and whom it answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from netbootd.net.tcp import bind_tcp
from netbootd.serve.admin.app import build_admin
from netbootd.serve.http.server import HttpServer, start_http
from tests.support.bootsite import Answer, parsed


@dataclass
class Services:
    host_names: list[str] = field(default_factory=lambda: ["boot.lan"])
    token: str | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Admin:
    server: HttpServer
    services: Services

    async def ask(self, target: str, host: str = "127.0.0.1", method: str = "GET") -> Answer:
        reader, writer = await asyncio.open_connection(*self.server.addresses[0])
        writer.write(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        data = await reader.read()
        writer.close()
        return parsed(data)


@pytest.fixture
async def admin() -> AsyncIterator[Admin]:
    services = Services()
    server = await start_http(build_admin(services), [bind_tcp("127.0.0.1", 0)], lambda event: None, grace=0)
    yield Admin(server, services)
    await server.stop()


async def test_healthz_answers(admin: Admin) -> None:
    answer = await admin.ask("/healthz")
    assert (answer.status, answer.body) == (200, b"ok\n")


@pytest.mark.parametrize("target", ["/", "/healthz", "/nothing"])
async def test_every_answer_forbids_framing_and_whatever_is_not_ours(admin: Admin, target: str) -> None:
    answer = await admin.ask(target)
    policy = dict(each.strip().split(" ", 1) for each in answer["Content-Security-Policy"].split(";"))
    assert policy.pop("default-src") == policy.pop("frame-ancestors") == policy.pop("base-uri") == "'none'"
    assert set(policy.values()) == {"'self'"}
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Server"] == "netbootd"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8081",
        "localhost.",
        "127.0.0.1:8081",
        "192.0.2.1",
        "[::1]:8081",
        "boot.lan",
        "Boot.LAN:1",
    ],
)
async def test_it_answers_to_addresses_and_its_own_names(admin: Admin, host: str) -> None:
    assert (await admin.ask("/healthz", host)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8081",
        "127.0.0.1.evil.example",
        "[::1].evil.example",
        "",
        "localhost.evil.example",
    ],
)
@pytest.mark.parametrize("target", ["/", "/metrics", "/api/v1/machines"])
async def test_a_foreign_name_is_refused_since_it_may_be_dns_rebinding(admin: Admin, host: str, target: str) -> None:
    answer = await admin.ask(target, host)
    assert answer.status == 421
    assert b"\n" not in answer.body.removesuffix(b"\n")


async def test_only_reading_is_offered_here(admin: Admin) -> None:
    answer = await admin.ask("/healthz", method="POST")
    assert answer.status == 405
    assert answer["Allow"] == "GET,HEAD"


async def test_it_lives_in_trouble_too_and_says_what_it_is(admin: Admin) -> None:
    assert (await admin.ask("/healthz")).body == b"ok\n"
    admin.services.trouble = "state /s.db cannot be written: disk full"
    answer = await admin.ask("/healthz")
    assert (answer.status, answer.body) == (200, b"degraded: state /s.db cannot be written: disk full\n")
