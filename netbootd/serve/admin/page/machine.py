"""``/machines/{machine}``: one machine, its boots as timelines, what is wrong, what it would get, and what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from netbootd.boot.model import Boots
from netbootd.fleet.lifecycle import State
from netbootd.observe.diagnosis.model import Cause
from netbootd.serve.admin.access import is_near
from netbootd.serve.admin.asked import By, Nothing
from netbootd.serve.admin.changes import Changes
from netbootd.serve.admin.page.boots import boots_of
from netbootd.serve.admin.page.glance import key_of
from netbootd.serve.admin.page.rehearsal import rehearsals
from netbootd.serve.admin.page.rows import Rows
from netbootd.serve.admin.page.services import Behind
from netbootd.serve.admin.problems import Problem
from netbootd.serve.admin.roster import Roster, Seat
from netbootd.serve.admin.view import View
from netbootd.wire.text import printable

DONE = {
    "approved": (State.APPROVED, "It is approved."),
    "armed": (State.ARMED, "It is armed: it installs at its next network boot."),
    "left": (State.LOCAL, "It boots its own disk from now on."),
}
"""What a page says after a change, by the word in its address, and for as long as the machine is in this state."""


@dataclass(frozen=True, slots=True)
class May:
    """What can be done with it now."""

    approve: bool
    install: bool
    local: bool
    forget: bool


class MachinePages:
    """Handlers."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind
        self._rows = Rows(behind.api, behind.overview)
        self._roster = Roster(behind.api)
        self._changes = Changes(behind.api)

    async def show(self, request: web.Request) -> web.Response:
        """All there is to say."""
        seat = self._seat(request)
        view, boots = View(self._behind.api), boots_of(seat, self._behind.overview, self._behind.api.wall())
        troubles = boots[0].troubles if boots else ()
        rivalry = [each for each in troubles if each.cause is Cause.SHARED_IDENTITY] if view.conflict(seat) else []
        return self._behind.pages.page(
            request,
            "machine",
            title=view.called(seat),
            machine=view.machine(seat),
            soft_serial=view.row(seat).soft_serial,
            glance=self._rows.row(seat, view),
            boots=boots,
            troubles=[each for each in troubles if each not in rivalry],
            rivalry=[said for each in rivalry for said in each.evidence],
            scripts=rehearsals(self._behind.api, seat, self._behind.daemon.nearest),
            may=self._may(seat, view),
            may_be=self._others(seat),
            done=_done(request.query.get("done", ""), view.standing(seat).state),
        )

    async def ask_install(self, request: web.Request) -> web.Response:
        """Whether that is meant: it wipes a disk."""
        return self._ask(request, "install")

    async def ask_forget(self, request: web.Request) -> web.Response:
        """Whether that is meant: its boots are gone then."""
        return self._ask(request, "forget")

    async def approve(self, request: web.Request) -> web.Response:
        return await self._done(request, self._changes.approve, "approved")

    async def install(self, request: web.Request) -> web.Response:
        return await self._done(request, self._changes.install, "armed")

    async def local(self, request: web.Request) -> web.Response:
        return await self._done(request, self._changes.local, "left")

    async def forget(self, request: web.Request) -> web.Response:
        """It has no page any more."""
        await self._changes.forget(request, Nothing(), _by(request))
        return _to("/")

    async def _done(
        self, request: web.Request, change: Callable[[web.Request, Nothing, By], Awaitable[object]], word: str
    ) -> web.Response:
        await change(request, Nothing(), _by(request))
        return _to(f"/machines/{key_of(self._roster.find(request.match_info['machine']))}?done={word}")

    def _ask(self, request: web.Request, what: str) -> web.Response:
        seat, view = self._seat(request), View(self._behind.api)
        return self._behind.pages.page(
            request,
            f"confirm_{what}",
            title=f"{what.capitalize()} {view.called(seat)}?",
            machine=view.machine(seat),
            glance=self._rows.row(seat, view),
            script=rehearsals(self._behind.api, seat, self._behind.daemon.nearest)[-1],
        )

    def _seat(self, request: web.Request) -> Seat:
        """A card that has booted has a page even where no record could be kept of it."""
        seat = self._roster.find(request.match_info["machine"])
        if (
            seat.known
            or seat.conflict
            or (seat.mac and self._behind.api.ledger.entry(seat.mac))
            or self._behind.overview.current(seat) is not None
        ):
            return seat
        raise Problem(HTTPStatus.NOT_FOUND, f"{seat.mac} is neither listed nor has it been seen")

    def _may(self, seat: Seat, view: View) -> May:
        profile = view.assignment(seat).profile
        entry = self._behind.api.ledger.entry(seat.mac) if seat.mac else None
        installs = seat.mac is not None and profile is not None and profile.boots is Boots.ONCE
        unapproved = seat.machine is None and seat.record is not None and seat.record.approved is None
        return May(
            approve=unapproved and not seat.conflict,
            install=installs,
            local=installs or entry is not None,
            forget=seat.record is not None,
        )

    def _others(self, seat: Seat) -> tuple[str, ...]:
        """Records that claim to be this machine, or what it is."""
        if seat.conflict:
            return tuple(each.id for each in self._behind.api.records.all() if set(each.macs) & set(seat.macs))
        own = seat.record.id if seat.record else ""
        rivals = [id for each in self._behind.api.records.conflicts() if own in each.ids for id in each.ids]
        return tuple(id for id in dict.fromkeys(rivals) if id != own)


def _done(word: str, now: State) -> str:
    state, said = DONE.get(word, (None, ""))
    return said if state is now else ""


def _by(request: web.Request) -> By:
    place = "" if is_near(request) else f" from {printable(request.remote or 'elsewhere', 60)}"
    return By(by=f"the admin page{place}")


def _to(path: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path})
