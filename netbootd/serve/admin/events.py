"""``/api/v1/events``: what happens, as it happens, for a page's EventSource, ``netbootd watch`` and curl."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus

from aiohttp import web

from netbootd.net.tcp import cut
from netbootd.serve.admin.asked import Follow
from netbootd.serve.admin.problems import Problem
from netbootd.serve.admin.stream import Stream, TooMany
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac
from netbootd.wire.text import printable

PATIENCE = 60.0
"""Seconds in which a reader has to take something; there is room for so many, and who sleeps is in others' way."""


class Events:
    """A handler of `routes`."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def follow(self, request: web.Request, wanted: Follow, _body: None) -> web.StreamResponse:
        """For as long as the client stays, and reads."""
        mac = _mac(wanted.mac) if wanted.mac is not None else ""
        last = request.headers.get("Last-Event-ID", "")
        try:
            with self._stream.reading(last, mac, wanted.level) as texts:
                response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
                with suppress(ConnectionError):
                    await response.prepare(request)
                    async for text in texts:
                        if text:
                            async with asyncio.timeout(PATIENCE):
                                await response.write(text.encode())
                return response
        except TimeoutError:
            if request.transport is not None:
                cut(request.transport)
            return response
        except TooMany:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many read the events already") from None


def _mac(text: str) -> str:
    try:
        return str(Mac.parse(text))
    except WireError:
        raise Problem(HTTPStatus.BAD_REQUEST, f"mac: {printable(text, 60)!r} is not a hardware address") from None
