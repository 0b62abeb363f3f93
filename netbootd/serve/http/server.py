"""Listening: an application on sockets, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from collections.abc import Callable, Iterable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from netbootd.net.tcp import cut
from netbootd.observe.events import DaemonNotice, Event, HttpRefused, ScriptServed, TftpStarted, printable
from netbootd.serve.http.leftovers import LEFTOVERS
from netbootd.serve.http.target import unmapped

Emit = Callable[[Event], None]

_KEEPALIVE = 60.0  # seconds an idle connection is kept; also what a client has to finish its request's headers
_LINGERING = 2.0  # seconds to swallow the body of a request that was refused
_BACKLOG = 1024
BOOT_PROGRAMS = (".efi", ".kpxe", ".kkpxe", ".kkkpxe", ".pxe", ".lkrn", ".0")
_MARGIN = 5.0  # seconds for handlers to end after their connections were cut


async def start_http(
    app: web.Application, sockets: Iterable[socket.socket], emit: Emit, *, grace: float = 30.0
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
    return HttpServer(runner, grace)


class HttpServer:
    """A running server."""

    def __init__(self, runner: web.AppRunner, grace: float) -> None:
        self._runner = runner
        self._grace = grace

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
            await self._runner.cleanup()
        finally:
            timer.cancel()

    def _cut_all(self) -> None:
        for transport in self._open():
            cut(transport)

    def _open(self) -> list[asyncio.Transport]:
        server = self._runner.server
        handlers = server.connections if server is not None else []
        return [handler.transport for handler in handlers if handler.transport is not None]


def _begins(event: Event) -> bool:
    """Firmware fetches a boot program, iPXE a script, and GRUB by TFTP its configuration before it speaks HTTP at all.
    What GRUB fetches by HTTP comes with connections of this very boot already open."""
    match event:
        case TftpStarted(file=file):
            return file.lower().endswith(BOOT_PROGRAMS)
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
        if isinstance(error, HttpProcessingError):
            self._emit(HttpRefused(ip=unmapped(peer), file="", status=400, reason=type(error).__name__))
        else:
            self._emit(DaemonNotice(ip=unmapped(peer), text=_fault(record), severity="error"))


def _fault(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    where = traceback.extract_tb(error.__traceback__)[-1:] if error is not None else []
    at = "".join(f" at {frame.filename}:{frame.lineno}" for frame in where)
    return printable(f"HTTP: {record.getMessage()}: {error!r}{at}", limit=400)
