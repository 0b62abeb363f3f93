"""A machine as the API shows it: each value with who says so, where it stands, and what it would get now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from netbootd.boot.args import ArgSetting
from netbootd.boot.facts import Facts
from netbootd.boot.model import Profile
from netbootd.boot.site import Site
from netbootd.chain.serials import spoken
from netbootd.fleet.attempts import last_step
from netbootd.fleet.export import Row
from netbootd.fleet.lifecycle import Stage, Standing, State, verdict
from netbootd.fleet.merged import Merged, Value, merged
from netbootd.fleet.record import Attempt, Ending, Record
from netbootd.fleet.sightings import facts_of
from netbootd.fleet.snapshot import Assignment
from netbootd.observe.diagnosis.model import Diagnosis
from netbootd.payloads import PAYLOADS
from netbootd.serve.admin import shapes
from netbootd.serve.admin.roster import Seat
from netbootd.serve.admin.secrets import kept_from_sight
from netbootd.serve.admin.services import ApiServices, Named
from netbootd.serve.admin.shapes import moment, when
from netbootd.serve.admin.steps import diagnosis_shape, progress_shape, step_shape
from netbootd.serve.kept import Kept

T = TypeVar("T")
_NOWHERE = Site("127.0.0.1")
_SHOWN = ("name", "profile", "uuid", "serial", "soft_serial", "local", "approved")


class View:
    """Of all machines, for one request."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._conflicts: dict[str, list[str]] | None = None

    def machine(self, seat: Seat) -> shapes.Machine:
        """All there is to say."""
        return shapes.Machine(**self._who(seat), **self._stands(seat), **self._said(seat))

    def standing(self, seat: Seat) -> Standing:
        """Where it stands now."""
        if seat.mac is not None:
            return self._services.standing(seat.mac)
        return Standing(State.APPROVED, "a file lists it") if seat.machine else Standing(State.DISCOVERED, "")

    def assignment(self, seat: Seat) -> Assignment:
        """Which profile it has, and why."""
        return self._services.world().assignment(self.facts(seat), seat.machine)

    def called(self, seat: Seat) -> str:
        """By its name, else what tells it from others."""
        shown = merged(seat.machine, seat.record) if seat.known else None
        return shown.name.value if shown and shown.name else str(seat.mac or (seat.record.id if seat.record else ""))

    def in_full(self, seat: Seat) -> str:
        """By its name, and where that stands, or its card."""
        name, where = self.called(seat), seat.machine.origin if seat.machine else str(seat.mac or "")
        return f"{name} ({where})" if where not in ("", name) else name

    def conflict(self, seat: Seat) -> str:
        """What several records claim of it, or others of its own; "" for nothing."""
        return seat.conflict or "; ".join(self._disputes().get(seat.record.id, ()) if seat.record else ())

    def profile(self, seat: Seat) -> str:
        """The name of the one it has, or ""."""
        return self._kept(self._services.profiles, seat, lambda: _name(self.assignment(seat).profile))

    def row(self, seat: Seat) -> Row:
        """For a table to take elsewhere."""
        row = self._kept(self._services.rows, seat, lambda: self._row(seat))
        return replace(row, state=self.standing(seat).state.value)

    def _row(self, seat: Seat) -> Row:
        """But for its state, which time may change."""
        shown, record = _shown(seat), seat.record
        profile = self.assignment(seat).profile
        return Row(
            name=_text(shown.name),
            soft_serial=_text(shown.soft_serial) or self._soft_serial(seat),
            serial=_text(shown.serial),
            uuid=_text(shown.uuid),
            mac=" ".join(map(str, seat.macs)),
            manufacturer=(record.manufacturer or "") if record else "",
            model=(record.product or "") if record else "",
            profile=_name(profile),
            release=self._release(profile),
        )

    def _kept(self, kept: Kept[Named, T], seat: Seat, make: Callable[[], T]) -> T:
        """Of a machine whose record its card leads to; of the others what is made now."""
        mac, record = seat.mac, seat.record
        if mac is None or (record is not None and mac not in record.macs):
            return make()
        return kept.of((mac, record.id if record else ""), (self._services.trace(mac), seat), make)

    def boots(self, seat: Seat) -> list[shapes.Boot]:
        """Those that are kept, the latest first."""
        return [boot(each, self._services.diagnosed_boot(each.mac, each)) for each in self._attempts(seat)]

    def _who(self, seat: Seat) -> dict[str, Any]:
        shown, record = _shown(seat), seat.record or Record("")
        values = {name: getattr(shown, name) for name in _SHOWN}
        return {
            "id": record.id or None,
            "mac": str(seat.mac) if seat.mac else None,
            "macs": [str(mac) for mac in seat.macs],
            "name": _text(shown.name) or None,
            "uuid": _text(shown.uuid) or None,
            "serial": _text(shown.serial) or None,
            "soft_serial": _text(shown.soft_serial) or None,
            "approved": _text(shown.approved) or None,
            "asset": record.asset,
            "manufacturer": record.manufacturer,
            "product": record.product,
            "arch": record.arch,
            "platform": record.platform,
            "ipxe": record.ipxe,
            "addresses": list(record.addresses),
            "first_seen": when(record.first_seen),
            "last_seen": when(record.last_seen),
            "args": [_argument(each) for each in shown.args],
            "origins": {
                name: shapes.Origin(origin=each.origin.value, where=each.where) for name, each in values.items() if each
            },
            "conflict": self.conflict(seat) or None,
        }

    def _stands(self, seat: Seat) -> dict[str, Any]:
        stands = self.standing(seat)
        ending = stands.ending or (seat.record.ending if seat.record else None)
        return {
            "state": stands.state.value,
            "state_why": stands.why,
            "state_since": when(stands.since),
            "until": when(stands.until),
            "confidence": stands.confidence.value if stands.confidence else None,
            "ended": _ended(ending) if ending else None,
            "trouble": self._trouble(seat),
            "last_stage": self._last_stage(seat),
            "progress": progress_shape(self._services.running, seat.macs),
        }

    def _trouble(self, seat: Seat) -> shapes.Diagnosis | None:
        found = self._services.diagnosed(seat.mac) if seat.mac else ()
        return diagnosis_shape(found[0]) if found else None

    def _last_stage(self, seat: Seat) -> shapes.Step | None:
        latest = next(iter(self._attempts(seat)), None)
        step = last_step(latest) if latest else None
        return step_shape(step, latest) if latest and step else None

    def _attempts(self, seat: Seat) -> tuple[Attempt, ...]:
        """The latest first."""
        return self._services.boots(seat.record.id if seat.record else "", seat.macs)

    def _said(self, seat: Seat) -> dict[str, Any]:
        ledger, assignment = self._services.ledger, self.assignment(seat)
        entry = ledger.entry(seat.mac) if seat.mac else None
        return {
            "profile": assignment.profile.name if assignment.profile else None,
            "boots": assignment.profile.boots.value if assignment.profile else None,
            "assigned": assignment.why,
            "local": assignment.local.value,
            "stage": entry.stage.name.lower() if entry else None,
            "since": when(entry.since) if entry else None,
            "by": entry.by if entry else None,
            "fetching": any(handing.mac in seat.macs for handing in ledger.handings()),
            **self._now(seat, assignment.profile),
        }

    def _now(self, seat: Seat, profile: Profile | None) -> dict[str, Any]:
        """Whether it would get its payload now; without a profile it gets what its assignment says."""
        if profile is None:
            return {"waiting": False, "netboot": False, "why": "it has no profile"}
        stage = self._services.ledger.stage(seat.mac) if seat.mac else Stage.DISARMED
        said = verdict(profile, stage)
        return {"waiting": said.waiting, "netboot": said.netboot, "why": said.why}

    def facts(self, seat: Seat) -> Facts:
        """As the machine itself would say them, as far as that is known."""
        record = seat.record or Record("")
        told = self._services.known(seat.mac) if seat.mac else Facts()
        return told.over(facts_of(record, seat.mac))

    def _soft_serial(self, seat: Seat) -> str:
        """What its arguments make of it; "" where that takes facts nobody knows yet."""
        return spoken(self._services.world(), self.assignment(seat), self.facts(seat))

    def _release(self, profile: Profile | None) -> str:
        if profile is None:
            return ""
        name = PAYLOADS[profile.payload].bundle(profile.settings)
        bundle = self._services.world().bundles.get(name)
        return str(getattr(bundle, "version", "") or name)

    def _disputes(self) -> dict[str, list[str]]:
        """What is claimed of each record by others."""
        if self._conflicts is None:
            self._conflicts = {}
            for each in self._services.records.conflicts():
                said = f"{each.what} is claimed by {' and '.join(each.ids)}"
                for id in each.ids:
                    self._conflicts.setdefault(id, []).append(said)
        return self._conflicts


def boot(attempt: Attempt, diagnoses: Iterable[Diagnosis] = ()) -> shapes.Boot:
    """One of them."""
    return shapes.Boot(
        id=attempt.id,
        mac=str(attempt.mac),
        profile=attempt.profile or None,
        started=moment(attempt.started),
        last=moment(attempt.last),
        seconds=round(attempt.last - attempt.started, 3),
        outcome=attempt.outcome.name.lower(),  # type: ignore[arg-type]
        bytes=sum(step.bytes for step in attempt.steps),
        retransmits=sum(step.transfer.retransmits for step in attempt.steps if step.transfer),
        files=list(attempt.files),
        generation=attempt.generation,
        steps=[step_shape(step, attempt) for step in attempt.steps],
        left_out=attempt.left_out,
        diagnoses=[diagnosis_shape(each) for each in diagnoses],
    )


def setting(each: ArgSetting, origin: str, where: str) -> shapes.Argument:
    """An argument, its value left out where that is a secret."""
    values = None if each.values is None else [kept_from_sight(each.key, value) for value in each.values]
    return shapes.Argument(key=each.key, values=values, origin=origin, where=where)  # type: ignore[arg-type]


def _argument(value: Value[ArgSetting]) -> shapes.Argument:
    return setting(value.value, value.origin.value, value.where)


def _shown(seat: Seat) -> Merged:
    return merged(seat.machine, seat.record or (None if seat.machine else Record("")))


def _name(profile: Profile | None) -> str:
    return profile.name if profile else ""


def _text(value: Value[str] | Value[UUID] | None) -> str:
    return str(value.value) if value else ""


def _ended(ending: Ending) -> shapes.Ended:
    signal = ending.signal.name.lower()
    return shapes.Ended(done=ending.done, at=moment(ending.at), signal=signal, detail=ending.detail)  # type: ignore[arg-type]
