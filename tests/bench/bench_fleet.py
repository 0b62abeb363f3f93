"""What looking at a full fleet costs: ``python tests/bench/bench_fleet.py``.

As many machines as there is room for: installed, armed, listed in a file, approved, and strangers, with as many boots
as are kept.  Each list is asked for over loopback at once after the start, again, and again after some machines
showed up or were armed; beside each is the longest time that anything else, a packet say, waited for its turn
meanwhile.  ``MACHINES=1000`` for a quick look.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from netbootd.boot.facts import Facts
from netbootd.chain.world import World
from netbootd.fleet.changes import Entry, Known
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import Approval, Attempt, Ending, Outcome, Reached, Record, Signal, Step
from netbootd.fleet.records import ROOM
from netbootd.fleet.rules import Condition, Rule
from netbootd.fleet.snapshot import Snapshot
from netbootd.load import payload_files
from netbootd.memory import Memory
from netbootd.net.tcp import bind_tcp
from netbootd.observe.hub import Hub
from netbootd.serve.admin.api import add_api
from netbootd.serve.admin.app import build_admin
from netbootd.serve.admin.overview import Overview
from netbootd.serve.admin.page import add_page
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.stream import Stream
from netbootd.serve.directory import Directory
from netbootd.serve.http.server import start_http
from netbootd.wire.mac import Mac
from tests.support.fleet import Api
from tests.support.worlds import ALWAYS, FIRMWARE, eve, linux, machine, templates

MACHINES = int(os.environ.get("MACHINES", str(ROOM)))
LISTED, GIVEN, ARMED, APPROVED = (MACHINES * share // 100 for share in (10, 25, 15, 10))
BOOTS = 5000
NOW = time.time()
LOOKS = (
    ("one state", "/api/v1/machines?state=installed"),
    ("a state of few", "/api/v1/machines?state=failed"),
    ("one profile", "/api/v1/machines?profile=rescue&limit=100"),
    ("a text", "/api/v1/machines?q=4c4c45&limit=100"),
    ("all, page 1", "/api/v1/machines"),
    ("all, the last page", f"/api/v1/machines?offset={MACHINES - 500}"),
    ("export", "/api/v1/export.csv"),
    ("export, one state", "/api/v1/export.csv?state=installed"),
    ("the page", "/"),
    ("the page, one state", "/?state=armed"),
)


def card(number: int) -> Mac:
    return Mac(b"\x52\x54\x06" + number.to_bytes(3, "big"))


def record(number: int) -> Record:
    mac, seen = card(number), NOW - 86400 + number
    return Record(
        f"mac-{mac.hexraw}",
        (mac,),
        serial=f"S{number:06}",
        manufacturer="Dell Inc.",
        product=f"PowerEdge R{number % 7}40",
        addresses=(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",),
        first_seen=seen,
        last_seen=seen,
        approved=Approval("ada", seen) if number % 100 < 60 else None,
        ending=Ending(1, number % 500 != 3, seen, Signal.TOLD) if LISTED <= number < LISTED + GIVEN else None,
    )


def entry(number: int) -> Entry:
    stage = Stage.GIVEN if number < LISTED + GIVEN else Stage.ARMED
    return Entry(card(number), stage, NOW - 86400 + number, "ada")


def attempt(number: int) -> Attempt:
    steps = tuple(
        Step(stage, NOW - 3600, last=NOW - 3600) for stage in (Reached.FIRMWARE, Reached.IPXE, Reached.SCRIPT)
    )
    return Attempt(f"b{number}", record(number).id, card(number), NOW - 3600, NOW - 3600, Outcome.ABANDONED, steps)


def world() -> World:
    profiles = (eve("edge"), linux("rescue", boots=ALWAYS))
    listed = [machine("edge" if number % 2 else None, f"node-{number}", card(number)) for number in range(LISTED)]
    rules = [Rule((Condition("product", f"*R{number}40"),), "rescue", origin="machines.yaml:1") for number in (2, 3)]
    return World(Snapshot(profiles, listed, rules, "register"), FIRMWARE, templates(), files=payload_files())


class Held:
    """The longest time between two turns of the loop."""

    def __init__(self) -> None:
        self._longest = 0.0

    async def watch(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0)
            self._longest = max(self._longest, time.perf_counter() - began)

    def taken(self) -> float:
        longest, self._longest = self._longest, 0.0
        return longest


async def look(address: tuple[str, int], target: str, held: Held) -> tuple[float, float]:
    """Seconds until all has come, and the longest hold."""
    reader, writer = await asyncio.open_connection(*address)
    held.taken()
    began = time.perf_counter()
    writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    while data := await reader.read(1 << 20):
        assert not data.startswith(b"HTTP") or b" 200 " in data[:16], data[:400]
    seconds = time.perf_counter() - began
    writer.close()
    return seconds, held.taken()


@asynccontextmanager
async def daemon(directory: Path) -> AsyncIterator[tuple[tuple[str, int], Memory]]:
    """As much of one as lists are made of."""
    known = Directory(lambda _mac: "")
    memory = Memory(f"sqlite:///{directory}/state.db", hub := Hub(known.who), lambda: made, known)
    made = World(
        *((plain := world()).fleet, plain.firmware, plain.templates),
        stage=memory.stage,
        known=known.known,
        recorded=memory.recorded,
        rival=memory.rival,
        files=plain.files,
    )
    await memory.open()
    for number in range(MACHINES):
        memory.records.learn(record(number))
        known.told(Facts(mac=card(number), serial=f"S{number:06}"))
    memory.ledger.learn(Known(tuple(entry(number) for number in range(LISTED, LISTED + GIVEN + ARMED))))
    for number in range(0, MACHINES, max(1, MACHINES // BOOTS)):
        memory.attempts.learn(attempt(number))
    await memory.serials.settle()
    site = build_admin(api := Api(), hub)
    services = ApiServices(
        ledger=memory.ledger,
        records=memory.records,
        attempts=memory.attempts,
        world=lambda: made,
        standing=memory.lives.standing,
        trace=memory.traces.of,
        known=known.known,
        keep=memory.keep,
        emit=hub,
        stream=Stream("bench", time.time),
        boots=memory.lives.boots,
        diagnosed=memory.diagnosed,
        diagnosed_boot=memory.diagnosing.of_boot,
        running=memory.running,
    )
    add_api(site, services)
    add_page(site, services, api, Overview(services))
    server = await start_http(site, [bind_tcp("127.0.0.1", 0)], hub, grace=0.0)
    yield server.addresses[0], memory
    await server.stop()
    await memory.close()


async def main() -> None:
    print(f"{MACHINES} machines; seconds until the whole answer has come, and the longest hold of the loop in ms")
    titles = ("at first", "held", "again", "held", "100 changed", "held")
    print(f"{'':<24}" + "".join(f"{each:>{12 if number % 2 == 0 else 7}}" for number, each in enumerate(titles)))
    held = Held()
    with tempfile.TemporaryDirectory() as directory:
        for title, target in LOOKS:
            (path := Path(directory) / title.replace(" ", "-")).mkdir()
            async with daemon(path) as (address, memory):
                watch = asyncio.ensure_future(held.watch())
                found = [await look(address, target, held), await look(address, target, held)]
                for number in range(100):
                    memory.records.saw(Facts(mac=card(number * 7), asset="moved"), "10.9.9.9", time.time())
                found.append(await look(address, target, held))
                watch.cancel()
            print(f"{title:<24}" + "".join(f"{seconds:>12.3f}{longest * 1e3:>7.0f}" for seconds, longest in found))


if __name__ == "__main__":
    asyncio.run(main())
