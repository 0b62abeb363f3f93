"""How commands find the daemon's API, and with what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from netbootd.cli.admin_api import Daemon
from netbootd.net.unix import bind_unix
from netbootd.serve.admin.api import add_api
from netbootd.serve.admin.app import build_admin
from netbootd.serve.admin.token_file import made_token
from netbootd.serve.http.server import start_http
from tests.support.cli import Ran, netbootd
from tests.support.fleet import Api, serving


async def listed(config: Path) -> Ran:
    return await asyncio.to_thread(netbootd, "machines", "list", "--json", "-c", config)


def settings(directory: Path, text: str) -> Path:
    path = directory / "netbootd.yaml"
    path.write_text(text)
    return path


@asynccontextmanager
async def at_a_path(path: Path) -> AsyncIterator[None]:
    api = Api()
    app = build_admin(api, api.emit)
    add_api(app, api.services())
    server = await start_http(app, [bind_unix(path)], lambda event: None, grace=0)
    yield
    await server.stop()


async def test_a_unix_socket_is_asked_as_a_port_is(tmp_path: Path) -> None:
    config = settings(tmp_path, f"admin: {{listen: unix:{tmp_path}/admin.sock}}\n")
    async with at_a_path(tmp_path / "admin.sock"):
        assert len((await listed(config)).json) == 3


async def test_machines_that_are_written_wrongly_keep_nobody_from_the_daemon_that_runs(tmp_path: Path) -> None:
    """It goes on with what was right; a machine may have to be left to its disk now."""
    config = settings(tmp_path, f"admin: {{listen: unix:{tmp_path}/admin.sock}}\nmachines: [{{mac: nonsense}}]\n")
    async with at_a_path(tmp_path / "admin.sock"):
        assert len((await listed(config)).json) == 3
    assert netbootd("check", "-c", config).code == 1


async def test_where_nobody_is_it_says_so(tmp_path: Path) -> None:
    ran = await listed(settings(tmp_path, f"admin: {{listen: unix:{tmp_path}/admin.sock}}\n"))
    assert ran.complaint.startswith(f"netbootd: no daemon answers on unix:{tmp_path}/admin.sock")


async def test_a_daemon_that_listens_everywhere_is_asked_over_loopback_without_a_token(tmp_path: Path) -> None:
    async with serving(Api(token="cJ7mWu2qZf6dHs3cYr9nVt4pKx")) as api:
        ran = await listed(settings(tmp_path, f"admin: {{listen: 0.0.0.0:{api.address[1]}}}\n"))
    assert len(ran.json) == 3


async def test_one_at_another_address_is_asked_with_the_token_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = made_token(tmp_path / "admin.token")
    async with serving(Api(token=token)) as api:
        monkeypatch.setattr("aiohttp.web.Request.remote", "192.0.2.9")
        there = Daemon(api.address, token)
        assert len(await asyncio.to_thread(there.machines)) == 3


@pytest.mark.parametrize(
    ("mode", "words"),
    [(None, "admin.token: No such file"), (0o644, "is open to everybody"), (0o600, "no daemon answers")],
)
async def test_a_token_that_cannot_be_read_is_said_before_anybody_is_asked(
    tmp_path: Path, mode: int | None, words: str
) -> None:
    if mode is not None:
        made_token(tmp_path / "admin.token")
        (tmp_path / "admin.token").chmod(mode)
    config = settings(tmp_path, "state: sqlite:///state.db\nadmin: {listen: 192.0.2.1:1}\n")
    if mode == 0o600:
        config = settings(tmp_path, "admin: {listen: 127.0.0.1:1, token_file: admin.token}\n")
    ran = await listed(config)
    assert ran.code == 1
    assert words in ran.complaint
