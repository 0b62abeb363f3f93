"""Every wait for a client has an end."""

from __future__ import annotations

import asyncio

from netbootd.observe.events import ArtifactServed
from tests.support.bootsite import BOTH_WAYS, Site

pytestmark = BOTH_WAYS


async def test_small_answers_nobody_reads_end_the_connection(site: Site) -> None:
    """Requests pipelined without end: the answers fill the socket, and the client is dropped after its time."""
    site.services.stall_seconds = 0.1
    site.file("eve/small", bytes(60 << 10))
    reader, writer = await site.opened(limit=1)
    writer.write(b"GET /artifacts/eve/small HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
    while isinstance(told := await site.services.events.get(), ArtifactServed) and told.complete:
        pass
    assert isinstance(told, ArtifactServed)
    assert (told.complete, told.detail) == (False, "the client stopped reading")
    writer.transport.abort()
    assert reader.at_eof() is False


async def test_many_downloads_at_once_all_arrive_whole(site: Site) -> None:
    body = b"".join(number.to_bytes(4, "big") for number in range(1 << 18))
    site.file("eve/rootfs.img", body)
    answers = await asyncio.gather(*(site.ask("/artifacts/eve/rootfs.img") for _ in range(32)))
    assert all(answer.body == body for answer in answers)


async def test_a_connection_serves_request_after_request(site: Site) -> None:
    site.file("eve/large", bytes(300_000))
    site.file("eve/small", b"small")
    data = await site.raw(
        b"GET /artifacts/eve/large HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /artifacts/eve/small HTTP/1.1\r\nHost: x\r\n\r\n"
        b"HEAD /artifacts/eve/large HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /artifacts/eve/none HTTP/1.1\r\nHost: x\r\n\r\n"
        b"GET /artifacts/eve/large HTTP/1.1\r\nHost: x\r\nRange: bytes=299999-\r\nConnection: close\r\n\r\n"
    )
    statuses = [part.split(b" ", 1)[0] for part in data.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"200", b"404", b"206"]
    assert data.count(b"\0") == 300_001
