"""Listening: an application on sockets, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from netbootd.boot.firmware import is_boot_program
from netbootd.net.tcp import cut
from netbootd.net.tls import PATIENCE, TlsListener
from netbootd.observe.events import (
    DaemonNotice,
    Event,
    HttpRefused,
    ScriptServed,
    TftpStarted,
    TlsFailed,
)
from netbootd.serve.http.leftovers import LEFTOVERS
from netbootd.serve.http.target import unmapped
from netbootd.wire.text import printable

Emit = Callable[[Event], None]

_KEEPALIVE = 60.0  # seconds an idle connection is kept; also what a client has to finish its request's headers
_LINGERING = 2.0  # seconds to swallow the body of a request that was refused
_BACKLOG = 1024
_MARGIN = 5.0  # seconds for handlers to end after their connections were cut


@dataclass(frozen=True, slots=True)
class Secure:
    """A listening socket for TLS, and what to ask for the certificate that is shown now."""

    sock: socket.socket
    context: Callable[[], ssl.SSLContext]
    patience: float = PATIENCE
    """Seconds a client has to say something, and as many for its handshake."""


async def start_http(
    app: web.Application,
    sockets: Iterable[socket.socket],
    emit: Emit,
    *,
    grace: float = 30.0,
    secure: Secure | None = None,
) -> HttpServer:
    """Serve ``app`` on listening sockets (see `net.tcp.bind_tcp`), which the server owns from now on.

    ``grace`` is how many seconds running downloads get when it is stopped.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_logger(emit),
        auto_decompress=False,  # no body is read here, so none is worth unpacking
        keepalive_timeout=_KEEPALIVE,
        lingering_time=_LINGERING,
        shutdown_timeout=grace + _MARGIN,
    )
    await runner.setup()
    for sock in sockets:
        await web.SockSite(runner, sock, backlog=_BACKLOG).start()
    return HttpServer(runner, grace, _listening(runner, secure, emit) if secure else None)


def _listening(runner: web.AppRunner, secure: Secure, emit: Emit) -> TlsListener:
    assert runner.server is not None, "it has been set up"

    def failed(ip: str, why: str) -> None:
        emit(TlsFailed(ip=unmapped(ip), reason=printable(why)))

    return TlsListener(secure.sock, runner.server, secure.context, failed, patience=secure.patience)


class HttpServer:
    """A running server."""

    def __init__(self, runner: web.AppRunner, grace: float, secure: TlsListener | None = None) -> None:
        self._runner = runner
        self._grace = grace
        self._secure = secure

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """What it listens on; the ports the kernel chose where 0 was asked for."""
        return [(address[0], address[1]) for address in self._runner.addresses]

    @property
    def connections(self) -> int:
        """Open connections, idle ones included."""
        return len(self._open())

    def observe(self, event: Event) -> None:
        """A sink: what a machine fetches before anything else tells that whatever ran on it before is gone."""
        if _begins(event):
            self._runner.app[LEFTOVERS].cut(unmapped(event.ip))

    async def stop(self) -> None:
        """Take no more connections, close idle ones, cut those still busy after the grace period."""
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._grace, self._cut_all)
        try:
            if self._secure is not None:
                await self._secure.stop()
            await self._runner.cleanup()
        finally:
            timer.cancel()

    def _cut_all(self) -> None:
        for transport in self._open():
            cut(transport)
        if (leftovers := self._runner.app.get(LEFTOVERS)) is not None:
            leftovers.cut_all()

    def _open(self) -> list[asyncio.Transport]:
        server = self._runner.server
        handlers = server.connections if server is not None else []
        return [handler.transport for handler in handlers if handler.transport is not None]


def _begins(event: Event) -> bool:
    """Firmware fetches a boot program, iPXE a script, and GRUB by TFTP its configuration before it speaks HTTP at all.
    What GRUB fetches by HTTP comes with connections of this very boot already open."""
    match event:
        case TftpStarted(file=file):
            return is_boot_program(file)
        case ScriptServed(script=script, via=via):
            return script.endswith("ipxe.cfg") or via == "tftp"
    return False


def _logger(emit: Emit) -> logging.Logger:
    """aiohttp reports on a logger of its own, known to nobody else, whose records become events."""
    logger = logging.Logger("netbootd.http", logging.DEBUG)  # a first request that is no HTTP comes as DEBUG
    logger.addHandler(_Complaints(emit))
    return logger


class _Complaints(logging.Handler):
    """A request aiohttp cannot parse is an ordinary refusal; anything else is a fault of ours."""

    def __init__(self, emit: Emit) -> None:
        super().__init__()
        self._emit = emit

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        peer = str(record.args[0]) if isinstance(record.args, tuple) and record.args else ""
        if isinstance(error, HttpProcessingError) and error.message == _TLS_HERE:
            self._emit(TlsFailed(ip=unmapped(peer), reason="spoke TLS to the port of plain HTTP"))
        elif isinstance(error, HttpProcessingError):
            self._emit(HttpRefused(ip=unmapped(peer), file="", status=400, reason=type(error).__name__))
        else:
            self._emit(DaemonNotice(ip=unmapped(peer), text=_fault(record), severity="error"))


_TLS_HERE = "Received HTTPS traffic on an HTTP port"  # aiohttp's words, which the client gets too


def _fault(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    where = traceback.extract_tb(error.__traceback__)[-1:] if error is not None else []
    at = "".join(f" at {frame.filename}:{frame.lineno}" for frame in where)
    return printable(f"HTTP: {record.getMessage()}: {error!r}{at}", limit=400)
