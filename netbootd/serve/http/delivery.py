"""Responses to sockets, with an end to every wait: a client that stops reading is dropped."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace

from aiohttp import web

from netbootd.net.sendfile import Ending, Progress, SendResult, send_bytes, send_file
from netbootd.net.tcp import close_with_reset, cut, unsent
from netbootd.net.turns import Turns
from netbootd.serve.http.leftovers import LEFTOVERS
from netbootd.serve.http.quirks import quirk_for
from netbootd.serve.http.streams import Stream
from netbootd.wire.segments import Extent

Body = memoryview | Extent | Stream
"""Bytes in memory, an extent of the open file with that descriptor, or both in turns."""

TURNS = web.AppKey("turns", Turns)
"""Shared by all downloads of a site."""

_GONE = SendResult(0, Ending.GONE)
_LOOK = 0.1  # seconds


def unbuffered(request: web.Request) -> None:
    """Make ``drain`` wait for the last byte, so that none is left behind a wait nobody ends."""
    if request.transport is not None:
        # asyncio's TLS transport would hold 0 bytes for too many, and for few enough the next time it looks.
        request.transport.set_write_buffer_limits(high=1 if request.secure else 0)


def patience(request: web.Request, stall: float) -> float:
    """Seconds this client may take nothing."""
    return max(stall, quirk_for(request.headers.get("User-Agent", "")).stall_seconds)


async def write_all(request: web.Request, response: web.StreamResponse, stall: float) -> Ending:
    """Send a small response whole; every later call for the same response does nothing."""
    try:
        async with asyncio.timeout(stall):
            await response.prepare(request)
            await response.write_eof()
    except TimeoutError:
        return _dropped(request, response, Ending.STALLED)
    except ConnectionError:
        return _dropped(request, response, Ending.GONE)
    return Ending.COMPLETE


async def send_body(
    request: web.Request,
    response: web.StreamResponse,
    body: Body,
    offset: int,
    count: int,
    stall: float,
    progress: Progress | None = None,
) -> SendResult:
    """Send the headers, then ``count`` bytes of ``body`` from ``offset``, past aiohttp."""
    with request.app[LEFTOVERS].sending(request) as sock:
        result = await _headers_then_body(request, response, body, offset, count, stall, progress)
        if result.complete and sock and quirk_for(request.headers.get("User-Agent", "")).holds:
            result = replace(result, reason=await _taken(request, sock, stall))
    if result.complete:
        with suppress(ConnectionError):
            await response.write_eof()
    else:
        _dropped(request, response, result.reason)
    return result


async def _headers_then_body(
    request: web.Request,
    response: web.StreamResponse,
    body: Body,
    offset: int,
    count: int,
    stall: float,
    progress: Progress | None,
) -> SendResult:
    try:
        async with asyncio.timeout(stall):
            writer = await response.prepare(request)
            if writer is None:
                raise AssertionError("already answered")
            await writer.drain()
    except TimeoutError:
        return SendResult(0, Ending.STALLED)
    except ConnectionError:
        return _GONE
    transport, turns = request.transport, request.app[TURNS]
    if transport is None:
        return _GONE
    match body:
        case Extent(int() as fd, start, _):
            at = start + offset
            return await send_file(transport, fd, at, count, stall=stall, turns=turns, progress=progress)
        case Extent():
            raise AssertionError(f"not an open file: {body.source}")
        case Stream():
            return await body.send(transport, offset, count, stall=stall, turns=turns, progress=progress)
        case _:
            part = body[offset : offset + count]
            return await send_bytes(transport, part, stall=stall, turns=turns, progress=progress)


async def _taken(request: web.Request, sock: socket.socket, stall: float) -> Ending:
    """Wait until the client has let in all that was sent, however long it holds its window shut in between.

    GRUB may reset a connection the moment it has the last byte, so what counts then is what had gone out.  A plain
    close of it would wait in the kernel for a window that stays shut, with the port that GRUB takes next time.
    """
    close_with_reset(sock)
    left, until = unsent(sock), _now() + stall
    while left and request.transport is not None and not request.transport.is_closing():
        if _now() > until:
            return Ending.STALLED
        await asyncio.sleep(_LOOK)
        before, left = left, unsent(sock)
        until = until if left == before else _now() + stall
    return Ending.GONE if unsent(sock) else Ending.COMPLETE


def _now() -> float:
    return asyncio.get_running_loop().time()


def _dropped(request: web.Request, response: web.StreamResponse, reason: Ending) -> Ending:
    response.force_close()
    if request.transport is not None:
        cut(request.transport)
    return reason
