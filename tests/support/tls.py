"""Certificates that openssl makes, and the client's end of a TLS connection over a socket that is watched closely."""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from netbootd.config.certificate import Identity, Tls, identify
from netbootd.config.problems import Place
from tests.support.tools import need

T = TypeVar("T")

NAMES = "DNS:boot.test,DNS:localhost,IP:127.0.0.1"


def certify(directory: Path, name: str = "boot", *, key: str = "rsa:2048", names: str = NAMES, extra: str = "") -> Tls:
    """A certificate signed by itself, and its key, as the settings would name them."""
    certificate, secret = directory / f"{name}.crt", directory / f"{name}.key"
    command = [need("openssl"), "req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=boot"]
    command += ["-newkey", *key.split(), "-keyout", str(secret), "-out", str(certificate)]
    for each in filter(None, (names and f"subjectAltName={names}", extra)):
        command += ["-addext", each]
    subprocess.run(command, check=True, capture_output=True)
    return named(certificate, secret)


def named(certificate: Path, key: Path | None) -> Tls:
    return Tls(
        8443,
        certificate,
        key,
        Place("netbootd.yaml", 3, "http.tls.certificate"),
        Place("netbootd.yaml", 4, "http.tls.key"),
    )


@functools.cache
def own() -> tuple[Identity, str]:
    """One for all tests that only need some certificate, and its text, for clients to trust."""
    with tempfile.TemporaryDirectory() as directory:
        tls = certify(Path(directory))
        return identify(tls), tls.certificate.read_text()


def trusting(pem: str | None = None) -> ssl.SSLContext:
    """A client's context that trusts this certificate alone; None: that of `own`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=own()[1] if pem is None else pem)
    return context


class Client:
    """TLS over a non-blocking socket, which takes nothing from it unless it is told to."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self.sock = sock
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")

    @staticmethod
    def hello() -> bytes:
        """What a client says first."""
        said = ssl.MemoryBIO()
        with suppress(ssl.SSLWantReadError):
            trusting().wrap_bio(ssl.MemoryBIO(), said, server_hostname="localhost").do_handshake()
        return said.read()

    async def shake(self) -> None:
        await self._until(self._tls.do_handshake)

    async def send(self, data: bytes) -> None:
        await self._until(lambda: self._tls.write(data))

    async def recv(self, count: int) -> bytes:
        """Some bytes; none at the end of the stream."""
        try:
            return await self._until(lambda: self._tls.read(count))
        except ssl.SSLZeroReturnError:
            return b""

    async def _until(self, step: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                await self._flush()
                self._feed(await loop.sock_recv(self.sock, 64 << 10))
            finally:
                await self._flush()

    async def _flush(self) -> None:
        if self._out.pending:
            await asyncio.get_running_loop().sock_sendall(self.sock, self._out.read())

    def _feed(self, data: bytes) -> None:
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()
