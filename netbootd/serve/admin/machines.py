"""Looking at machines: all of them, or those that something is true of, page by page; one of them, and its boots."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from fnmatch import fnmatchcase
from http import HTTPStatus
from urllib.parse import urlencode

from aiohttp import web

from netbootd.fleet.export import Row, as_csv, as_json
from netbootd.serve.admin import shapes
from netbootd.serve.admin.asked import Nothing, Page, Which
from netbootd.serve.admin.problems import Problem
from netbootd.serve.admin.roster import Roster, Seat
from netbootd.serve.admin.routes import as_answer
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.view import View
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac


class Machines:
    """Handlers of `routes`."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._roster = Roster(services)

    async def all(self, request: web.Request, wanted: Page, _body: None) -> web.Response:
        """One page; ``X-Total-Count`` and ``Link`` (RFC 8288) tell of the others."""
        view, total, page = View(self._services), 0, []
        async for seat in self._matching(wanted, view):
            if wanted.offset <= total < wanted.offset + wanted.limit:
                page.append(view.machine(seat))
            total += 1
        headers = {"X-Total-Count": str(total)}
        if wanted.offset + wanted.limit < total:
            headers["Link"] = f'<{_next(request, wanted)}>; rel="next"'
        return as_answer(page, headers=headers)

    async def one(self, request: web.Request, _query: Nothing, _body: None) -> shapes.Machine:
        """It."""
        return View(self._services).machine(self._known(request))

    async def boots(self, request: web.Request, _query: Nothing, _body: None) -> list[shapes.Boot]:
        """Its boots."""
        return View(self._services).boots(self._known(request))

    async def csv(self, _request: web.Request, wanted: Which, _body: None) -> web.Response:
        """As a table for spreadsheets."""
        headers = {"Content-Disposition": 'attachment; filename="machines.csv"'}
        text = await asyncio.to_thread(as_csv, await self._rows(wanted))
        return web.Response(text=text, content_type="text/csv", headers=headers)

    async def json(self, _request: web.Request, wanted: Which, _body: None) -> web.Response:
        """The same for programs."""
        text = await asyncio.to_thread(as_json, await self._rows(wanted))
        return web.Response(text=text, content_type="application/json")

    async def _rows(self, wanted: Which) -> list[Row]:
        view = View(self._services)
        return [view.row(seat) async for seat in self._matching(wanted, view)]

    def _known(self, request: web.Request) -> Seat:
        seat = self._roster.find(request.match_info["machine"])
        known = seat.known or bool(seat.conflict)
        if not known and (seat.mac is None or self._services.ledger.entry(seat.mac) is None):
            raise Problem(HTTPStatus.NOT_FOUND, f"{seat.mac} is neither listed nor has it a record")
        return seat

    async def _matching(self, wanted: Which, view: View) -> AsyncIterator[Seat]:
        async for seat in self._roster.all():
            if fits(seat, wanted, view):
                yield seat


def fits(seat: Seat, wanted: Which, view: View) -> bool:
    """Whether all of that is true of it; the cheap questions first."""
    if wanted.mac is not None and not any(str(mac).startswith(_card(wanted.mac)) for mac in seat.macs):
        return False
    if wanted.name is not None and not fnmatchcase(view.called(seat).lower(), wanted.name.lower()):
        return False
    if wanted.q is not None and not any(wanted.q.lower() in text.lower() for text in _texts(seat)):
        return False
    if wanted.state is not None and view.standing(seat).state.value != wanted.state:
        return False
    return wanted.profile is None or view.profile(seat) == wanted.profile


def _card(text: str) -> str:
    """A whole card in any spelling, or the beginning of one."""
    try:
        return str(Mac.parse(text))
    except WireError:
        return text.lower().replace("-", ":")


def _texts(seat: Seat) -> list[str]:
    """Everything of it that somebody may look for."""
    machine, record = seat.machine, seat.record
    found: list[object] = [*seat.macs]
    if machine:
        found += [machine.name, machine.uuid, machine.serial, machine.ip]
    if record:
        found += [record.id, record.name, record.uuid, record.serial, record.soft_serial, record.asset]
        found += [record.manufacturer, record.product, *record.addresses]
    return [str(each) for each in found if each]


def _next(request: web.Request, wanted: Page) -> str:
    said = wanted.model_dump(exclude_none=True) | {"offset": wanted.offset + wanted.limit}
    return f"{request.path}?{urlencode(said)}"
