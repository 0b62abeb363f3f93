"""A real boot site on loopback for tests, and a client that sees every byte of its answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from netbootd.artifacts.tree import Tree
from netbootd.boot import grub_names
from netbootd.boot.model import Machine
from netbootd.net.tcp import bind_tcp
from netbootd.observe.events import Event
from netbootd.payloads.eve.bundle import Bundle
from netbootd.serve.http.app import build_app
from netbootd.serve.http.forwarded import Network
from netbootd.serve.http.server import HttpServer, Secure, start_http
from netbootd.serve.http.services import Heard, NodeServices, ScriptReply, ScriptRequest
from netbootd.serve.tokens import Granted, Tokens
from netbootd.wire.mac import Mac
from tests.support.tls import Client, own, trusting

BOTH_WAYS = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])


@dataclass
class Services:
    """What the site needs, from memory; remembers what it was asked and told."""

    root: Path
    stall_seconds: float = 60.0
    trusted_proxies: tuple[Network, ...] = ()
    firmware_files: dict[str, bytes] = field(default_factory=dict)
    bundles: Mapping[str, Bundle] = field(default_factory=dict)
    reply: Callable[[ScriptRequest], ScriptReply] = lambda request: ScriptReply(b"#!ipxe\n")
    releases: dict[str, dict[str, str]] = field(default_factory=dict)
    """By the client's address: names at the root, and the artifacts they stand for."""
    admitted: bool = True
    heard: Heard = Heard.TAKEN
    called: list[tuple[Mac, int, bool, str]] = field(default_factory=list)
    """What installers said that was to be recorded."""
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

    @property
    def node(self) -> NodeServices:
        return self

    async def holder(self, token: str, ip: str) -> Mac | None:
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

    async def document(self, token: str, name: str, ip: str) -> Granted | None:
        return self.tokens.find(token, name)

    async def calls(self, token: str, ip: str) -> bool:
        return self.tokens.caller(token) is not None

    async def call(self, token: str, done: bool, message: str) -> Heard:
        caller = self.tokens.caller(token)
        assert caller is not None
        self.called.append((caller.mac, caller.generation, done, message))
        return self.heard

    async def admit(self, ip: str, file: str, mac: Mac | None = None) -> bool:
        return self.admitted

    def told(self) -> list[Event]:
        """The events so far."""
        return [self.events.get_nowait() for _ in range(self.events.qsize())]


@dataclass(frozen=True, eq=False)
class Answer:
    """One response, in the bytes it came in.  Two are the same that differ in the time they were given alone."""

    status_line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answer) and self._said == other._said

    def __hash__(self) -> int:
        return hash(self._said)

    @property
    def _said(self) -> tuple[object, ...]:
        return self.status_line, tuple(each for each in self.headers if each[0] != "Date"), self.body

    @property
    def status(self) -> int:
        return int(self.status_line.split(" ")[1])

    def __getitem__(self, name: str) -> str:
        """The value of a header spelled exactly so."""
        return dict(self.headers)[name]

    def __contains__(self, name: str) -> bool:
        return name in dict(self.headers)


@dataclass(frozen=True)
class Socket:
    """A client that takes what it is told to take, and no more."""

    sock: socket.socket
    tls: Client | None

    async def send(self, data: bytes) -> None:
        if self.tls is not None:
            await self.tls.shake()
            await self.tls.send(data)
        else:
            await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def recv(self, count: int) -> bytes:
        if self.tls is not None:
            return await self.tls.recv(count)
        return await asyncio.get_running_loop().sock_recv(self.sock, count)

    async def rest(self) -> int:
        """How many bytes there were until the end."""
        total = 0
        while data := await self.recv(1 << 20):
            total += len(data)
        return total

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


@dataclass
class Site:
    server: HttpServer
    services: Services
    tls_port: int = 0
    tls: bool = False
    """Whether everything here asks by TLS."""

    @property
    def plain_port(self) -> int:
        return self.server.addresses[0][1]

    @property
    def port(self) -> int:
        return self.tls_port if self.tls else self.plain_port

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def opened(self, limit: int = 1 << 16) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection, through TLS if that is the way."""
        context = trusting() if self.tls else None
        return await asyncio.open_connection("127.0.0.1", self.port, limit=limit, ssl=context)

    async def begun(self, request: bytes) -> Socket:
        """Ask, and take nothing: what has been sent waits in a small buffer."""
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", self.port))
        client = Socket(sock, Client(sock, trusting()) if self.tls else None)
        await client.send(request)
        return client

    def file(self, name: str, content: bytes) -> Path:
        """Put an artifact in its place."""
        path = self.services.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    async def raw(self, request: bytes) -> bytes:
        """All the bytes that come back until the server closes the connection."""
        reader, writer = await self.opened()
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
        reader, writer = await self.opened()
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
async def running(root: Path, grace: float = 1.0, *, tls: bool = False, patience: float = 30.0) -> AsyncIterator[Site]:
    services = Services(root)
    secure = bind_tcp("127.0.0.1", 0)
    port = secure.getsockname()[1]
    server = await start_http(
        build_app(services),
        [bind_tcp("127.0.0.1", 0)],
        services.emit,
        grace=grace,
        secure=Secure(secure, lambda: own()[0].context, patience),
    )
    try:
        yield Site(server, services, port, tls)
    finally:
        await server.stop()
