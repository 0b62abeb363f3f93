"""A fleet that installs itself through two real daemons on one PostgreSQL, while they are killed and it is restarted.

Each machine is an address of its own on loopback.  What it fetched whole it has installed: that is counted here, by
the machine, and nobody else is asked.
"""

from __future__ import annotations

import asyncio
import random
import re
import signal
import time
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.house import furnished, settings
from tests.support.netbootd import Running, running
from tests.support.ports import free_port
from tests.support.postgres import Server

KERNEL, DISK = b"kernel" * 3_000, bytes(range(256)) * 8_000
_SETTINGS = """
dhcp: {{mode: off}}
tftp: {{port: 0}}
http: {{port: {http}}}
admin: {{listen: "127.0.0.1:{admin}"}}
unknown: silent
profiles:
  edge: {{payload: linux, kernel: kernel, initrd: disk, boots: once}}
"""
_AGAIN = (aiohttp.ClientError, ConnectionError, TimeoutError, asyncio.TimeoutError)
_WAIT = 0.3  # seconds between two tries of a machine, about
_URL = re.compile(r"http://127\.0\.0\.1:\d+/artifacts/(kernel|disk)\b")


@dataclass
class Daemon:
    """One of them, killed and started again in its place; ``lives`` counts."""

    directory: Path
    state: str
    http: int = 0
    admin: int = 0
    lives: int = 0
    said: str = ""
    """What all lives logged."""

    def __post_init__(self) -> None:
        furnished(self.directory)
        (self.directory / "artifacts" / "kernel").write_bytes(KERNEL)
        (self.directory / "artifacts" / "disk").write_bytes(DISK)
        self.http, self.admin = free_port(), free_port()
        text = settings(self.directory, _SETTINGS.format(http=self.http, admin=self.admin))
        self._settings = re.sub(r"^state: .*$", f"state: {self.state}", text, flags=re.MULTILINE)
        self._stack = ExitStack()
        self._running: Running | None = None

    async def start(self) -> None:
        """Until it is ready."""
        context = running(self.directory, self._settings)
        self._running = await asyncio.to_thread(self._stack.enter_context, context)
        self.lives += 1

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """SIGKILL: in the middle of whatever it does."""
        assert self._running
        ended, self._running = self._running, None
        ended.signal(number)
        await asyncio.to_thread(ended.process.wait)
        await asyncio.to_thread(self._stack.close)
        self.said += ended.text()

    async def end(self) -> None:
        """However the test went."""
        await asyncio.to_thread(self._stack.close)

    async def ask(self, session: aiohttp.ClientSession, method: str, path: str, body: object = None) -> Any:
        """Of its API; tried until it answers.  What it refuses is returned as it is, with its status."""
        while True:
            try:
                async with session.request(method, f"http://127.0.0.1:{self.admin}/api/v1{path}", json=body) as answer:
                    if answer.status != 503:
                        return await answer.json(content_type=None)
            except _AGAIN:
                pass
            await asyncio.sleep(_WAIT)


@dataclass
class Machine:
    """One that boots until it has its system, and then some times more."""

    number: int
    armings: int = 0
    installs: int = 0

    @property
    def mac(self) -> str:
        return f"02:00:00:00:{self.number >> 8:02x}:{self.number & 255:02x}"

    @property
    def address(self) -> str:
        return f"127.1.{self.number >> 8}.{self.number & 255}"


@dataclass
class Storm:
    """``kills``: how often each daemon is killed, about; at half of them the database is restarted once."""

    daemons: tuple[Daemon, Daemon]
    postgres: Server
    machines: list[Machine]
    kills: int
    dice: random.Random
    boots: int = 0
    restarts: int = 0
    seconds: float = 0.0
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def rage(self) -> None:
        """Until every machine has its system."""
        began = time.monotonic()
        for daemon in self.daemons:
            await daemon.start()
        async with AsyncExitStack() as stack:
            admin = await stack.enter_async_context(_session())
            await _all(self._made(machine, admin) for machine in self.machines)
            trouble = asyncio.create_task(self._trouble())
            await _all(self._lives(machine, admin) for machine in self.machines)
            self._over.set()
            await trouble
            self.seconds = time.monotonic() - began
            await self._check(admin)
        for daemon in self.daemons:
            await daemon.stop()

    def told(self) -> str:
        """The figures."""
        doubts = sum(machine.armings - 1 for machine in self.machines)
        return (
            f"{len(self.machines)} machines installed {sum(machine.installs for machine in self.machines)} times in "
            f"{self.seconds:.0f} s by {self.boots} boots; daemons started {[each.lives for each in self.daemons]} "
            f"times, the database again {self.restarts} times; armed again after a doubt: {doubts}"
        )

    async def _made(self, machine: Machine, admin: aiohttp.ClientSession) -> None:
        """Half of them through each, with the next soft serial of one range."""
        daemon = self.daemons[machine.number % 2]
        body = {
            "mac": machine.mac,
            "name": f"node-{machine.number}",
            "profile": "edge",
            "soft_serial": "EDGE-[0001-0999]",
        }
        made = await daemon.ask(admin, "POST", "/machines", body)
        while "changed through another daemon" in made.get("detail", ""):
            made = await daemon.ask(admin, "POST", "/machines", body)
        assert made.get("name") == body["name"], made
        await self._arm(machine, admin)

    async def _arm(self, machine: Machine, admin: aiohttp.ClientSession) -> None:
        daemon = self.daemons[machine.number % 2]
        armed = await daemon.ask(admin, "POST", f"/machines/{machine.mac}/install", {})
        assert armed.get("state") in ("armed", "installing"), armed
        machine.armings += 1

    async def _lives(self, machine: Machine, admin: aiohttp.ClientSession) -> None:
        """It boots; whoever looks after it arms it again where it was left without a system."""
        async with _session(machine.address) as network:
            while not machine.installs:
                if not await self._boots(machine, network) and await self._is_given(machine, admin):
                    await self._arm(machine, admin)
            for _ in range(3):
                await asyncio.sleep(_WAIT * self.dice.random())
                await self._boots(machine, network)

    async def _is_given(self, machine: Machine, admin: aiohttp.ClientSession) -> bool:
        """A daemon that was started while the database is away knows nobody."""
        seen = await self.dice.choice(self.daemons).ask(admin, "GET", f"/machines/{machine.mac}")
        return bool(seen.get("stage") == "given")

    async def _boots(self, machine: Machine, network: aiohttp.ClientSession) -> bool:
        """By either daemon, as far as it lives.  Whether it got anywhere with its payload."""
        self.boots += 1
        base = f"http://127.0.0.1:{self.dice.choice(self.daemons).http}"
        await asyncio.sleep(_WAIT * self.dice.random())
        try:
            async with network.get(f"{base}/machines/{machine.mac}/ipxe.cfg?buildarch=x86_64&platform=efi") as script:
                text = await script.text()
            files = list(dict.fromkeys(_URL.findall(text))) if script.status == 200 else []
            for name in files:
                await self._fetch(network, f"{base}/artifacts/{name}", DISK if name == "disk" else KERNEL)
        except _AGAIN:
            return True  # it tries again
        machine.installs += bool(files)
        return bool(files)

    async def _fetch(self, network: aiohttp.ClientSession, url: str, whole: bytes) -> None:
        """Over a line that is slow now and then, so that whoever is killed is in the middle of it."""
        async with network.get(url) as answer:
            if answer.status != 200:
                raise ConnectionError(answer.status)
            if self.dice.random() < 0.3:
                await answer.content.readexactly(1000)
                await asyncio.sleep(_WAIT * self.dice.random())
                assert await answer.read() == whole[1000:]
            else:
                assert await answer.read() == whole

    async def _trouble(self) -> None:
        """One daemon after the other, sometimes both at once; a third of the time between two is for quiet."""
        for turn in range(self.kills):
            victims = self.daemons if self.dice.random() < 0.3 else (self.dice.choice(self.daemons),)
            await self._while_it_rages(1.5 * self.dice.random())
            await asyncio.gather(*(victim.stop(signal.SIGKILL) for victim in victims))
            if turn == self.kills // 2:
                await asyncio.to_thread(self.postgres.stop)
                await asyncio.gather(*(victim.start() for victim in victims))
                await self._while_it_rages(0.5)
                await asyncio.to_thread(self.postgres.start)
                self.restarts += 1
            else:
                await asyncio.gather(*(victim.start() for victim in victims))

    async def _while_it_rages(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            pass

    async def _check(self, admin: aiohttp.ClientSession) -> None:
        """Both know the same of all."""
        assert {machine.number: machine.installs for machine in self.machines if machine.installs != 1} == {}
        for daemon in self.daemons:
            async with asyncio.timeout(120):
                while (faults := self._faults(await daemon.ask(admin, "GET", "/machines?limit=1000"))) != []:
                    await asyncio.sleep(_WAIT)
            assert faults == []
        assert all("Traceback" not in daemon.said for daemon in self.daemons)

    def _faults(self, listed: Any) -> list[object]:
        seen = {each["name"]: each for each in listed}
        lost = [each for each in self.machines if f"node-{each.number}" not in seen]
        serials = [each["soft_serial"] for each in seen.values() if each.get("soft_serial")]
        twice = [serial for serial in serials if serials.count(serial) > 1]
        armed = [each for each in seen.values() if each["netboot"] or each["stage"] != "given"]
        missing = len(self.machines) - len(serials)
        return [*lost, *twice, *armed, *([missing] if missing else [])]


async def storm(directory: Path, postgres: Server, machines: int, kills: int, seed: int) -> Storm:
    """The whole of it; raises AssertionError where anything was installed twice, or lost."""
    state = postgres.database()
    houses = [directory / name for name in ("a", "b")]
    for house in houses:
        house.mkdir()
    daemons = (Daemon(houses[0], state), Daemon(houses[1], state))
    found = Storm(daemons, postgres, [Machine(n) for n in range(1, machines + 1)], kills, random.Random(seed))
    try:
        await found.rage()
    finally:
        for daemon in daemons:
            await daemon.end()
    return found


def _session(address: str = "") -> aiohttp.ClientSession:
    """With a new connection for each request, as firmware does; from this address."""
    local = (address, 0) if address else None
    connector = aiohttp.TCPConnector(force_close=True, local_addr=local, limit=16)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=120, sock_read=60))


async def _all(work: Any) -> None:
    """One that fails ends all."""
    async with asyncio.TaskGroup() as group:
        for each in work:
            group.create_task(each)
