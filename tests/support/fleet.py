"""The admin site over a small fleet, on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from netbootd.boot.bundle import Bundle
from netbootd.boot.facts import Facts
from netbootd.boot.site import Site
from netbootd.chain.world import World
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.behind import Behind
from netbootd.fleet.changes import Written
from netbootd.fleet.identity import Match
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.record import Outcome, Record, RecordChange
from netbootd.fleet.records import Records
from netbootd.fleet.rules import Rule
from netbootd.fleet.snapshot import Snapshot
from netbootd.net.tcp import bind_tcp
from netbootd.observe.banner import Banner
from netbootd.observe.diagnosis.model import Diagnosis
from netbootd.observe.events import Event
from netbootd.observe.metrics import Metrics
from netbootd.observe.running import Running
from netbootd.serve.admin.api import add_api
from netbootd.serve.admin.app import build_admin
from netbootd.serve.admin.metrics import add_metrics
from netbootd.serve.admin.overview import Overview
from netbootd.serve.admin.page import add_page
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.stream import Stream
from netbootd.serve.http.server import start_http
from netbootd.serve.lives import Lives
from netbootd.serve.serials import SoftSerials
from netbootd.wire.mac import Mac
from tests.support.bootsite import parsed
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import ALWAYS, FIRMWARE, SITE, eve, linux, machine, templates

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
    """``body`` is what the JSON says, or the text that is none."""

    status: int
    type: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Api:
    """The site, what is behind it, and a client."""

    address: tuple[str, int] = ("", 0)
    fleet: Snapshot = FLEET
    journal: SlowJournal = field(default_factory=lambda: SlowJournal(Disk(), at_once=True))
    facts: Facts = field(default_factory=Facts)
    events: list[Event] = field(default_factory=list)
    host_names: tuple[str, ...] = ()
    token: str | None = None
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    kept: list[RecordChange] = field(default_factory=list)
    """What was written down of records."""
    keeps: bool = True
    banner: Banner = field(default_factory=lambda: Banner(version="0"))
    diagnoses: tuple[Diagnosis, ...] = ()
    """What is wrong with whichever machine."""
    now: float = 1700000000.0

    def __post_init__(self) -> None:
        self._ids = count(1)
        self.ledger = Ledger(self.journal, family=self.family, wall=self.wall)
        self.records = Records(new_id=self.new_id, family=self.family)
        self.attempts = Attempts(new_id=self.new_id, owner=self.records.owner)
        self.serials = SoftSerials(self.world, self.records, self.ledger, self.keep)
        self.stream = Stream("run", self.wall)
        self.running = Running(self.wall)
        self.lives = Lives(
            self.ledger,
            self.records,
            self.attempts,
            Behind(),
            self.emit,
            known=self.known,
            listed=lambda mac: self.fleet.machine(mac) is not None,
            wall=self.wall,
        )

    def wall(self) -> float:
        return self.now

    def new_id(self) -> str:
        return f"id-{next(self._ids)}"

    def emit(self, event: Event) -> None:
        """As the hub does."""
        self.events.append(event)
        self.stream(event)
        self.running(event)

    def known(self, mac: Mac) -> Facts:
        return replace(self.facts, mac=mac)

    def family(self, mac: Mac) -> tuple[Mac, ...]:
        machine = self.fleet.machine(mac)
        return machine.macs if machine else (mac,)

    def recorded(self, facts: Facts) -> Record | None:
        found = self.records.identify(facts)
        return self.records.get(found.id) if isinstance(found, Match) else None

    trouble = ""

    @property
    def artifacts(self) -> Path:
        return Path("/srv/artifacts")

    def about(self) -> Banner:
        return self.banner

    def nearest(self, ip: str) -> Site:
        return SITE

    def world(self) -> World:
        return World(
            self.fleet,
            FIRMWARE,
            templates(),
            self.ledger.stage,
            self.known,
            recorded=self.recorded,
            bundles=self.bundles,
        )

    async def keep(self, changes: tuple[RecordChange, ...]) -> Written:
        self.kept += changes
        return Written.YES if self.keeps else Written.NO

    def services(self) -> ApiServices:
        return ApiServices(
            ledger=self.ledger,
            records=self.records,
            attempts=self.attempts,
            world=self.world,
            standing=self.lives.standing,
            boots=self.lives.boots,
            known=self.known,
            keep=self.keep,
            emit=self.emit,
            stream=self.stream,
            number=self.serials.assign,
            diagnosed=lambda _mac: self.diagnoses,
            diagnosed_boot=lambda _mac, boot: self.diagnoses if boot.outcome is Outcome.RUNNING else (),
            running=self.running,
            wall=self.wall,
        )

    def saw(self, mac: Mac, ip: str = "192.0.2.50", **said: Any) -> Record:
        """A machine showed up."""
        self.records.saw(Facts(mac=mac, **said), ip, self.now)
        record = self.recorded(Facts(mac=mac))
        assert record
        return record

    async def get(self, path: str = "", **headers: str) -> Reply:
        return await self.ask("GET", f"/api/v1/machines{path}", **headers)

    async def post(self, path: str, body: str = "", **headers: str) -> Reply:
        return await self.ask(
            "POST", f"/api/v1/machines{path}", body, **{"Content_Type": "application/json", **headers}
        )

    async def change(self, method: str, path: str, **said: Any) -> Reply:
        """A change with this body."""
        return await self.ask(method, f"/api/v1{path}", json.dumps(said), Content_Type="application/json")

    async def ask(self, method: str, target: str, body: str = "", **headers: str) -> Reply:
        reader, writer = await asyncio.open_connection(*self.address)
        fields = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(body)), **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value]
        writer.write("\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", body]).encode())
        answer = parsed(await reader.read())
        writer.close()
        headers = dict(answer.headers)
        type_ = headers.get("Content-Type", "")
        said: Any = json.loads(answer.body) if "json" in type_ and answer.body else answer.body.decode()
        return Reply(answer.status, type_, said, headers)


@asynccontextmanager
async def serving(api: Api) -> AsyncIterator[Api]:
    app = build_admin(api, api.emit)
    add_api(app, services := api.services())
    anew = Overview(services, lambda: 0.0)  # however long a look takes here, each is a new one
    add_page(app, services, api, anew)
    add_metrics(app, Metrics(), anew, api.running, patience=60.0)
    server = await start_http(app, [bind_tcp("127.0.0.1", 0)], lambda event: None, grace=0)
    api.address = server.addresses[0]
    yield api
    await server.stop()


def problem(reply: Reply) -> str:
    """Its detail; the form is the one of RFC 9457."""
    assert reply.type == "application/problem+json"
    assert set(reply.body) == {"type", "title", "status", "detail"}
    assert reply.body["status"] == reply.status
    return str(reply.body["detail"])


def by_rule(rule: Rule) -> Snapshot:
    """The same fleet, where a rule may name a profile for whoever has none."""
    return Snapshot(FLEET.profiles.values(), FLEET.machines, [rule])
