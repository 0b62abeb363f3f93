"""Who may ask: this machine by a name of ours, others with the token; and what a web page elsewhere cannot do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from netbootd.net.unix import bind_unix
from netbootd.serve.admin.api import add_api
from netbootd.serve.admin.app import build_admin
from netbootd.serve.http.server import start_http
from tests.support.fleet import EDGE, Api, problem, serving

TOKEN = "cJ7mWu2qZf6dHs3cYr9nVt4pKx"


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving(Api()) as running:
        yield running


async def test_a_program_may_leave_out_a_body_that_says_nothing(api: Api) -> None:
    """``curl -X POST``"""
    reply = await api.ask("POST", f"/api/v1/machines/{EDGE}/install")
    assert (reply.status, reply.body["stage"]) == (200, "armed")


class TestStrangers:
    """Web pages elsewhere, and machines elsewhere."""

    @pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
    async def test_what_a_form_can_send_changes_nothing(self, api: Api, type_: str) -> None:
        reply = await api.post(f"/{EDGE}/install", "{}", Content_Type=type_)
        assert reply.status == 415
        assert "application/json" in problem(reply)
        assert api.ledger.entries() == ()

    @pytest.mark.parametrize(
        "sent", [{"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}, {"Referer": "http://evil.example/"}]
    )
    async def test_what_a_script_elsewhere_can_send_without_a_body_changes_nothing(
        self, api: Api, sent: dict[str, str]
    ) -> None:
        reply = await api.ask("POST", f"/api/v1/machines/{EDGE}/install", **sent)
        assert reply.status == 415
        assert api.ledger.entries() == ()

    async def test_a_script_elsewhere_gets_no_leave_to_send_more(self, api: Api) -> None:
        """The question a browser asks first is refused, so it never sends the request."""
        reply = await api.ask("OPTIONS", f"/api/v1/machines/{EDGE}/install", Origin="http://evil.example")
        assert reply.status == 405
        assert "POST" in problem(reply)

    async def test_a_name_that_is_not_ours_is_refused(self, api: Api) -> None:
        reader, writer = await asyncio.open_connection(*api.address)
        writer.write(b"POST /api/v1/machines/52:54:00:00:00:01/install HTTP/1.1\r\nHost: evil.example\r\n")
        writer.write(b"Content-Type: application/json\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 421")
        writer.close()
        assert api.ledger.entries() == ()

    @pytest.mark.parametrize("remote", ["192.0.2.9", "::ffff:192.0.2.9", "", None])
    async def test_another_machine_changes_nothing_and_sees_nothing(
        self, api: Api, monkeypatch: pytest.MonkeyPatch, remote: str | None
    ) -> None:
        """Of a TCP connection that was reset before it was taken no address is known: that is nobody from here."""
        monkeypatch.setattr("aiohttp.web.Request.remote", remote)
        for reply in (await api.post(f"/{EDGE}/install"), await api.get()):
            assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert "only programs on the machine netbootd runs on" in problem(reply)
        assert api.ledger.entries() == ()

    @pytest.mark.parametrize("header", ["Forwarded", "X_Forwarded_For", "X_Real_IP", "Via"])
    async def test_nor_does_who_comes_through_a_proxy_on_this_machine(self, api: Api, header: str) -> None:
        assert (await api.ask("GET", "/api/v1/machines", **{header: "192.0.2.9"})).status == 401

    @pytest.mark.parametrize("remote", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
    async def test_this_one_does(self, api: Api, monkeypatch: pytest.MonkeyPatch, remote: str) -> None:
        monkeypatch.setattr("aiohttp.web.Request.remote", remote)
        assert (await api.post(f"/{EDGE}/install")).status == 200

    @pytest.mark.parametrize(
        "body", ["{", "[]", "1", '{"by": 1}', '{"by": ""}', '{"stage": "armed"}', '{"by": "x", "y": 1}']
    )
    async def test_a_body_that_says_something_else_is_refused(self, api: Api, body: str) -> None:
        reply = await api.post(f"/{EDGE}/install", body)
        assert reply.status == 400
        assert "body" in problem(reply)
        assert api.ledger.entries() == ()

    async def test_who_asks_is_shown_as_it_can_be_shown(self, api: Api) -> None:
        reply = await api.post(f"/{EDGE}/install", '{"by": "a\\nb"}')
        assert reply.body["by"] == "a?b"


class TestToken:
    """From anywhere but this machine."""

    @pytest.fixture
    def far(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> Api:
        monkeypatch.setattr("aiohttp.web.Request.remote", "192.0.2.9")
        api.token = TOKEN
        return api

    @pytest.mark.parametrize("said", [f"Bearer {TOKEN}", f"bearer  {TOKEN}"])
    async def test_who_has_it_may_do_everything_by_any_name(self, far: Api, said: str) -> None:
        """A browser that was led astray by DNS does not have it."""
        reply = await far.post(f"/{EDGE}/install", Authorization=said, Host="boot.example.net:8081")
        assert (reply.status, reply.body["stage"]) == (200, "armed")

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ("", "Authorization: Bearer TOKEN"),
            ("Bearer", "this is not the token"),
            (f"Bearer {TOKEN[:-1]}", "this is not the token"),
            (f"Bearer {TOKEN}x", "this is not the token"),
            (f"Basic {TOKEN}", "this is not the token"),
            ("Bearer caf\u00e9", "this is not the token"),
        ],
    )
    async def test_who_has_another_or_none_is_told_where_it_is(self, far: Api, said: str, words: str) -> None:
        reply = await far.get("", Authorization=said)
        assert reply.status == 401
        assert words in problem(reply)
        assert TOKEN not in str(reply)

    @pytest.mark.parametrize("target", ["/", "/metrics", "/api/v1/openapi.json", "/api/v1/events", "/nothing"])
    async def test_it_is_asked_for_everywhere(self, far: Api, target: str) -> None:
        assert (await far.ask("GET", target)).status == 401

    async def test_but_for_health_which_tells_nothing(self, far: Api) -> None:
        assert (await far.ask("GET", "/healthz")).body == "ok\n"

    async def test_a_change_needs_json_with_it_too(self, far: Api) -> None:
        reply = await far.post(f"/{EDGE}/install", "{}", Content_Type="text/plain", Authorization=f"Bearer {TOKEN}")
        assert reply.status == 415

    async def test_no_answer_and_no_event_has_it(self, far: Api) -> None:
        said = {"Authorization": f"Bearer {TOKEN}"}
        replies = [await far.ask("GET", target, **said) for target in ("/", "/api/v1/machines", "/metrics")]
        assert TOKEN not in f"{replies}{far.events}"


async def test_a_unix_socket_needs_no_token(tmp_path: Path) -> None:
    """Whoever may open it is let in: its mode says who.  It has no name; what stands in a URL for it is made up."""
    api = Api(token=TOKEN)
    app = build_admin(api, api.emit)
    add_api(app, api.services())
    path = tmp_path / "admin.sock"
    server = await start_http(app, [bind_unix(path)], lambda event: None, grace=0)
    for host in ("localhost", "netbootd"):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(f"GET /api/v1/machines HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
    await server.stop()
