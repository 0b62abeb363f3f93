"""A real boot site on loopback for tests, and a client that sees every byte of its answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from netbootd.artifacts.tree import Tree
from netbootd.boot import grub_names
from netbootd.boot.model import Machine
from netbootd.net.tcp import bind_tcp
from netbootd.observe.events import Event
from netbootd.payloads.eve.bundle import Bundle
from netbootd.serve.http.app import build_app
from netbootd.serve.http.forwarded import Network
from netbootd.serve.http.server import HttpServer, start_http
from netbootd.serve.http.services import ScriptReply, ScriptRequest
from netbootd.serve.tokens import Granted, Tokens
from netbootd.wire.mac import Mac


@dataclass
class Services:
    """What the site needs, from memory; remembers what it was asked and told."""

    root: Path
    stall_seconds: float = 10.0
    trusted_proxies: tuple[Network, ...] = ()
    firmware_files: dict[str, bytes] = field(default_factory=dict)
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    reply: Callable[[ScriptRequest], ScriptReply] = lambda request: ScriptReply(b"#!ipxe\n")
    releases: dict[str, dict[str, str]] = field(default_factory=dict)
    """By the client's address: names at the root, and the artifacts they stand for."""
    admitted: bool = True
    machines: tuple[Machine, ...] = ()
    tokens: Tokens = field(default_factory=Tokens)
    asked: list[ScriptRequest] = field(default_factory=list)
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue)

    def emit(self, event: Event) -> None:
        self.events.put_nowait(event)

    def script(self, request: ScriptRequest) -> ScriptReply:
        self.asked.append(request)
        return self.reply(request)

    def by_secret(self, secret: str) -> Machine | None:
        return next((each for each in self.machines if each.secret == secret), None)

    def holder(self, token: str) -> Mac | None:
        return self.tokens.holder(token)

    def grub(self, ip: str, path: str) -> Mac | None:
        asked = grub_names.wanted(path)
        return asked.mac if isinstance(asked, grub_names.ByCard) else None

    def firmware(self, name: str) -> bytes | None:
        return self.firmware_files.get(name)

    def artifacts(self) -> Tree:
        return Tree(self.root, self.bundles)

    def stock(self, ip: str, name: str) -> str | None:
        return self.releases.get(ip, {}).get(name)

    def document(self, token: str, name: str) -> Granted | None:
        return self.tokens.find(token, name)

    async def admit(self, ip: str, file: str, mac: Mac | None = None) -> bool:
        return self.admitted

    def told(self) -> list[Event]:
        """The events so far."""
        return [self.events.get_nowait() for _ in range(self.events.qsize())]


@dataclass(frozen=True)
class Answer:
    """One response, in the bytes it came in."""

    status_line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def status(self) -> int:
        return int(self.status_line.split(" ")[1])

    def __getitem__(self, name: str) -> str:
        """The value of a header spelled exactly so."""
        return dict(self.headers)[name]

    def __contains__(self, name: str) -> bool:
        return name in dict(self.headers)


@dataclass
class Site:
    server: HttpServer
    services: Services

    @property
    def port(self) -> int:
        return self.server.addresses[0][1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def file(self, name: str, content: bytes) -> Path:
        """Put an artifact in its place."""
        path = self.services.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    async def raw(self, request: bytes) -> bytes:
        """All the bytes that come back until the server closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        data = await reader.read()
        writer.close()
        return data

    async def ask(self, target: str, method: str = "GET", /, **headers: str) -> Answer:
        """One request; ``If_Range="x"`` is the header ``If-Range: x``."""
        lines = [f"{method} {target} HTTP/1.1", "Host: boot.test", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return parsed(await self.raw("\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")))

    async def grub(self, target: str, *extra: str) -> Answer:
        """A request in GRUB 2.12's own words (grub-core/net/http.c); it knows no Connection header."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"GET {target} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: GRUB 2.12", *extra, "", ""]
        writer.write("\r\n".join(lines).encode())
        head = parsed(await reader.readuntil(b"\r\n\r\n"))
        body = await reader.readexactly(int(head["Content-Length"]))
        writer.close()
        return Answer(head.status_line, head.headers, body)


def parsed(data: bytes) -> Answer:
    head, _, body = data.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    return Answer(
        status_line, tuple((name, value) for name, _, value in (line.partition(": ") for line in lines)), body
    )


@asynccontextmanager
async def running(root: Path, grace: float = 1.0) -> AsyncIterator[Site]:
    services = Services(root)
    server = await start_http(build_app(services), [bind_tcp("127.0.0.1", 0)], services.emit, grace=grace)
    try:
        yield Site(server, services)
    finally:
        await server.stop()
