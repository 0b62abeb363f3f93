"""Connections through TLS on a listening socket, each handed to a protocol once it has shaken hands.

Not ``create_server``, which tells nobody why a handshake failed, has one certificate for as long as it lives, and
lets a hundred machines that come at once sign a hundred times before anybody else has a turn.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from netbootd.net.turns import Turns

PATIENCE = 30.0
"""Seconds a client has to say something, and again as many for its handshake: old iPXE computes RSA slowly."""

SILENT = 128
"""Connections that may have said nothing yet: each holds two descriptors for `PATIENCE`, and all else needs some."""

_HANDSHAKE = 0x16  # the first byte of any ClientHello, RFC 8446 s.5.1
_SHUTDOWN = 10.0  # seconds for a close_notify, and for what is still queued before it
_PAUSE = 1.0  # seconds without accepting, when there are no descriptors left
_NOT_TLS = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: 44\r\n\r\nThis port speaks TLS: write https://, here.\n"
)


class TlsListener:
    """Accepts on ``sock``, which it owns.

    ``context`` is asked for at each connection, so that a renewed certificate holds from the next one on.  ``failed``
    is told the address of a client that could not be served, and why.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        context: Callable[[], ssl.SSLContext],
        failed: Callable[[str, str], None],
        *,
        patience: float = PATIENCE,
        silent: int = SILENT,
    ) -> None:
        self._sock = sock
        self._protocol = protocol
        self._context = context
        self._failed = failed
        self._patience = patience
        self._turns = Turns(1)  # a handshake is 1 to 2 ms of the loop with a key of 2048 bits
        self._greetings: set[asyncio.Task[bool]] = set()
        self._most_silent = silent
        self._silent: dict[asyncio.Task[Any] | None, str] = {}  # the oldest first, with addresses
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._accept)

    @property
    def greeting(self) -> int:
        """Connections that have not shaken hands yet."""
        return len(self._greetings)

    async def stop(self) -> None:
        """Accept no more, and drop those that have not shaken hands; the others are their protocols' to close."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        for task in self._greetings:
            task.cancel()
        await asyncio.gather(*self._greetings, return_exceptions=True)

    def _accept(self) -> None:
        """One at a time: whoever else waits makes the socket readable again in the next round."""
        try:
            sock, address = self._sock.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError:  # no descriptors left
            self._loop.remove_reader(self._sock.fileno())
            self._loop.call_later(_PAUSE, self._resume)
            return
        sock.setblocking(False)
        task = self._loop.create_task(self._greet(sock, str(address[0])))
        self._greetings.add(task)
        self._silent[task] = str(address[0])
        task.add_done_callback(partial(self._greeted, sock))
        self._make_room()

    def _make_room(self) -> None:
        """Drop who said nothing for the longest time: a machine speaks at once, and must get in past those."""
        while len(self._silent) > self._most_silent:
            oldest = next(iter(self._silent))
            self._failed(self._silent.pop(oldest), "said nothing, and others wait")
            if oldest is not None:
                oldest.cancel()

    def _resume(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock.fileno(), self._accept)

    def _greeted(self, sock: socket.socket, task: asyncio.Task[bool]) -> None:
        """A task that is cancelled may never have begun, and closed nothing."""
        self._greetings.discard(task)
        self._silent.pop(task, None)
        if task.cancelled() or not task.result():
            sock.close()

    async def _greet(self, sock: socket.socket, ip: str) -> bool:
        """Whether a transport has the socket, which is its to close then, also when the handshake has failed."""
        try:
            if not await self._speaks_tls(sock, ip):
                return False
            await self._turns.next()
        except TimeoutError:
            self._failed(ip, f"said nothing for {self._patience:g} s")
            return False
        except OSError as error:  # no descriptors left
            self._failed(ip, f"could not be listened to: {error.strerror}")
            return False
        await self._shaken(sock, ip)
        return True

    async def _shaken(self, sock: socket.socket, ip: str) -> None:
        try:
            await self._shake(sock)
        except ssl.SSLError as error:
            self._failed(ip, _REASONS.get(error.reason or "", (error.reason or str(error)).replace("_", " ").lower()))
        except ConnectionAbortedError:  # what both loops raise when the handshake takes too long
            self._failed(ip, f"did not finish its handshake within {self._patience:g} s")
        except OSError:
            self._failed(ip, "went away during the handshake; iPXE does so if it does not trust the certificate")

    async def _speaks_tls(self, sock: socket.socket, ip: str) -> bool:
        """Whoever speaks something else is told.  One that goes without a word is a port scan or a health check."""
        async with asyncio.timeout(self._patience):
            await _readable(sock)
        self._silent.pop(asyncio.current_task(), None)
        with suppress(ConnectionError):
            first = sock.recv(1, socket.MSG_PEEK)
            if first and first[0] != _HANDSHAKE:
                _turn_away(sock)
                self._failed(ip, "spoke no TLS to the port of https")
            return first[:1] == bytes((_HANDSHAKE,))
        return False

    async def _shake(self, sock: socket.socket) -> None:
        """Returns when the protocol has its connection."""
        await self._loop.connect_accepted_socket(
            self._protocol,
            sock,
            ssl=self._context(),
            ssl_handshake_timeout=self._patience,
            ssl_shutdown_timeout=_SHUTDOWN,
        )


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    with sock.dup() as watched:  # uvloop wants a descriptor that never was a reader for its transport
        loop.add_reader(watched.fileno(), _settle, waiter)
        try:
            await waiter
        finally:
            loop.remove_reader(watched.fileno())


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _turn_away(sock: socket.socket) -> None:
    """Say it in the client's own words.  What it has sent must be read, or closing would take the answer back."""
    with suppress(OSError):
        sock.recv(64 << 10)
        sock.send(_NOT_TLS)


_REASONS = {
    "NO_SHARED_CIPHER": "knows no cipher that is served here",
    "UNSUPPORTED_PROTOCOL": "knows no TLS as new as 1.2",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "cannot check the signature of the certificate's kind of key",
    "TLSV1_ALERT_UNKNOWN_CA": "does not trust who has signed the certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "does not accept the certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "does not accept the certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "holds the certificate for outdated, or has a wrong clock",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "cannot use this kind of certificate",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "could not agree on how to encrypt",
    "TLSV1_UNRECOGNIZED_NAME": "asked for a name the certificate is not for",
}
"""What OpenSSL calls it, as words about the client."""
