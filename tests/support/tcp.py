"""One TCP connection on loopback: the server's transport, and a client that takes nothing unless it is told to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from netbootd.net.tcp import bind_tcp

_BUFFER = 256 << 10  # small and fixed, so that a few megabytes always fill it


@dataclass(frozen=True)
class Connection:
    transport: asyncio.WriteTransport
    lost: asyncio.Event
    client: socket.socket

    async def take(self, count: int) -> bytes:
        """Up to ``count`` bytes, fewer only at the end of the stream."""
        loop = asyncio.get_running_loop()
        data = bytearray()
        while len(data) < count and (got := await loop.sock_recv(self.client, count - len(data))):
            data += got
        return bytes(data)


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
async def connection() -> AsyncIterator[Connection]:
    loop = asyncio.get_running_loop()
    accepted: asyncio.Queue[_Side] = asyncio.Queue()
    server = await loop.create_server(lambda: _Side(accepted), sock=bind_tcp("127.0.0.1", 0))
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        client.setblocking(False)
        await loop.sock_connect(client, server.sockets[0].getsockname())
        side = await accepted.get()
        side.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        yield Connection(side.transport, side.lost, client)
        side.transport.abort()
        await side.lost.wait()
    server.close()
    await server.wait_closed()
