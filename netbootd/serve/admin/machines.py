"""The API of the fleet: who there is, who waits to be armed, and arming.

    GET  /api/v1/machines                  all that are listed or have a record
    GET  /api/v1/machines/{mac}            one of them
    POST /api/v1/machines/{mac}/install    arm it: it gets its payload once
    POST /api/v1/machines/{mac}/local      leave it to its own disk

A change needs ``Content-Type: application/json``, which a form on a web page elsewhere cannot send and a script there
only after a question that is not answered here; and it has to come from this machine itself.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web

from netbootd.boot.facts import Facts
from netbootd.boot.model import Boots, Profile
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage, verdict
from netbootd.fleet.snapshot import Assignment, Snapshot
from netbootd.observe.events import Event, MachineChanged
from netbootd.serve.admin.problems import Problem, problems
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac
from netbootd.wire.text import printable

_NOT_WRITTEN = "the state cannot be written, see the daemon's log"


@dataclass(frozen=True, slots=True)
class MachineServices:
    """What this needs from the rest of netbootd; the callables follow a reload."""

    ledger: Ledger
    fleet: Callable[[], Snapshot]
    known: Callable[[Mac], Facts]
    """What a machine's iPXE has said of it."""
    emit: Callable[[Event], None]
    wall: Callable[[], float] = time.time


def add_routes(app: web.Application, services: MachineServices) -> None:
    """To the admin site, before it starts."""
    api = _Machines(services)
    app.middlewares.append(problems)
    app.router.add_get("/api/v1/machines", api.all)
    app.router.add_get("/api/v1/machines/{mac}", api.one)
    app.router.add_post("/api/v1/machines/{mac}/install", api.install)
    app.router.add_post("/api/v1/machines/{mac}/local", api.local)


class _Machines:
    def __init__(self, services: MachineServices) -> None:
        self._services = services
        self._ledger = services.ledger

    async def all(self, request: web.Request) -> web.Response:
        return web.json_response([self._record(mac) for mac in self._macs()])

    async def one(self, request: web.Request) -> web.Response:
        mac = _mac(request)
        if self._first(mac) not in self._macs():
            raise Problem(HTTPStatus.NOT_FOUND, f"{mac} is neither listed nor has it a record")
        return web.json_response(self._record(mac))

    async def install(self, request: web.Request) -> web.Response:
        mac, by = _mac(request), await _by(request)
        self._may_be_armed(mac)
        entry = self._ledger.entry(mac)
        if not await self._ledger.arm(mac, by, self._services.wall()):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{self._called(mac)} is not armed: {_NOT_WRITTEN}")
        if entry is None or entry.stage is not Stage.ARMED:
            self._changed(mac, "armed", f"by {by}")
        return web.json_response(self._record(mac))

    async def local(self, request: web.Request) -> web.Response:
        mac, by = _mac(request), await _by(request)
        entry = self._ledger.entry(mac)
        if entry is None or entry.stage is not Stage.ARMED:  # one that is armed can be disarmed whatever it boots now
            self._may_be_armed(mac)
        written = await self._ledger.disarm(mac, by, self._services.wall())
        if entry is None or entry.stage is not Stage.DISARMED:
            self._changed(mac, "disarmed", f"by {by}")
        if not written:
            detail = f"{self._called(mac)} boots its own disk for now, but a restart would undo that: {_NOT_WRITTEN}"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail)
        return web.json_response(self._record(mac))

    def _macs(self) -> list[Mac]:
        """The first card of each machine: those of the files in their order, then the others.

        One that is named without a card is here under the card it has shown, once that has a record.
        """
        listed = [machine.macs[0] for machine in self._services.fleet().machines if machine.macs]
        others = sorted({entry.mac for entry in self._ledger.entries()} - set(listed), key=str)
        return [*listed, *others]

    def _first(self, mac: Mac) -> Mac:
        machine = self._services.fleet().machine(mac)
        return machine.macs[0] if machine else mac

    def _assignment(self, mac: Mac) -> Assignment:
        fleet = self._services.fleet()
        return fleet.lookup(self._services.known(mac), fleet.machine(mac))

    def _called(self, mac: Mac) -> str:
        return self._assignment(mac).name or str(mac)

    def _may_be_armed(self, mac: Mac) -> None:
        """Only a profile that boots once asks whether a machine is armed."""
        assignment = self._assignment(mac)
        name, profile = assignment.name or str(mac), assignment.profile
        if profile is None:
            later = "; a rule may give it one once its iPXE has said more" if assignment.undecided else ""
            raise Problem(HTTPStatus.CONFLICT, f"{name} has no profile: {assignment.why}{later}")
        if profile.boots is Boots.ALWAYS:
            detail = f"{name} has the profile {profile.name}, which boots always: there is nothing to arm"
            raise Problem(HTTPStatus.CONFLICT, detail)

    def _changed(self, mac: Mac, change: str, detail: str) -> None:
        self._services.emit(
            MachineChanged(mac=str(mac), machine=self._assignment(mac).name, change=change, detail=detail)
        )

    def _record(self, mac: Mac) -> Mapping[str, Any]:
        assignment, entry = self._assignment(mac), self._ledger.entry(mac)
        machine = self._services.fleet().machine(mac)
        macs = machine.macs if machine else (mac,)
        return {
            "mac": str(macs[0]),
            "macs": [str(each) for each in macs],
            "name": assignment.name or None,
            "profile": assignment.profile.name if assignment.profile else None,
            "boots": assignment.profile.boots.value if assignment.profile else None,
            "stage": entry.stage.name.lower() if entry else None,
            **self._now(mac, assignment.profile),
            "fetching": any(handing.mac in macs for handing in self._ledger.handings()),
            "since": datetime.fromtimestamp(entry.since, UTC).isoformat(timespec="seconds") if entry else None,
            "by": entry.by if entry else None,
            "assigned": assignment.why,
        }

    def _now(self, mac: Mac, profile: Profile | None) -> Mapping[str, Any]:
        """Whether it would get its payload now; without a profile it gets what its assignment says."""
        if profile is None:
            return {"waiting": False, "netboot": False, "why": "it has no profile"}
        said = verdict(profile, self._ledger.stage(mac))
        return {"waiting": said.waiting, "netboot": said.netboot, "why": said.why}


def _mac(request: web.Request) -> Mac:
    text = request.match_info["mac"]
    try:
        return Mac.parse(text)
    except WireError:
        raise Problem(HTTPStatus.NOT_FOUND, f"{printable(text, 60)!r} is not a hardware address") from None


async def _by(request: web.Request) -> str:
    """Who asks for the change, as far as they say: ``{"by": "..."}``, or nothing at all."""
    if request.content_type != "application/json":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a change needs Content-Type: application/json")
    if not _is_here(request.remote):
        raise Problem(
            HTTPStatus.FORBIDDEN, f"changes are made on the machine netbootd runs on, not from {request.remote}"
        )
    try:
        said = await request.json() if await request.read() else {}
    except ValueError:
        raise Problem(HTTPStatus.BAD_REQUEST, "the body is not JSON") from None
    match said:
        case {"by": str(by), **rest} if not rest and by:
            return printable(by, 100)
        case dict() if not said:
            return "the admin API"
        case _:
            raise Problem(HTTPStatus.BAD_REQUEST, 'the body may be {} or {"by": "who asks"}')


def _is_here(remote: str | None) -> bool:
    """None is a Unix socket."""
    return remote is None or ipaddress.ip_address(remote.partition("%")[0].removeprefix("::ffff:")).is_loopback
