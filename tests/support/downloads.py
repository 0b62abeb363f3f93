"""Downloads that are under way."""

from __future__ import annotations

import asyncio
import socket

from netbootd.observe.events import ArtifactServed
from tests.support.bootsite import Site

SIZE = 16 << 20
REQUEST = b"GET /artifacts/eve/rootfs.img HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\n\r\n"


async def begun(site: Site, agent: str = "curl/8.5", port: int = 0) -> socket.socket:
    """A client in the middle of a download, which takes no more for now; ``port`` is its own, 0 for any."""
    loop = asyncio.get_running_loop()
    site.file("eve/rootfs.img", bytes(SIZE))
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    client.bind(("127.0.0.1", port))
    client.setblocking(False)
    await loop.sock_connect(client, ("127.0.0.1", site.port))
    await loop.sock_sendall(client, REQUEST % agent.encode())
    taken = 0
    while taken < 1000:  # more than the headers: the body has begun, and more of it is queued than fits
        taken += len(await loop.sock_recv(client, 1000 - taken))
    return client


async def ended(site: Site) -> None:
    """One download was told of and its connection is gone."""
    open_before = site.server.connections
    assert isinstance(await site.services.events.get(), ArtifactServed)
    while site.server.connections >= open_before > 0:
        await asyncio.sleep(0)


async def rest(client: socket.socket) -> int:
    loop = asyncio.get_running_loop()
    total = 0
    while data := await loop.sock_recv(client, 1 << 20):
        total += len(data)
    return total
