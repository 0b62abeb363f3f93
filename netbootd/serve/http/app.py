"""The boot site: every request of firmware, iPXE and GRUB enters here."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from netbootd.boot.model import Machine
from netbootd.chain.scripts import Loader
from netbootd.net.turns import Turns
from netbootd.observe.events import HttpRefused
from netbootd.serve import stock
from netbootd.serve.http import files, node, target
from netbootd.serve.http.delivery import TURNS, patience, unbuffered, write_all
from netbootd.serve.http.errors import SERVER, TEXT, Refused, answer
from netbootd.serve.http.forwarded import asker
from netbootd.serve.http.leftovers import LEFTOVERS, Leftovers
from netbootd.serve.http.services import ScriptRequest, recorded
from netbootd.serve.pace import Paces
from netbootd.serve.redacted import without_token
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac
from netbootd.wire.text import printable

if TYPE_CHECKING:
    from netbootd.serve.http.services import BootServices

_NO_SUCH_PAGE = "no such page"


def build_app(services: BootServices) -> web.Application:
    """The application to listen with, see `server.start_http`."""
    app = web.Application()
    app[TURNS] = Turns()
    app[LEFTOVERS] = Leftovers()
    app[files.PACES] = Paces()
    app.router.add_route("*", r"/{target:[\s\S]*}", BootSite(services).handle)  # %0a is no reason to be passed over
    return app


class BootSite:
    """Routes by decoded segments; aiohttp's router would match and decode by rules of its own."""

    def __init__(self, services: BootServices) -> None:
        self._services = services

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request; what is refused becomes an event."""
        unbuffered(request)
        request.app[LEFTOVERS].note(request)
        try:
            response = await self._answer(request)
        except Refused as refused:
            self._tell(request, refused)
            response = answer(refused, request)
        await write_all(request, response, patience(request, self._services.stall_seconds))
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        wanted = target.parse(request.raw_path)
        if request.method not in ("GET", "HEAD") and not (request.method == "POST" and node.is_call(wanted.segments)):
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD", {"Allow": "GET, HEAD"})
        match stock.without_alias(wanted.segments):
            case ("node", token, "done" | "failed" as how):
                return await node.call(request, self._services, token, how == "done", wanted.query)
            case (name,) | ("firmware", *_, name) if stock.is_script(name):
                return await self._script(request, None, wanted.query)
            case ("machines", mac, "ipxe.cfg" | "ipxe.cfg.cfg"):
                return await self._script(request, _mac(mac), wanted.query)
            case ("machines", mac, "grub.cfg"):
                return await self._script(request, _mac(mac), wanted.query, Loader.GRUB)
            case path if (card := self._of_grub(request, path)) is not None:
                return await self._script(request, card, wanted.query, Loader.GRUB)
            case ("boot", secret, "ipxe.cfg"):
                return await self._script(request, None, wanted.query, machine=self._by_secret(secret))
            case ("artifacts", *path) if path:
                return await files.artifact(request, self._services, tuple(path))
            case ("node", token, "artifacts", *path) if path:
                return await node.artifact(request, self._services, token, tuple(path))
            case ("firmware", *path) if path:
                return await files.firmware(request, self._services, "/".join(path))
            case ("node", token, *path) if path:
                return await node.document(request, self._services, token, tuple(path))
            case ("healthz",):
                return _text(b"ok\n")
            case (name,) if self._services.firmware(name) is not None:
                return await files.firmware(request, self._services, name)
            case path:
                return await self._stock(request, path)

    async def _stock(self, request: web.Request, path: tuple[str, ...]) -> web.StreamResponse:
        ip = asker(request, self._services.trusted_proxies).ip
        found = self._services.stock(ip, "/".join(path)) if path else None
        if found is None:
            raise Refused(HTTPStatus.NOT_FOUND, _NO_SUCH_PAGE)
        return await files.artifact(request, self._services, tuple(found.split("/")))

    def _of_grub(self, request: web.Request, path: tuple[str, ...]) -> Mac | None:
        return self._services.grub(asker(request, self._services.trusted_proxies).ip, "/".join(path))

    async def _script(
        self,
        request: web.Request,
        mac: Mac | None,
        query: tuple[tuple[str, str], ...],
        loader: Loader = Loader.IPXE,
        machine: Machine | None = None,
    ) -> web.Response:
        by = asker(request, self._services.trusted_proxies)
        asked = ScriptRequest(
            mac, query, by.ip, _local(request), loader, by.base_url, request.method == "HEAD", machine
        )
        reply = await recorded(self._services.script, asked)
        if reply is None:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "that this machine installs could not be recorded")
        return _text(reply.body)

    def _by_secret(self, secret: str) -> Machine:
        machine = self._services.by_secret(secret)
        if machine is None:
            raise Refused(HTTPStatus.NOT_FOUND, _NO_SUCH_PAGE)
        return machine

    def _tell(self, request: web.Request, refused: Refused) -> None:
        self._services.emit(
            HttpRefused(
                ip=asker(request, self._services.trusted_proxies).ip,
                file=printable(without_token(request.raw_path)),
                status=int(refused.status),
                reason=printable(refused.reason),
            )
        )


def _mac(text: str) -> Mac:
    try:
        return Mac.parse(text)
    except WireError as error:
        raise Refused(HTTPStatus.NOT_FOUND, f"not a hardware address: {printable(error.detail, 60)}") from error


def _text(body: bytes) -> web.Response:
    return web.Response(headers={"Content-Type": TEXT, "Cache-Control": "no-store", "Server": SERVER}, body=body)


def _local(request: web.Request) -> tuple[str, int]:
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return (target.unmapped(name[0]), name[1]) if name else ("", 0)
