"""``netbootd watch``, against a real admin site."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from itertools import islice
from pathlib import Path

from netbootd.cli.admin_api import Daemon, Told
from netbootd.cli.watch import follow, line, under_way
from netbootd.net.tcp import bind_tcp
from netbootd.observe.events import Change, DhcpSilent, MachineChanged
from netbootd.serve.admin.api import add_api
from netbootd.serve.admin.app import build_admin
from netbootd.serve.http.server import start_http
from tests.support.fleet import EDGE, RESCUE, Api, serving


async def read(daemon: Daemon, count: int, api: Api, mac: str | None = None, level: str = "info") -> list[Told]:
    """So many, of those that happen once somebody reads."""
    reading = asyncio.create_task(asyncio.to_thread(lambda: list(islice(follow(daemon, mac, level), count))))
    while not api.stream._readers:
        await asyncio.sleep(0.01)
    api.emit(DhcpSilent(mac=str(EDGE), reason="NOT_NETBOOT"))
    for machine in (RESCUE, EDGE):
        api.emit(MachineChanged(mac=str(machine), change=Change.ARMED))
    return await reading


async def test_what_happens_is_told() -> None:
    async with serving(Api()) as api:
        told = await read(Daemon(api.address), 2, api)
    assert [(each.id, each.name, each.data["mac"]) for each in told] == [
        ("run-2", "machine.changed", str(RESCUE)),
        ("run-3", "machine.changed", str(EDGE)),
    ]


async def test_of_one_machine_and_of_everything() -> None:
    async with serving(Api()) as api:
        told = await read(Daemon(api.address), 2, api, str(EDGE), "debug")
    assert [each.name for each in told] == ["dhcp.silent", "machine.changed"]


async def test_a_daemon_that_comes_back_is_found_and_nothing_is_missed() -> None:
    """The same run of it here, so that its numbers go on."""
    api = Api()
    sock = bind_tcp("127.0.0.1", 0)
    address = sock.getsockname()

    async def start() -> object:
        app = build_admin(api, api.emit)
        add_api(app, api.services())
        return await start_http(app, [sock if sock.fileno() >= 0 else bind_tcp(*address)], api.emit, grace=0)

    server = await start()
    loop, waiting = asyncio.get_running_loop(), asyncio.Event()

    def sleep(_seconds: float) -> None:
        loop.call_soon_threadsafe(waiting.set)

    told = follow(Daemon(address), None, "info", sleep)
    first = asyncio.create_task(asyncio.to_thread(next, told))
    while not api.stream._readers:
        await asyncio.sleep(0.01)
    api.emit(MachineChanged(mac=str(EDGE), change=Change.CREATED))
    assert (await first).data["change"] == "created"
    await server.stop()  # type: ignore[attr-defined]
    second = asyncio.create_task(asyncio.to_thread(next, told))
    await waiting.wait()
    api.emit(MachineChanged(mac=str(EDGE), change=Change.APPROVED))
    api.stream._closed = False
    server = await start()
    assert (await second).data["change"] == "approved"
    await asyncio.to_thread(told.close)
    await server.stop()  # type: ignore[attr-defined]


async def test_programs_read_a_line_of_json_for_each_and_stop_it_when_they_like(tmp_path: Path) -> None:
    path = tmp_path / "netbootd.yaml"
    async with serving(Api()) as api:
        path.write_text("admin: {{listen: {}:{}}}\n".format(*api.address))
        command = [sys.executable, "-u", "-m", "netbootd", "watch", "--json", "-c", str(path)]
        program = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        while not api.stream._readers:
            await asyncio.sleep(0.01)
        api.emit(MachineChanged(mac=str(EDGE), change=Change.ARMED))
        assert program.stdout
        assert json.loads(await program.stdout.readline())["event"] == "machine.changed"
        program.send_signal(signal.SIGINT)
        assert await program.wait() == 0


def test_a_person_reads_the_time_the_machine_and_the_sentence() -> None:
    data = {"at": "2026-11-21T05:06:07.123+00:00", "machine": "node-1", "mac": str(EDGE), "sentence": "is armed"}
    assert line(Told("1", "machine.changed", data)) == "05:06:07  node-1             is armed"


def test_what_is_missing_is_said() -> None:
    assert "3 events were dropped" in line(Told("1", "dropped", {"count": 3}))
    assert "missed" in line(Told("1", "gap", {"count": None}))


def test_who_stopped_before_anybody_watched_is_shown_and_strangers_last() -> None:
    """A person opens it because something is wrong already."""

    def machine(name: str, state: str, progress: object = None, trouble: object = None) -> dict[str, object]:
        return {"name": name, "state": state, "progress": progress, "trouble": trouble}

    stuck = {"sentence": "gets no address"}
    fleet = [
        machine("made up", "discovered", trouble=stuck),
        machine("well", "approved"),
        machine("stuck", "approved", trouble=stuck),
        machine("fetching", "approved", progress={"sent": 1}),
        machine("installing", "installing"),
    ]
    assert [each["name"] for each in under_way(fleet)] == ["stuck", "fetching", "installing", "made up"]
    assert under_way([{"title": "Not Found"}]) == []
