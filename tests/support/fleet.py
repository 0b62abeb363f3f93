"""The admin site over a small fleet, on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from netbootd.boot.facts import Facts
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.rules import Rule
from netbootd.fleet.snapshot import Snapshot
from netbootd.net.tcp import bind_tcp
from netbootd.observe.events import Event
from netbootd.observe.metrics import Exposition, Metrics
from netbootd.serve.admin.app import Status, build_admin
from netbootd.serve.admin.machines import MachineServices, add_routes
from netbootd.serve.http.server import start_http
from netbootd.wire.mac import Mac
from tests.support.bootsite import parsed
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import ALWAYS, eve, linux, machine

EDGE, SECOND_CARD, RESCUE, BARE, STRANGER = (Mac.parse(f"52:54:00:00:00:0{n}") for n in range(1, 6))
"""node-1 with two cards and a profile that boots once, node-2 that boots always, node-3 without a profile, nobody."""
FLEET = Snapshot(
    [eve("lab-eve"), linux("rescue", boots=ALWAYS)],
    [
        replace(machine("lab-eve", "node-1"), macs=(EDGE, SECOND_CARD)),
        machine("rescue", "node-2", RESCUE),
        machine(None, "node-3", BARE),
    ],
)


@dataclass(frozen=True)
class Reply:
    """``body`` is what the JSON says."""

    status: int
    type: str
    body: Any


@dataclass
class Api:
    """The site, what is behind it, and a client."""

    address: tuple[str, int] = ("", 0)
    fleet: Snapshot = FLEET
    journal: SlowJournal = field(default_factory=lambda: SlowJournal(Disk(), at_once=True))
    facts: Facts = field(default_factory=Facts)
    events: list[Event] = field(default_factory=list)
    host_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.journal, family=self.family)

    def family(self, mac: Mac) -> tuple[Mac, ...]:
        machine = self.fleet.machine(mac)
        return machine.macs if machine else (mac,)

    def metrics(self) -> Exposition:
        return Metrics().exposition()

    def status(self) -> Status:
        return Status("netbootd", "0", ())

    def services(self) -> MachineServices:
        return MachineServices(
            self.ledger,
            lambda: self.fleet,
            lambda mac: replace(self.facts, mac=mac),
            self.events.append,
            wall=lambda: 1700000000.0,
        )

    async def get(self, path: str = "") -> Reply:
        return await self.ask("GET", f"/api/v1/machines{path}")

    async def post(self, path: str, body: str = "", **headers: str) -> Reply:
        return await self.ask(
            "POST", f"/api/v1/machines{path}", body, **{"Content_Type": "application/json", **headers}
        )

    async def ask(self, method: str, target: str, body: str = "", **headers: str) -> Reply:
        reader, writer = await asyncio.open_connection(*self.address)
        said = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(body)), **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in said.items() if value]
        writer.write("\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", body]).encode())
        answer = parsed(await reader.read())
        writer.close()
        return Reply(answer.status, answer["Content-Type"], json.loads(answer.body) if answer.body else None)


@asynccontextmanager
async def serving(api: Api) -> AsyncIterator[Api]:
    app = build_admin(api)
    add_routes(app, api.services())
    server = await start_http(app, [bind_tcp("127.0.0.1", 0)], lambda event: None, grace=0)
    api.address = server.addresses[0]
    yield api
    await server.stop()


def by_rule(rule: Rule) -> Snapshot:
    """The same fleet, where a rule may name a profile for whoever has none."""
    return Snapshot(FLEET.profiles.values(), FLEET.machines, [rule])
