"""What a request makes of a machine's record, before anything is changed.

A file is the truth for what is in it, so what says otherwise is refused with the file and line; what belongs to another
machine is refused with its owner.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.fleet.identity import board, usable
from netbootd.fleet.merged import disputed
from netbootd.fleet.record import Approval, Record
from netbootd.fleet.sightings import in_full
from netbootd.fleet.snapshot import Snapshot
from netbootd.fleet.soft_serials import BadSoftSerial, Duplicate, Exhausted, Template, assigned, parse_rule
from netbootd.payloads import SOFT_SERIALS
from netbootd.serve.admin.arguments import patched, setting
from netbootd.serve.admin.asked import Draft, Patch
from netbootd.serve.admin.problems import Problem
from netbootd.serve.admin.roster import Roster, Seat
from netbootd.serve.admin.services import ApiServices
from netbootd.serve.admin.view import View
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac
from netbootd.wire.text import printable

_CONFLICT = HTTPStatus.CONFLICT


class Drafts:
    """Raises `Problem`."""

    def __init__(self, services: ApiServices, roster: Roster) -> None:
        self._services = services
        self._records = services.records
        self._roster = roster

    def drafted(self, draft: Draft) -> Record:
        """A machine that nobody has seen yet, without an id."""
        macs = tuple(dict.fromkeys(map(_mac, (*([draft.mac] if draft.mac else []), *draft.macs))))
        record = Record(
            "",
            macs,
            uuid=draft.uuid,
            serial=draft.serial,
            name=self._name(draft.name, None),
            profile=self._profile(draft.profile),
            args=tuple(setting(key, value, draft.who) for key, value in draft.args.items()),
            local=draft.local,
            approved=Approval(draft.who, self._services.wall()),
            origin=draft.who,
        )
        if not macs and board(record) is None:
            raise Problem(HTTPStatus.BAD_REQUEST, "the body: a machine needs a mac, or a uuid and a serial of its own")
        record = replace(record, soft_serial=self._soft_serial(draft.soft_serial, "", in_full(record)))
        _refuse_two(record)
        self._refuse_listed(record)
        self._refuse_rival(_serial(record), record, None, in_full(record))
        return record

    def patched(self, seat: Seat, patch: Patch) -> tuple[Record, Record]:
        """Its record as it is, or would be if nobody has seen it, and with what was asked for."""
        before = self._own(seat, patch.who)
        after = self._patched(before, patch, seat)
        listed = seat.machine.args if seat.machine else ()
        own = next((each for each in listed if each.key in SOFT_SERIALS and each.values), None)
        if own and after.soft_serial not in (None, before.soft_serial):
            raise Problem(_CONFLICT, f"its argument {own.key} is set in {own.origin}; change it there")
        _refuse_two(after)
        if said := disputed(seat.machine, before, after):
            raise Problem(_CONFLICT, "; ".join(said))
        if (serial := _serial(after)) != _serial(before):
            self._refuse_rival(serial, after, seat.machine, View(self._services).in_full(seat))
        return before, after

    def _own(self, seat: Seat, by: str) -> Record:
        """Its record, or one for what a file lists and nobody has seen."""
        if seat.record is not None:
            return seat.record
        machine = seat.machine
        return Record(
            "",
            seat.macs,
            uuid=machine.uuid if machine else None,
            serial=machine.serial if machine else None,
            origin=by,
        )

    def _patched(self, record: Record, patch: Patch, seat: Seat) -> Record:
        said = patch.model_fields_set
        if "name" in said:
            record = replace(record, name=self._name(patch.name, seat.machine))
        if "profile" in said:
            record = replace(record, profile=self._profile(patch.profile))
        if "local" in said:
            record = replace(record, local=patch.local)
        if "soft_serial" in said:
            serial = self._soft_serial(patch.soft_serial, record.id, View(self._services).in_full(seat))
            record = replace(record, soft_serial=serial, soft_serial_by=None)
        if "args" in said:
            record = replace(record, args=patched(record.args, patch.args, patch.who))
        return record

    def _refuse_listed(self, draft: Record) -> None:
        fleet = self._services.fleet
        for mac in draft.macs or (None,):
            if found := fleet.named(Facts(mac=mac, uuid=draft.uuid, serial=draft.serial)):
                raise Problem(
                    _CONFLICT, f"{mac or draft.uuid} belongs to {found.name} of {found.origin}; change it there"
                )

    def _refuse_rival(self, serial: str, record: Record, machine: Machine | None, claimed_by: str) -> None:
        """What comes out for another machine, of its arguments or a template, is nobody else's either."""
        facts = Facts(mac=next(iter(record.macs), None), uuid=record.uuid, serial=record.serial)
        if serial and (owner := self._services.world().rival(serial, facts, machine)):
            raise Problem(_CONFLICT, f"the soft serial {serial} of {claimed_by} already belongs to {owner}")

    def _name(self, name: str | None, machine: Machine | None) -> str | None:
        for other in self._services.fleet.machines if name else ():
            if other is not machine and other.name.lower() == (name or "").lower():
                raise Problem(_CONFLICT, f"the name {name} belongs to the machine of {other.origin}")
        return name

    def _profile(self, name: str | None) -> str | None:
        profiles = self._services.fleet.profiles
        if name is not None and name not in profiles:
            there = ", ".join(profiles) or "none"
            raise Problem(_CONFLICT, f"no profile {printable(name, 60)!r}; there is {printable(there, 300)}")
        return name

    def _soft_serial(self, text: str | None, id: str, claimed_by: str) -> str | None:
        """This one, or the next of a range."""
        if text is None:
            return None
        owners = {**_in_files(self._services.fleet), **self._on_record()}
        try:
            rule = parse_rule(text)
            if isinstance(rule, Template):
                raise BadSoftSerial("a template for many machines belongs into the settings of their profile")
            return assigned(rule, id, owners, lambda template: template)
        except BadSoftSerial as error:
            raise Problem(HTTPStatus.BAD_REQUEST, f"the body: soft_serial: {printable(str(error), 300)}") from None
        except Duplicate as error:
            owner = View(self._services).in_full(self._roster.find(error.owner))
            detail = f"the soft serial {error.serial} of {claimed_by} already belongs to {owner}"
            raise Problem(_CONFLICT, detail) from None
        except Exhausted as error:
            raise Problem(_CONFLICT, str(error)) from None

    def _on_record(self) -> dict[str, str]:
        return {each.soft_serial.lower(): each.id for each in self._records.all() if each.soft_serial}


def _serial(record: Record) -> str:
    """The soft serial that somebody set for it, as one or by an argument; "" for none."""
    by_argument = (value for each in record.args if each.key in SOFT_SERIALS for value in each.values or ())
    return record.soft_serial or next((value for value in by_argument if "{" not in value), "")


def _refuse_two(record: Record) -> None:
    """A soft serial and an argument that says otherwise."""
    for each in record.args:
        if record.soft_serial and each.key in SOFT_SERIALS and each.values not in (None, (record.soft_serial,)):
            said = " ".join(each.values or ())
            detail = f"its soft serial is {record.soft_serial}, and its argument {each.key} says {printable(said, 80)}"
            raise Problem(_CONFLICT, f"{detail}; keep one of the two")


def _in_files(fleet: Snapshot) -> dict[str, str]:
    """Those that files give to single machines as they are, with the machine's name."""
    by_argument = {
        value.lower(): machine.name
        for machine in fleet.machines
        for each in machine.args
        for value in each.values or ()
        if each.key in SOFT_SERIALS
    }
    return by_argument | {each.soft_serial.lower(): each.name for each in fleet.machines if each.soft_serial}


def _mac(text: str) -> Mac:
    try:
        mac = Mac.parse(text)
    except WireError:
        detail = f"the body: {printable(text, 60)!r} is not a hardware address such as 52:54:00:12:34:56"
        raise Problem(HTTPStatus.BAD_REQUEST, detail) from None
    if not usable(mac):
        raise Problem(HTTPStatus.BAD_REQUEST, f"the body: {mac} is not the address of a card")
    return mac
