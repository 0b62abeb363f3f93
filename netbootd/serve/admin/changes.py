"""Changing machines: made, changed, approved, armed, left to their disks, forgotten.

An answer is given when what was asked for is on disk.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from aiohttp import web

from netbootd.boot.model import Boots
from netbootd.chain.serials import doubled
from netbootd.fleet.changes import Written
from netbootd.fleet.lifecycle import Stage, State
from netbootd.fleet.record import Approval, DropRecord, PutRecord, RecordChange
from netbootd.fleet.records import NoRoom, Taken
from netbootd.observe.events import Change, MachineChanged
from netbootd.serve.admin import shapes
from netbootd.serve.admin.asked import By, Draft, Nothing, Patch
from netbootd.serve.admin.drafts import Drafts
from netbootd.serve.admin.problems import Problem
from netbootd.serve.admin.roster import Roster, Seat
from netbootd.serve.admin.routes import as_answer
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.view import View
from netbootd.wire.mac import Mac

_NOT_WRITTEN = "the state cannot be written, see the daemon's log"
_ELSEWHERE = "was changed through another daemon at the same moment: look at it, and ask again"
_TRIES = 3
_CONFLICT = HTTPStatus.CONFLICT


class Changes:
    """Handlers of `routes`."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._ledger = services.ledger
        self._records = services.records
        self._roster = Roster(services)
        self._drafts = Drafts(services, self._roster)

    async def create(self, _request: web.Request, _query: Nothing, draft: Draft) -> web.Response:
        """A machine that nobody has seen yet.  One that was made through another daemon at the same moment is known
        the second time it is tried, and says what it has."""
        for _ in range(_TRIES):
            changes = self._made(draft)
            made = next(change.record for change in changes if isinstance(change, PutRecord))
            if await self._kept(made.name or made.id, changes):
                break
        else:
            raise Problem(_CONFLICT, f"{made.name or made.id} {_ELSEWHERE}")
        for change in changes:
            if isinstance(change, DropRecord):
                self._services.attempts.moved(change.id, made.id)
        self._told(made.macs[0] if made.macs else None, made.name or "", Change.CREATED, draft.who)
        seat = await self._numbered(self._roster.find(made.id))
        headers = {"Location": f"/api/v1/machines/{made.id}"}
        return as_answer(View(self._services).machine(seat), HTTPStatus.CREATED, headers)

    async def change(self, request: web.Request, _query: Nothing, patch: Patch) -> shapes.Machine:
        """Some of what somebody may set."""
        seat = self._seat(request)
        before, after = self._drafts.patched(seat, patch)
        if self._records.get(before.id) is None and after == before:
            return View(self._services).machine(seat)
        try:
            known = self._records.get(before.id)
            changes = self._records.change(after) if known else self._records.create(after)
        except Taken as taken:
            raise Problem(_CONFLICT, str(taken)) from None
        except NoRoom as full:
            raise Problem(HTTPStatus.INSUFFICIENT_STORAGE, str(full)) from None
        if changes:
            await self._keep(View(self._services).called(seat), changes)
            self._changed(seat, Change.CHANGED, f"by {patch.who}: {', '.join(sorted(patch.model_fields_set - {'by'}))}")
        return await self._again(seat, changes)

    async def forget(self, request: web.Request, _query: Nothing, by: By) -> web.Response:
        """As if it had never been there; it is left to its disk."""
        seat = self._seat(request)
        called = View(self._services).called(seat)
        if seat.record is None and seat.machine is not None:
            raise Problem(
                _CONFLICT, f"{called} is listed in {seat.machine.origin} and has no record; take it away there"
            )
        if not await self._disarmed(seat, by.who):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{called} is not forgotten: {_NOT_WRITTEN}")
        if seat.record is not None:
            await self._keep(called, self._records.forget(seat.record.id))
            self._services.attempts.forget(seat.record.id)
        self._changed(seat, Change.FORGOTTEN, f"by {by.who}")
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def approve(self, request: web.Request, _query: Nothing, by: By) -> shapes.Machine:
        """It is one of theirs."""
        seat = self._seat(request)
        record = seat.record
        changes: tuple[RecordChange, ...] = ()
        if seat.machine is None and record is None:
            raise Problem(_CONFLICT, f"{seat.mac} has not been seen yet: create it with POST /api/v1/machines")
        if seat.machine is None and record is not None and record.approved is None:
            approval = Approval(by.who, self._services.wall())
            changes = self._records.change(replace(record, approved=approval))
            await self._keep(View(self._services).called(seat), changes)
            self._changed(seat, Change.APPROVED, f"by {by.who}")
        return await self._again(seat, changes)

    async def install(self, request: web.Request, _query: Nothing, by: By) -> shapes.Machine:
        """Arm it: it gets its payload once."""
        seat, mac = self._armable(request)
        self._may_be_armed(seat)
        view = View(self._services)
        if why := doubled(self._services.world(), view.assignment(seat), view.facts(seat)):
            raise Problem(_CONFLICT, f"{view.called(seat)} is not armed: {why}")
        entry = self._ledger.entry(mac)
        if not await self._ledger.arm(mac, by.who, self._services.wall()):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{view.called(seat)} is not armed: {_NOT_WRITTEN}")
        if entry is None or entry.stage is not Stage.ARMED:
            self._changed(seat, Change.ARMED, f"by {by.who}")
        return View(self._services).machine(await self._numbered(self._roster.of_card(mac)))

    async def local(self, request: web.Request, _query: Nothing, by: By) -> shapes.Machine:
        """Leave it to its own disk."""
        seat, mac = self._armable(request)
        entry = self._ledger.entry(mac)
        if entry is None or entry.stage is not Stage.ARMED:  # one that is armed can be disarmed whatever it boots now
            self._may_be_armed(seat)
        written = await self._ledger.disarm(mac, by.who, self._services.wall())
        if entry is None or entry.stage is not Stage.DISARMED:
            self._changed(seat, Change.DISARMED, f"by {by.who}")
        if not written:
            called = View(self._services).called(seat)
            detail = f"{called} boots its own disk for now, but a restart would undo that: {_NOT_WRITTEN}"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail)
        return View(self._services).machine(self._roster.of_card(mac))

    def _seat(self, request: web.Request) -> Seat:
        seat = self._roster.find(request.match_info["machine"])
        if seat.conflict:
            raise Problem(_CONFLICT, f"which machine is meant cannot be told: {seat.conflict}; ask for one by its id")
        if not seat.known and (seat.mac is None or self._ledger.entry(seat.mac) is None):
            raise Problem(HTTPStatus.NOT_FOUND, f"{seat.mac} is neither listed nor has it a record")
        return seat

    def _armable(self, request: web.Request) -> tuple[Seat, Mac]:
        """One that nobody knows may be armed, too, where a rule gives it a profile."""
        seat = self._roster.find(request.match_info["machine"])
        if seat.mac is None:
            called = View(self._services).called(seat)
            raise Problem(_CONFLICT, f"{called} has shown no card yet, which an installation is remembered by")
        return seat, seat.mac

    def _may_be_armed(self, seat: Seat) -> None:
        """Only a profile that boots once asks whether a machine is armed."""
        view = View(self._services)
        assignment, name = view.assignment(seat), view.called(seat)
        profile = assignment.profile
        if profile is None and not self._ledger.durable:  # it may be on a record that could not be read
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{name} is not armed: {_NOT_WRITTEN}")
        if profile is None:
            later = "; a rule may give it one once its iPXE has said more" if assignment.undecided else ""
            raise Problem(_CONFLICT, f"{name} has no profile: {assignment.why}{later}")
        if profile.boots is Boots.ALWAYS:
            detail = f"{name} has the profile {profile.name}, which boots always: there is nothing to arm"
            raise Problem(_CONFLICT, detail)

    async def _disarmed(self, seat: Seat, by: str) -> bool:
        """So that nothing of what it was armed for is left.  That it was installed stays known, or a profile that
        arms by itself would install it once more; one that was not, or is just being, is left to its disk, for without
        its record it would pass for installed."""
        entry = self._ledger.entry(seat.mac) if seat.mac else None
        if seat.mac is None or entry is None or (seat.machine and self._stays(seat, entry.stage)):
            return True
        return await self._ledger.disarm(seat.mac, by, self._services.wall())

    def _stays(self, seat: Seat, stage: Stage) -> bool:
        installed = View(self._services).standing(seat).state is State.INSTALLED
        return stage is Stage.DISARMED or (stage is Stage.GIVEN and installed)

    def _made(self, draft: Draft) -> tuple[RecordChange, ...]:
        record = self._drafts.drafted(draft)
        try:
            return self._records.create(record)
        except Taken as taken:
            raise Problem(_CONFLICT, str(taken)) from None
        except NoRoom as full:
            raise Problem(HTTPStatus.INSUFFICIENT_STORAGE, str(full)) from None

    async def _keep(self, called: str, changes: tuple[RecordChange, ...]) -> None:
        """What another daemon changed at the same moment is not overwritten unseen."""
        if changes and not await self._kept(called, changes):
            raise Problem(_CONFLICT, f"{called} {_ELSEWHERE}")

    async def _kept(self, called: str, changes: tuple[RecordChange, ...]) -> bool:
        written = await self._services.keep(changes)
        if written is Written.NO:
            detail = f"{called} is changed for now, but a restart would undo that: {_NOT_WRITTEN}"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail)
        return written is Written.YES

    async def _numbered(self, seat: Seat) -> Seat:
        """With the soft serial of its profile's range, if it is one of ours and waits for one."""
        ours = seat.machine or (seat.record and seat.record.approved) or (seat.mac and self._ledger.entry(seat.mac))
        facts = View(self._services).facts(seat)
        if not ours or facts.mac is None or not await self._services.number(facts, seat.machine):
            return seat
        return self._roster.of_card(facts.mac)

    async def _again(self, seat: Seat, changes: tuple[RecordChange, ...]) -> shapes.Machine:
        """As it is now."""
        put = [change.record for change in changes if isinstance(change, PutRecord)]
        found = self._roster.find(put[-1].id) if put else seat
        found = await self._numbered(replace(found, machine=seat.machine or found.machine))
        return View(self._services).machine(found)

    def _changed(self, seat: Seat, change: Change, detail: str) -> None:
        name = View(self._services).called(seat)
        self._told(seat.mac, "" if name == str(seat.mac) else name, change, detail.removeprefix("by "))

    def _told(self, mac: Mac | None, name: str, change: Change, by: str) -> None:
        event = MachineChanged(mac=str(mac or ""), machine=name, change=change, detail=f"by {by}")
        self._services.emit(event)
