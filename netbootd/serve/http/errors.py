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
    """One line of text, or the bare 404 that GRUB survives."""
    agent = request.headers.get("User-Agent", "")
    if refused.status == HTTPStatus.NOT_FOUND and quirk_for(agent).bare_not_found:
        return not_found_without_body(keep_alive=request.keep_alive)
    headers = {"Content-Type": TEXT, **refused.headers, "Server": SERVER}
    return web.Response(status=refused.status, headers=headers, body=f"{refused.reason}\n".encode())


def not_found_without_body(*, keep_alive: bool) -> web.Response:
    """The order is meant: GRUB loses the first header of a 404, and needs the second."""
    connection = "keep-alive" if keep_alive else "close"
    headers = {"Connection": connection, "Content-Length": "0", "Server": SERVER}
    return web.Response(status=HTTPStatus.NOT_FOUND, headers=headers)
