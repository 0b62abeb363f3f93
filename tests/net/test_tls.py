"""The TLS port: whoever shakes hands gets a protocol, everybody else an end, and each failure is told."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop

from netbootd.config.certificate import identify
from netbootd.net import tls
from netbootd.net.tcp import bind_tcp
from netbootd.net.tls import TlsListener
from tests.support.tls import Client, certify, own, trusting


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        yield runner


class Echo(asyncio.Protocol):
    """Sends back what comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


@dataclass
class Port:
    listener: TlsListener
    address: tuple[str, int]
    context: ssl.SSLContext
    failures: asyncio.Queue[tuple[str, str]] = field(default_factory=asyncio.Queue)

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[socket.socket]:
        with socket.socket() as sock:
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, self.address)
            yield sock


@asynccontextmanager
async def listening(
    protocol: Callable[[], asyncio.Protocol] = Echo, patience: float = 30.0, silent: int = 128
) -> AsyncIterator[Port]:
    sock = bind_tcp("127.0.0.1", 0)
    failures: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def told(ip: str, why: str) -> None:
        failures.put_nowait((ip, why))

    listener = TlsListener(sock, protocol, lambda: port.context, told, patience=patience, silent=silent)
    port = Port(listener, sock.getsockname(), own()[0].context, failures)
    try:
        yield port
    finally:
        await listener.stop()


async def received(sock: socket.socket) -> bytes:
    """All until the end, of which a reset is one too."""
    data = b""
    try:
        while some := await asyncio.get_running_loop().sock_recv(sock, 64 << 10):
            data += some
    except ConnectionResetError:
        pass
    return data


def test_who_shakes_hands_speaks_to_the_protocol(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with listening() as port, port.reached() as sock:
            client = Client(sock, trusting())
            await client.shake()
            await client.send(b"hello")
            assert await client.recv(100) == b"hello"
            assert port.failures.empty()

    runner.run(main())


def test_a_new_certificate_holds_from_the_next_connection_on(runner: asyncio.Runner, tmp_path: Path) -> None:
    """What a renewal needs: those who are connected stay, those who come see the new one."""
    renewed = certify(tmp_path)

    async def main() -> None:
        async with listening() as port, port.reached() as before, port.reached() as after:
            old, new = Client(before, trusting()), Client(after, trusting(renewed.certificate.read_text()))
            await old.shake()
            port.context = identify(renewed).context
            await new.shake()
            for client in (old, new):
                await client.send(b"x")
                assert await client.recv(1) == b"x"

    runner.run(main())


def test_who_connects_and_never_speaks_is_dropped_in_time(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with listening(patience=0.05) as port, port.reached() as sock:
            assert await received(sock) == b""
            assert await port.failures.get() == ("127.0.0.1", "said nothing for 0.05 s")

    runner.run(main())


def test_who_begins_a_handshake_and_never_ends_it_is_dropped_in_time(runner: asyncio.Runner) -> None:
    """A slow loris: the first bytes of a ClientHello, and then nothing."""

    async def main() -> None:
        async with listening(patience=0.5) as port, port.reached() as sock:
            sock.send(b"\x16\x03\x01\x02\x00")
            assert await received(sock) == b""
            assert (await port.failures.get())[1] == "did not finish its handshake within 0.5 s"
            while port.listener.greeting:
                await asyncio.sleep(0)

    runner.run(main())


def test_plain_http_is_answered_in_its_own_words(runner: asyncio.Runner) -> None:
    """``http://`` typed where ``https://`` was meant: the screen of the machine, and the log, say so."""

    async def main() -> None:
        async with listening() as port, port.reached() as sock:
            sock.send(b"GET /ipxe.cfg HTTP/1.1\r\nHost: boot.test:8443\r\n\r\n")
            head, _, body = (await received(sock)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400 ")
            assert b"Content-Length: %d\r\n" % len(body) in head + b"\r\n"
            assert b"https://" in body
            assert (await port.failures.get())[1] == "spoke no TLS to the port of https"

    runner.run(main())


def test_who_does_not_trust_the_certificate_is_told_of(runner: asyncio.Runner) -> None:
    """What iPXE that was built without our root would do, in TLS 1.2, where the client checks first."""

    async def main() -> None:
        async with listening() as port, port.reached() as sock:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with pytest.raises(ssl.SSLCertVerificationError):
                await Client(sock, context).shake()
            assert (await port.failures.get())[1] == "does not trust who has signed the certificate"

    runner.run(main())


def test_who_knows_none_of_our_ciphers_is_told_of(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with listening() as port, port.reached() as sock:
            context = trusting()
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("DHE-RSA-AES128-SHA")
            with pytest.raises(ssl.SSLError):
                await Client(sock, context).shake()
            assert (await port.failures.get())[1] == "knows no cipher that is served here"

    runner.run(main())


def test_who_leaves_in_the_middle_is_told_of(runner: asyncio.Runner) -> None:
    """iPXE sends no alert: it closes the connection."""

    async def main() -> None:
        async with listening() as port:
            async with port.reached() as sock:
                sock.send(b"\x16\x03\x01\x02\x00")
            assert (await port.failures.get())[1].startswith("went away during the handshake")

    runner.run(main())


def test_who_says_nothing_and_leaves_is_not_worth_a_word(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with listening() as port:
            async with port.reached():
                while not port.listener.greeting:
                    await asyncio.sleep(0)
            while port.listener.greeting:
                await asyncio.sleep(0)
            assert port.failures.empty()

    runner.run(main())


def test_stopping_drops_those_who_have_not_shaken_hands_and_keeps_the_others(runner: asyncio.Runner) -> None:
    async def main() -> None:
        async with listening() as port, port.reached() as silent, port.reached() as half, port.reached() as whole:
            half.send(b"\x16\x03\x01\x02\x00")
            client = Client(whole, trusting())
            await client.shake()
            while port.listener.greeting > 2:  # in TLS 1.3 the client is ready first
                await asyncio.sleep(0)
            await port.listener.stop()
            assert (await received(silent), await received(half)) == (b"", b"")
            await client.send(b"still here")
            assert await client.recv(100) == b"still here"

    runner.run(main())


@pytest.mark.parametrize("cipher", ["AES256-SHA256", "AES128-SHA256", "AES256-SHA", "AES128-SHA"])
def test_ipxe_of_2019_comes_through(runner: asyncio.Runner, cipher: str) -> None:
    """TLS 1.2 with RSA key exchange and AES-CBC is all that it has."""

    async def main() -> None:
        async with listening() as port, port.reached() as sock:
            context = trusting()
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(f"{cipher}:@SECLEVEL=0")
            await Client(sock, context).shake()

    runner.run(main())


@pytest.mark.parametrize("version", ["TLSv1_1", "TLSv1"])
def test_nothing_older_than_tls_1_2_is_spoken(runner: asyncio.Runner, version: str) -> None:
    async def main() -> None:
        async with listening() as port, port.reached() as sock:
            context = trusting()
            context.set_ciphers("ALL:@SECLEVEL=0")
            with pytest.warns(DeprecationWarning, match="deprecated"):
                context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await Client(sock, context).shake()
            assert (await port.failures.get())[1] == "knows no TLS as new as 1.2"

    runner.run(main())


def test_those_that_say_nothing_keep_nobody_out(runner: asyncio.Runner) -> None:
    """The oldest of too many go: 500 of them once took every descriptor that DHCP, TFTP and HTTP need."""

    async def crowded() -> None:
        async with listening(silent=2) as port, AsyncExitStack() as stack:
            silent = [await stack.enter_async_context(port.reached()) for _ in range(3)]
            assert await received(silent[0]) == b""
            assert await port.failures.get() == ("127.0.0.1", "said nothing, and others wait")
            assert port.listener.greeting == 2
            async with port.reached() as sock:
                client = Client(sock, trusting())
                await client.shake()
                await client.send(b"there")
                assert await client.recv(5) == b"there"

    runner.run(crowded())


def test_without_descriptors_a_client_is_dropped_and_told_of(
    runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_left(sock: socket.socket) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async def exhausted() -> None:
        async with listening() as port, port.reached() as sock:
            assert await received(sock) == b""
            assert await port.failures.get() == ("127.0.0.1", "could not be listened to: Too many open files")

    monkeypatch.setattr(tls, "_readable", none_left)
    runner.run(exhausted())
