"""Refusals: raised anywhere in the boot site, answered in one place."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from aiohttp import web

from netbootd.serve.http.quirks import quirk_for

SERVER = "netbootd"
TEXT = "text/plain; charset=utf-8"
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Refused(Exception):
    """A request gets an error status; ``reason`` is one short line, shown to the client and counted."""

    def __init__(self, status: HTTPStatus, reason: str, headers: Mapping[str, str] = _NOTHING) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


def answer(refused: Refused, request: web.Request) -> web.Response:
    """One line of text, or the bare headers that GRUB survives."""
    if quirk_for(request.headers.get("User-Agent", "")).bare_errors:
        return without_body(refused.status, keep_alive=request.keep_alive)
    headers = {"Content-Type": TEXT, **refused.headers, "Server": SERVER}
    return web.Response(status=refused.status, headers=headers, body=f"{refused.reason}\n".encode())


def without_body(status: HTTPStatus, *, keep_alive: bool) -> web.Response:
    """The order is meant: GRUB loses the first header after an error's status line, and needs the second."""
    connection = "keep-alive" if keep_alive else "close"
    headers = {"Connection": connection, "Content-Length": "0", "Server": SERVER}
    return web.Response(status=status, headers=headers)
