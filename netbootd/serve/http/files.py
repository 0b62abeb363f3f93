"""Artifacts and iPXE binaries: whole, in part, or only their headers."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from netbootd.artifacts.tree import NotServed, Opened, Tree, Why
from netbootd.net.sendfile import Ending
from netbootd.observe.events import ArtifactServed, HttpProbed, TransferMoved
from netbootd.serve.http import conditions
from netbootd.serve.http.delivery import Body, patience, send_body, write_all
from netbootd.serve.http.errors import SERVER, Refused
from netbootd.serve.http.forwarded import asker
from netbootd.serve.pace import Paces
from netbootd.wire.mac import Mac
from netbootd.wire.segments import Extent
from netbootd.wire.text import printable

if TYPE_CHECKING:
    from netbootd.serve.http.services import BootServices

PACES = web.AppKey("paces", Paces)
"""Of all downloads of a site."""

SMALL = 64 << 10
"""Bytes that are read with the open, in the same thread hop, and sent in one write with the headers."""


@dataclass(frozen=True, slots=True)
class Content:
    """Something to be served: what it is, and where its bytes are.

    ``mac`` is the machine that it was made for, if it was for one alone: no cache may keep it then.
    """

    name: str
    current: conditions.Current
    body: Body
    mac: Mac | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """The machine that a download counts for alone, and what stands before the file's name in its events."""

    mac: Mac
    room: str


async def artifact(
    request: web.Request, services: BootServices, segments: tuple[str, ...], owner: Owner | None = None
) -> web.StreamResponse:
    """Answer a request for a file of the tree.  Raises `Refused`."""
    if any("/" in segment for segment in segments):  # it came as %2f
        raise Refused(HTTPStatus.NOT_FOUND, Why.BAD_NAME.value)
    loop = asyncio.get_running_loop()
    try:
        opened, small = await loop.run_in_executor(None, _open, services.artifacts(), "/".join(segments))
    except NotServed as error:
        status = HTTPStatus.FORBIDDEN if error.reason is Why.UNREADABLE else HTTPStatus.NOT_FOUND
        raise Refused(status, error.reason.value) from error
    except OSError as error:  # no descriptors left, a failing disk
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, error.strerror or "cannot be read") from error
    with opened:
        current = conditions.Current(opened.size, opened.etag, opened.mtime_ns // 10**9)
        body: Body = Extent(opened.fd, opened.offset, opened.size) if small is None else memoryview(small)
        room, mac = (owner.room, owner.mac) if owner else ("artifacts", None)
        return await serve(request, services, Content("/".join((room, *segments)), current, body, mac))


async def firmware(request: web.Request, services: BootServices, name: str) -> web.StreamResponse:
    """Answer a request for an iPXE binary.  Raises `Refused`."""
    data = services.firmware(name)
    if data is None:
        raise Refused(HTTPStatus.NOT_FOUND, Why.MISSING.value)
    current = conditions.Current(len(data), "", None)
    return await serve(request, services, Content(f"firmware/{name}", current, memoryview(data)))


def _open(tree: Tree, path: str) -> tuple[Opened, bytes | None]:
    opened = tree.open(path)
    if opened.size > SMALL:
        return opened, None
    try:
        data = os.pread(opened.fd, opened.size, opened.offset)
    except BaseException:
        opened.close()
        raise
    return opened, data if len(data) == opened.size else None


async def serve(request: web.Request, services: BootServices, content: Content) -> web.StreamResponse:
    """Answer with what the request's conditions and its range leave of it.  Raises `Refused`."""
    match conditions.judge(request.method, _joined(request), content.current):
        case conditions.Whole():
            return await _send(request, services, content, 0, content.current.size, HTTPStatus.OK)
        case conditions.Part(offset, count):
            return await _send(request, services, content, offset, count, HTTPStatus.PARTIAL_CONTENT)
        case conditions.NotModified():
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=_validators(content))
        case conditions.Failed():
            raise Refused(HTTPStatus.PRECONDITION_FAILED, "it has changed")
        case conditions.Unsatisfiable():
            unsatisfied = {"Content-Range": f"bytes */{content.current.size}"}
            raise Refused(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "beyond the end of the file", unsatisfied)


async def _send(
    request: web.Request, services: BootServices, content: Content, offset: int, count: int, status: HTTPStatus
) -> web.StreamResponse:
    headers = _headers(content, count)
    if status == HTTPStatus.PARTIAL_CONTENT:
        headers["Content-Range"] = f"bytes {offset}-{offset + count - 1}/{content.current.size}"
    ip = asker(request, services.trusted_proxies).ip
    if request.method == "HEAD":
        said = HttpProbed(ip=ip, mac=_mac(content), file=printable(content.name), size=content.current.size)
        services.emit(said)
        return web.Response(status=status, headers=headers)
    if not await services.admit(ip, printable(content.name), content.mac):
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "that it completes an installation could not be recorded")
    download = _Download(request, services, content, status, offset, count)
    if isinstance(content.body, memoryview) and count <= SMALL:
        return await download.at_once(headers, content.body[offset : offset + count])
    return await download.in_pieces(headers, content.body, offset)


@dataclass(frozen=True, slots=True)
class _Download:
    request: web.Request
    services: BootServices
    content: Content
    status: HTTPStatus
    offset: int
    count: int

    async def at_once(self, headers: dict[str, str], body: memoryview) -> web.Response:
        response = web.Response(status=self.status, headers=headers, body=bytes(body))
        began = time.monotonic()
        ending = await write_all(self.request, response, self._patience)
        self._tell(time.monotonic() - began, self.count if ending is Ending.COMPLETE else 0, ending)
        return response

    async def in_pieces(self, headers: dict[str, str], body: Body, offset: int) -> web.StreamResponse:
        response = web.StreamResponse(status=self.status, headers=headers)
        with self.request.app[PACES].pace(self._moved) as pace:
            try:
                result = await send_body(self.request, response, body, offset, self.count, self._patience, pace)
            except BaseException:  # what was said to be under way is no longer
                self._tell(pace.seconds, pace.sent, Ending.GONE)
                raise
        self._tell(pace.seconds, result.sent, result.reason)
        return response

    @property
    def _patience(self) -> float:
        return patience(self.request, self.services.stall_seconds)

    @property
    def _via(self) -> str:
        return "https" if self.request.secure else "http"

    def _moved(self, sent: int, seconds: float) -> None:
        self.services.emit(
            TransferMoved(
                ip=asker(self.request, self.services.trusted_proxies).ip,
                mac=_mac(self.content),
                file=printable(self.content.name),
                via=self._via,
                sent=sent,
                size=self.count,
                seconds=seconds,
            )
        )

    def _tell(self, seconds: float, sent: int, ending: Ending) -> None:
        complete = ending is Ending.COMPLETE
        self.services.emit(
            ArtifactServed(
                ip=asker(self.request, self.services.trusted_proxies).ip,
                mac=_mac(self.content),
                file=printable(self.content.name),
                status=int(self.status),
                size=self.count,
                sent=sent,
                seconds=seconds,
                complete=complete,
                offset=self.offset,
                total=self.content.current.size,
                detail="" if complete else ending.value,
                reason="" if complete else ending.name,
                via=self._via,
            )
        )


def _headers(content: Content, count: int) -> dict[str, str]:
    """Never compressed, never chunked: GRUB and EDK2 must know the size."""
    return {
        "Content-Type": _media_type(content.name),
        "Content-Length": str(count),
        "Accept-Ranges": "bytes",
        **_validators(content),
    }


def _validators(content: Content) -> dict[str, str]:
    """s.8.8.2.1: "An origin server with a clock MUST NOT generate a Last-Modified date that is later than the server's
    time of message origination"."""
    current = content.current
    headers = {"Server": SERVER} if content.mac is None else {"Server": SERVER, "Cache-Control": "no-store"}
    if current.etag:
        headers["ETag"] = current.etag
    if current.modified is not None and current.modified <= time.time():
        headers["Last-Modified"] = formatdate(current.modified, usegmt=True)
    return headers


def _mac(content: Content) -> str:
    return str(content.mac or "")


def _media_type(name: str) -> str:
    """EDK2 HTTP Boot goes by this before the file's extension."""
    return "application/efi" if name.lower().endswith(".efi") else "application/octet-stream"


def _joined(request: web.Request) -> dict[str, str]:
    """A header sent twice counts as one list (RFC 9110 s.5.3).  Looked up in canonical spelling."""
    headers = request.headers
    return {name: ", ".join(headers.getall(name)) for name in _CONDITIONAL if name in headers}


_CONDITIONAL = ("If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range")
