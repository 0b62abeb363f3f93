"""Bodies in capped pieces: complete, in turn, and never waiting for a client that is gone."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import uvloop

from netbootd.net.sendfile import CHUNK, Ending, send_bytes, send_file
from netbootd.net.tcp import cut
from netbootd.net.turns import Turns
from tests.support.tcp import Connection, connection

PATTERN = b"".join(number.to_bytes(4, "big") for number in range(1 << 19))  # 2 MiB, no two places alike

Link = Callable[[], AbstractAsyncContextManager[Connection]]


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        yield runner


@pytest.fixture(params=["plain", "tls"])
def link(request: pytest.FixtureRequest) -> Link:
    """The same holds whether the kernel sends the file or TLS stands between."""
    return functools.partial(connection, tls=request.param == "tls")


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    path = tmp_path / "file"
    path.write_bytes(PATTERN)
    fd = os.open(path, os.O_RDONLY)
    yield fd
    os.close(fd)


@pytest.mark.parametrize(("offset", "count"), [(0, len(PATTERN)), (12345, 1_000_001), (len(PATTERN) - 1, 1), (0, 0)])
def test_exactly_the_bytes_asked_for_arrive(
    runner: asyncio.Runner, link: Link, fd: int, offset: int, count: int
) -> None:
    async def main() -> None:
        async with link() as line:
            result, data = await asyncio.gather(
                send_file(line.transport, fd, offset, count, stall=10, turns=Turns()), line.take(count)
            )
            assert (result.sent, result.reason, result.complete) == (count, Ending.COMPLETE, True)
            assert data == PATTERN[offset : offset + count]

    runner.run(main())


def test_memory_is_sent_the_same_way(runner: asyncio.Runner, link: Link) -> None:
    async def main() -> None:
        async with link() as line:
            result, data = await asyncio.gather(
                send_bytes(line.transport, memoryview(PATTERN), stall=10, turns=Turns()), line.take(len(PATTERN))
            )
            assert result.complete
            assert data == PATTERN

    runner.run(main())


def test_no_piece_is_larger_than_the_cap_and_others_get_their_turn_between(
    runner: asyncio.Runner, link: Link, fd: int
) -> None:
    """A callback that re-arms itself, as a socket with DHCP packets would, runs at least once between two pieces."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        happened: list[str] = []
        sizes: list[int] = []

        def other() -> None:
            happened.append("other")
            if sum(sizes) < len(PATTERN):
                loop.call_soon(other)

        def progress(taken: int) -> None:
            happened.append("piece")
            sizes.append(taken)

        async with link() as line:
            loop.call_soon(other)
            await asyncio.gather(
                send_file(line.transport, fd, 0, len(PATTERN), stall=10, turns=Turns(), progress=progress),
                line.take(len(PATTERN)),
            )
        assert sum(sizes) == len(PATTERN)
        assert max(sizes) <= CHUNK
        assert ("piece", "piece") not in set(itertools.pairwise(happened))

    runner.run(main())


def test_a_client_that_stops_reading_is_given_up(runner: asyncio.Runner, link: Link, fd: int) -> None:
    async def main() -> None:
        async with link() as line:
            result = await send_file(line.transport, fd, 0, len(PATTERN), stall=0.05, turns=Turns())
            assert result.reason is Ending.STALLED
            assert 0 < result.sent < len(PATTERN)
            assert not result.complete

    runner.run(main())


def test_a_client_that_reads_again_in_time_gets_the_rest(runner: asyncio.Runner, link: Link, fd: int) -> None:
    async def main() -> None:
        async with link() as line:
            full = asyncio.Event()
            sending = asyncio.ensure_future(
                send_file(line.transport, fd, 0, len(PATTERN), stall=30, turns=Turns(), progress=lambda _: full.set())
            )
            await full.wait()
            assert await line.take(len(PATTERN)) == PATTERN
            assert (await sending).complete

    runner.run(main())


def test_a_client_that_goes_away_ends_the_transfer(runner: asyncio.Runner, link: Link, fd: int) -> None:
    async def main() -> None:
        async with link() as line:
            sending = asyncio.ensure_future(send_file(line.transport, fd, 0, len(PATTERN), stall=30, turns=Turns()))
            await line.take(1000)
            line.client.close()
            assert (await sending).reason is Ending.GONE

    runner.run(main())


def test_cutting_the_connection_wakes_a_sender_that_waits(runner: asyncio.Runner, link: Link, fd: int) -> None:
    async def main() -> None:
        async with link() as line:
            sending = asyncio.ensure_future(send_file(line.transport, fd, 0, len(PATTERN), stall=30, turns=Turns()))
            await line.take(1000)
            cut(line.transport)
            assert (await sending).reason is Ending.GONE

    runner.run(main())


def test_a_connection_already_closed_is_gone(runner: asyncio.Runner, link: Link, fd: int) -> None:
    async def main() -> None:
        async with link() as line:
            line.transport.abort()
            await line.lost.wait()
            assert (await send_file(line.transport, fd, 0, 1, stall=30, turns=Turns())).reason is Ending.GONE

    runner.run(main())


def test_a_file_that_became_shorter_is_told(runner: asyncio.Runner, link: Link, fd: int) -> None:
    async def main() -> None:
        async with link() as line:
            result, _ = await asyncio.gather(
                send_file(line.transport, fd, len(PATTERN) - 10, 100, stall=10, turns=Turns()), line.take(10)
            )
            assert (result.sent, result.reason) == (10, Ending.SHORT)

    runner.run(main())


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_cancelled_transfer_leaves_no_descriptor(runner: asyncio.Runner, link: Link, fd: int) -> None:
    async def main() -> None:
        async with link() as line:
            before = descriptors()
            sending = asyncio.ensure_future(send_file(line.transport, fd, 0, len(PATTERN), stall=30, turns=Turns()))
            await line.take(1000)
            sending.cancel()
            await asyncio.wait([sending])
            assert descriptors() == before

    runner.run(main())
