"""The UDP endpoint: what it tells about a datagram, where its answers leave from, and what cannot stop it."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import pytest
import uvloop

from netbootd.net.holder import PortBusy
from netbootd.net.udp import Datagram, UdpEndpoint, bind_udp, connect_udp

LOOPBACK = socket.if_nametoindex("lo")


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Any:
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        yield runner


def client(address: str = "127.0.0.1") -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(60)  # on loopback, too, a busy kernel delivers later
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.bind((address, 0))
    return sock


class Inbox:
    """An endpoint whose datagrams can be awaited; ``batches`` counts the calls of ``drained``."""

    def __init__(self, address: str = "0.0.0.0", **options: Any) -> None:
        self.queue: asyncio.Queue[Datagram] = asyncio.Queue()
        self.batches = 0
        self.endpoint = UdpEndpoint(bind_udp(address, 0, **options), self.receive, drained=self.drained)
        self.endpoint.start(asyncio.get_running_loop())
        self.port = self.endpoint.address[1]

    def receive(self, datagram: Datagram) -> None:
        if datagram.data == b"provoke":
            raise AssertionError("provoked")
        self.queue.put_nowait(datagram)

    def drained(self) -> None:
        self.batches += 1


def test_a_datagram_names_the_address_it_was_sent_to_and_its_interface(runner: asyncio.Runner) -> None:
    async def main() -> None:
        inbox = Inbox()
        with client("127.0.0.9") as sock:
            sock.sendto(b"hello", ("127.0.0.7", inbox.port))
            datagram = await inbox.queue.get()
            assert datagram == Datagram(b"hello", sock.getsockname(), "127.0.0.7", LOOPBACK)
        inbox.endpoint.close()

    runner.run(main())


def test_an_answer_leaves_from_the_address_that_was_asked(runner: asyncio.Runner) -> None:
    async def main() -> None:
        inbox = Inbox()
        with client() as sock:
            sock.sendto(b"ask", ("127.0.0.7", inbox.port))
            asked = await inbox.queue.get()
            assert inbox.endpoint.send(b"answer", asked.source, local=asked.local, ifindex=asked.ifindex)
            assert sock.recvfrom(100) == (b"answer", ("127.0.0.7", inbox.port))
        inbox.endpoint.close()

    runner.run(main())


def test_a_broadcast_names_an_address_of_ours_to_answer_from(runner: asyncio.Runner) -> None:
    """127.255.255.255 is loopback's directed broadcast; it can be no source address."""

    async def main() -> None:
        inbox = Inbox()
        with client() as sock:
            sock.sendto(b"anyone?", ("127.255.255.255", inbox.port))
            asked = await inbox.queue.get()
            assert asked.local == "127.0.0.1"
            assert asked.ifindex == LOOPBACK
            assert asked.broadcast
        inbox.endpoint.close()

    runner.run(main())


def test_a_raising_callback_reaches_the_loops_handler_and_reading_goes_on(runner: asyncio.Runner) -> None:
    async def main() -> None:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        inbox = Inbox()
        with client() as sock:
            sock.sendto(b"provoke", ("127.0.0.1", inbox.port))
            sock.sendto(b"and then", ("127.0.0.1", inbox.port))
            assert (await inbox.queue.get()).data == b"and then"
        assert [type(context["exception"]) for context in reported] == [AssertionError]
        inbox.endpoint.close()

    runner.run(main())


def test_a_flood_is_taken_in_batches_and_in_order(runner: asyncio.Runner) -> None:
    """64 datagrams a wake-up: 100 waiting ones need two, and each wake-up reports once that it is done."""

    async def main() -> None:
        inbox = Inbox()
        with client() as sock:
            for number in range(100):
                sock.sendto(b"%d" % number, ("127.0.0.1", inbox.port))
            received = [(await inbox.queue.get()).data for _ in range(100)]
        assert received == [b"%d" % number for number in range(100)]
        assert inbox.batches >= 1
        inbox.endpoint.close()

    runner.run(main())


def test_an_empty_datagram_is_a_datagram(runner: asyncio.Runner) -> None:
    async def main() -> None:
        inbox = Inbox()
        with client() as sock:
            sock.sendto(b"", ("127.0.0.1", inbox.port))
            assert (await inbox.queue.get()).data == b""
        inbox.endpoint.close()

    runner.run(main())


def test_a_callback_may_close_the_endpoint(runner: asyncio.Runner) -> None:
    """What still waits in the socket is dropped with it."""

    async def main() -> None:
        seen: list[bytes] = []

        def receive(datagram: Datagram) -> None:
            seen.append(datagram.data)
            endpoint.close()
            done.set()

        done = asyncio.Event()
        endpoint = UdpEndpoint(bind_udp("127.0.0.1", 0), receive)
        address = endpoint.address
        with client() as sock:
            sock.sendto(b"1", address)
            sock.sendto(b"2", address)
            endpoint.start(asyncio.get_running_loop())
            await done.wait()
            await asyncio.sleep(0)
        assert seen == [b"1"]
        endpoint.close()

    runner.run(main())


class TestSend:
    def endpoint(self, **options: Any) -> UdpEndpoint:
        return UdpEndpoint(bind_udp("127.0.0.1", 0, **options), lambda _: None)

    def test_a_broadcast_without_an_interface_is_our_own_mistake(self) -> None:
        endpoint = self.endpoint(broadcast=True)
        with pytest.raises(AssertionError, match="interface"):
            endpoint.send(b"x", ("255.255.255.255", 68))
        endpoint.close()

    @pytest.mark.parametrize(
        "destination", [("127.0.0.1", 0), ("127.255.255.255", 9)], ids=["port 0", "broadcast not allowed"]
    )
    def test_what_the_kernel_refuses_is_counted_and_does_not_raise(self, destination: tuple[str, int]) -> None:
        endpoint = self.endpoint()
        assert not endpoint.send(b"x", destination)
        assert endpoint.dropped == 1
        endpoint.close()

    def test_an_address_that_is_not_ours_is_refused(self) -> None:
        endpoint = self.endpoint()
        assert not endpoint.send(b"x", ("127.0.0.1", 9), local="192.0.2.1")
        assert endpoint.dropped == 1
        endpoint.close()


class TestBind:
    def test_a_busy_port_names_its_holder(self) -> None:
        with bind_udp("127.0.0.1", 0) as first:
            port = first.getsockname()[1]
            with pytest.raises(PortBusy) as caught:
                bind_udp("0.0.0.0", port)
            assert caught.value.port == port
            assert caught.value.holder.endswith(f"(pid {os.getpid()})")
            assert caught.value.holder in str(caught.value)

    def test_an_address_that_is_not_ours_is_an_oserror(self) -> None:
        with pytest.raises(OSError, match="assign requested address"):
            bind_udp("192.0.2.1", 0)

    def test_the_df_bit_is_left_off(self) -> None:
        """IP_MTU_DISCOVER is 0, IP_PMTUDISC_DONT: DF confuses boot ROMs."""
        with bind_udp("127.0.0.1", 0) as sock:
            assert sock.getsockopt(socket.IPPROTO_IP, 10) == 0

    def test_it_does_not_block(self) -> None:
        with bind_udp("127.0.0.1", 0) as sock, pytest.raises(BlockingIOError):
            sock.recv(1)


class TestConnected:
    def test_it_leaves_from_the_address_given_and_hears_its_peer_alone(self) -> None:
        with client() as peer, client() as stranger, connect_udp("127.0.0.7", peer.getsockname()) as sock:
            sock.send(b"hello")
            sock.settimeout(60)
            assert peer.recvfrom(100) == (b"hello", sock.getsockname())
            assert sock.getsockname()[0] == "127.0.0.7"
            stranger.sendto(b"wrong port", sock.getsockname())
            peer.sendto(b"right port", sock.getsockname())
            assert sock.recv(100) == b"right port"

    def test_a_peer_that_is_gone_is_an_error_at_once(self) -> None:
        with client() as peer:
            gone = peer.getsockname()
        with connect_udp("127.0.0.1", gone) as sock:
            sock.settimeout(60)
            sock.send(b"anyone?")
            with pytest.raises(ConnectionRefusedError):
                sock.recv(100)

    def test_an_impossible_peer_is_an_oserror(self) -> None:
        with pytest.raises(PermissionError):
            connect_udp("127.0.0.1", ("127.255.255.255", 9))
