"""One TCP connection on loopback: the server's transport, and a client that takes nothing unless it is told to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from netbootd.net.tcp import bind_tcp
from tests.support.tls import Client, own, trusting

_BUFFER = 256 << 10  # small and fixed, so that a few megabytes always fill it


@dataclass(frozen=True)
class Connection:
    transport: asyncio.WriteTransport
    lost: asyncio.Event
    client: socket.socket
    tls: Client | None = None

    async def take(self, count: int) -> bytes:
        """Up to ``count`` bytes, fewer only at the end of the stream."""
        data = bytearray()
        while len(data) < count and (got := await self._some(count - len(data))):
            data += got
        return bytes(data)

    async def _some(self, count: int) -> bytes:
        if self.tls is not None:
            return await self.tls.recv(count)
        return await asyncio.get_running_loop().sock_recv(self.client, count)


class _Side(asyncio.Protocol):
    def __init__(self, accepted: asyncio.Queue[_Side]) -> None:
        self.accepted = accepted
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)
        self.accepted.put_nowait(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@asynccontextmanager
async def connection(*, tls: bool = False) -> AsyncIterator[Connection]:
    loop = asyncio.get_running_loop()
    accepted: asyncio.Queue[_Side] = asyncio.Queue()
    server = await loop.create_server(
        lambda: _Side(accepted), sock=bind_tcp("127.0.0.1", 0), ssl=own()[0].context if tls else None
    )
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        client.setblocking(False)
        await loop.sock_connect(client, server.sockets[0].getsockname())
        encrypted = Client(client, trusting()) if tls else None
        if encrypted is not None:
            await encrypted.shake()
        side = await accepted.get()
        side.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        yield Connection(side.transport, side.lost, client, encrypted)
        side.transport.abort()
        await side.lost.wait()
    server.close()
    await server.wait_closed()
