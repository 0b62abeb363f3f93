"""TCP sockets: who has the port, a second descriptor of a connection, and ending one at once."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from netbootd.net.holder import PortBusy
from netbootd.net.sendfile import send_bytes
from netbootd.net.tcp import bind_tcp, close_with_reset, cut, shared_socket, unsent
from netbootd.net.turns import Turns
from tests.support.tcp import connection


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        yield runner


def test_a_bound_socket_listens_at_once() -> None:
    with bind_tcp("127.0.0.1", 0) as sock, socket.create_connection(sock.getsockname()):
        pass


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_what_is_half_made_is_soon_forgotten(address: str) -> None:
    """Shown on a wire in tests/system/test_network.py."""
    with bind_tcp(address, 0) as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT) == 1


def test_a_busy_port_names_its_holder_and_the_protocol() -> None:
    with bind_tcp("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortBusy, match=f"TCP port {port} on 0.0.0.0") as busy:
            bind_tcp("0.0.0.0", port)
    comm = Path("/proc/self/comm").read_text().strip()
    assert busy.value.holder == f"{comm} (pid {os.getpid()})"


def test_the_ipv4_and_ipv6_wildcards_can_share_a_port() -> None:
    with bind_tcp("0.0.0.0", 0) as four, bind_tcp("::", four.getsockname()[1]) as six:
        assert six.family == socket.AF_INET6


def test_another_error_stays_what_it_was() -> None:
    with pytest.raises(OSError, match="assign requested address"):
        bind_tcp("192.0.2.1", 0)


def test_a_connection_can_be_watched_through_a_second_descriptor(runner: asyncio.Runner) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        writable = asyncio.Event()
        async with connection() as link:
            with shared_socket(link.transport) as sock:
                loop.add_writer(sock.fileno(), writable.set)
                await writable.wait()
                loop.remove_writer(sock.fileno())

    runner.run(main())


def test_a_closed_connection_has_no_second_descriptor_and_can_be_cut_all_the_same(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with connection() as link:
            link.transport.abort()
            await link.lost.wait()
            with pytest.raises(ConnectionResetError):
                shared_socket(link.transport)
            cut(link.transport)

    runner.run(main())


def test_a_cut_connection_is_reset_for_the_peer(runner: asyncio.Runner) -> None:
    """With bytes still queued for it, the peer sees RST and not an end that looks regular."""

    async def main() -> None:
        body = memoryview(bytes(4 << 20))
        async with connection() as link:
            await send_bytes(link.transport, body, stall=0.05, turns=Turns())
            cut(link.transport)
            await link.lost.wait()
            with pytest.raises(ConnectionResetError):
                await link.take(len(body))

    runner.run(main())


def test_what_a_shut_window_keeps_back_is_unsent(runner: asyncio.Runner) -> None:
    """What is on its way does not count, whether it is acknowledged or not."""

    async def main() -> None:
        body = memoryview(bytes(4 << 20))
        async with connection() as link:
            with shared_socket(link.transport) as sock:
                assert unsent(sock) == 0
                sent = (await send_bytes(link.transport, body[:1000], stall=5, turns=Turns())).sent
                assert (sent, unsent(sock)) == (1000, 0)
                await send_bytes(link.transport, body, stall=0.05, turns=Turns())
                assert unsent(sock) > 0

    runner.run(main())


def test_a_connection_may_be_told_beforehand_how_to_end(runner: asyncio.Runner) -> None:
    """Whoever closes it: a window that stays shut would keep a plain end, and the peer's port, in the kernel."""

    async def main() -> None:
        async with connection() as link:
            with shared_socket(link.transport) as sock:
                close_with_reset(sock)
            link.transport.close()
            await link.lost.wait()
            with pytest.raises(ConnectionResetError):
                await link.take(1)

    runner.run(main())
