"""Profiles, machines and rules: from tables to a `Snapshot`, each cross-reference checked."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from netbootd.boot.args import Layer
from netbootd.boot.model import Boots, LimitKeys, Machine, Profile
from netbootd.boot.network import NetworkKeys
from netbootd.config import sources
from netbootd.config.args import read_args
from netbootd.config.check import checked, checked_as
from netbootd.config.conditions import read_conditions, refuse_blank
from netbootd.config.files import Files
from netbootd.config.identity import Identities
from netbootd.config.models import (
    DEFAULT_MACHINES,
    DEFAULT_PROFILES,
    MachineKeys,
    ProfileKeys,
    RuleKeys,
)
from netbootd.config.network import read_network
from netbootd.config.problems import Place, Problems, said, suggest
from netbootd.config.secret import Secrets, stand_in
from netbootd.config.soft_serial import SoftSerials
from netbootd.config.sources import Entry
from netbootd.config.values import flag
from netbootd.config.yaml import Items, Table, line_of
from netbootd.fleet.rules import Rule
from netbootd.fleet.snapshot import IDENTITIES, Policy, Snapshot
from netbootd.payloads import PAYLOADS, Payload, Role, the
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

_PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_COMMON = tuple(ProfileKeys.model_fields)
_POLICIES = tuple(policy.value for policy in Policy)


def read_fleet(
    top: Table, base: Path | None, unknown: str, unknown_at: Place, problems: Problems, public: Path | None = None
) -> Snapshot:
    """The fleet that ``top`` and the files it names describe.  With problems it is only as good as it can be.

    ``public`` is what anybody can fetch from, and so no place for configuration files.
    """
    reader = _Reader(problems, Files(base or Path(), public, problems))
    for entry in sources.profiles(top, DEFAULT_PROFILES, base, problems):
        reader.profile(entry)
    for entry in sources.machines(top, DEFAULT_MACHINES, base, problems):
        reader.machine(entry)
    reader.rule_list(top)
    reader.unknown(unknown, unknown_at)
    return Snapshot(reader.profiles, reader.machines, reader.rules, unknown)


class _Reader:
    def __init__(self, problems: Problems, files: Files) -> None:
        self._problems = problems
        self._files = files
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        self._profile_places: dict[str, Place] = {}
        self._machine_places: dict[str, Place] = {}
        self._mac_owners: dict[Mac, Entry] = {}
        self._identities = Identities(problems)
        self._secrets = Secrets(problems)
        self._soft_serials = SoftSerials(problems)
        self.profiles: list[Profile] = []
        self.machines: list[Machine] = []
        self.rules: list[Rule] = []

    def profile(self, entry: Entry) -> None:
        self._claim_profile(entry)
        payload = self._payload(entry)
        args = read_args(entry.table, entry.place.key, f"profile {entry.name}", Layer.PROFILE, self._problems)
        keys = checked(ProfileKeys, entry.table.part(_COMMON), entry.place.key, self._problems)
        settings = self._settings(entry, payload) if payload else None
        config = self._files.read(entry.table, entry.place.key)
        if keys is None or payload is None or settings is None:
            return
        if config and payload.config_fault is None:
            self._problems.error(self._at(entry, "config"), f"payload {payload.name} takes no configuration files")
        if keys.network and payload.network_args is None and payload.network_files is None:
            self._problems.error(self._at(entry, "network"), f"payload {payload.name} takes no address")
        if keys.auto and (keys.boots or payload.boots) is Boots.ALWAYS:
            self._problems.warn(entry.place, "auto has no meaning for a profile that boots always")
        if keys.limits.model_fields_set and (keys.boots or payload.boots) is Boots.ALWAYS:
            self._problems.warn(self._at(entry, "limits"), "limits have no meaning for a profile that boots always")
        self.profiles.append(
            Profile(
                name=entry.name,
                payload=payload.name,
                settings=settings,
                boots=keys.boots or payload.boots,
                auto=keys.auto,
                args=args,
                local=keys.local,
                loader=keys.loader,
                root_path=keys.root_path,
                label=keys.label,
                config=config,
                provider=keys.provider or "",
                network=self._network(keys, f"profile {entry.name}", entry),
                limits=LimitKeys(**keys.limits.model_dump()),
                soft_serial=self._soft_serials.of_profile(keys.soft_serial, entry, payload, args),
                origin=entry.origin,
            )
        )

    def machine(self, entry: Entry) -> None:
        keys = checked(MachineKeys, entry.table, entry.place.key, self._problems)
        config = self._files.read(entry.table, entry.place.key)
        if keys is None:
            return
        macs = self._macs(keys.mac + keys.macs, entry)
        known = self._identities.read(keys, entry)
        secret = self._secrets.read(entry, only=keys.only_by_secret)
        others = [str(each) for each in (known.serial, known.uuid, known.ip) if each]
        name = keys.name or next(iter((*map(str, macs), *others)), "")
        by_more = bool(macs or others)
        if secret and not macs:
            macs = (stand_in(name),)
        if secret and not name:
            self._problems.error(entry.place, "has no 'name', and nothing but its secret to call it by")
        self._claim_machine(name, entry)
        if keys.profile:
            self._profile_named(keys.profile, self._at(entry, "profile"))
            self._by_card_alone(keys.profile, bool(others), self._at(entry, "profile"))
        args = read_args(entry.table, entry.place.key, f"machine {name}", Layer.MACHINE, self._problems)
        self.machines.append(
            Machine(
                macs=macs,
                name=name,
                profile=keys.profile,
                args=args,
                local=keys.local,
                loader=keys.loader,
                config=config,
                uuid=known.uuid,
                serial=known.serial,
                ip=known.ip,
                secret=secret,
                only_by_secret=keys.only_by_secret or (secret is not None and not by_more),
                provider=keys.provider or "",
                network=self._network(keys, f"machine {name}", entry),
                limits=LimitKeys(**keys.limits.model_dump()),
                soft_serial=self._soft_serials.of_machine(keys.soft_serial, entry, name, args),
                origin=entry.origin,
            )
        )

    def _network(self, keys: ProfileKeys | MachineKeys, origin: str, entry: Entry) -> NetworkKeys | None:
        return read_network(keys.network, origin, self._at(entry, "network"), self._problems)

    def rule_list(self, top: Table) -> None:
        raw = top.get("rules")
        if raw is None:
            return
        if not isinstance(raw, Items):
            self._problems.error(Place(top.file, top.lines["rules"], "rules"), f"must be a list, not {said(raw)}")
            return
        for number, table in enumerate(raw):
            place = Place(raw.file, raw.lines[number], f"rules[{number}]")
            if isinstance(table, Table):
                self._rule(table, place, f"rule {number + 1}")
            else:
                self._problems.error(place, f"must be a table of keys and values, not {said(table)}")

    def unknown(self, name: str, place: Place) -> None:
        if name not in _POLICIES:
            self._profile_named(name, place, _POLICIES)
        found = next((p for p in self.profiles if p.name == name), None)
        if found and found.auto and found.boots is Boots.ONCE:
            told = f"every machine that boots from this network without a record is installed: profile {name} has auto"
            self._problems.warn(place, told)

    def _by_card_alone(self, name: str, has_others: bool, place: Place) -> None:
        """An installation is remembered by the card: from another one the machine would be installed once more."""
        found = next((p for p in self.profiles if p.name == name), None)
        if has_others and found and found.auto and found.boots is Boots.ONCE:
            told = f"profile {name} has auto, which is for machines named by 'mac' alone: an installation is remembered"
            why = f"{told} by the card, and from another card this one would be installed again"
            self._problems.error(place, f"{why}; name it by mac alone, by secret alone, or take a profile without auto")

    def _claim_profile(self, entry: Entry) -> None:
        first = self._profile_places.setdefault(entry.name, entry.place)
        if first is not entry.place:
            self._problems.error(entry.place, f"the same name is given to a profile at {first}")
        if not _PROFILE_NAME.fullmatch(entry.name):
            self._problems.error(entry.place, "a profile's name is made of letters, digits, '-', '_' and '.'")
        # A menu of the user's own may take the place of the built-in one.
        own_menu = entry.name == Policy.MENU.value and entry.table.get("payload") == the(Role.MENU).name
        if entry.name in _POLICIES and not own_menu:
            self._problems.error(entry.place, f"{entry.name!r} is a word of the key 'unknown'; choose another name")

    def _claim_machine(self, name: str, entry: Entry) -> None:
        first = self._machine_places.setdefault(name, entry.place)
        if name and first is not entry.place:
            self._problems.error(self._at(entry, "name"), f"the machine at {first} has the same name, {name}")

    def _payload(self, entry: Entry) -> Payload | None:
        name = entry.table.get("payload")
        if "payload" not in entry.table:
            for written in get_close_matches("payload", entry.table, n=1):
                self._problems.error(self._at(entry, written), "unknown key; did you mean 'payload'?")
        if isinstance(name, str) and name not in PAYLOADS:
            self._problems.error(self._at(entry, "payload"), f"no payload {name!r}{suggest(name, PAYLOADS)}")
        return PAYLOADS.get(name) if isinstance(name, str) else None

    def _settings(self, entry: Entry, payload: Payload) -> object | None:
        """The payload's own settings out of the keys that are not every profile's."""
        hints = {k: v for k, v in get_type_hints(payload.settings).items() if not k.startswith("__")}
        own = entry.table.part(entry.table.keys() - set(_COMMON))
        for key in own:
            if (fault := _prepare(own, key, hints.get(key))) is not None:
                self._problems.error(self._at(entry, key), fault)
                return None
        if payload.name not in self._adapters:
            self._adapters[payload.name] = TypeAdapter(payload.settings)
        known = (*hints, *_COMMON)
        return checked_as(self._adapters[payload.name], own, entry.place.key, known, self._problems)

    def _macs(self, texts: tuple[str, ...], entry: Entry) -> tuple[Mac, ...]:
        if not any(entry.table.get(key) for key in ("mac", "macs", "secret", *IDENTITIES)):
            self._problems.error(entry.place, "has no 'mac', and no 'uuid', 'serial', 'ip' or 'secret' either")
        found = [mac for text in texts if (mac := self._mac(text, entry))]
        return tuple(dict.fromkeys(found))

    def _mac(self, text: str, entry: Entry) -> Mac | None:
        place = self._at(entry, "mac" if "mac" in entry.table else "macs")
        try:
            mac = Mac.parse(text)
        except WireError:
            self._problems.error(place, f"{said(text)} is not a hardware address such as 52:54:00:12:34:56")
            return None
        if mac.octets[0] & 1 or not any(mac.octets):
            self._problems.error(place, f"{mac} is not the address of a card")
        first = self._mac_owners.setdefault(mac, entry)
        if first is not entry:
            self._problems.error(place, f"{mac} already belongs to {first.machine}")
        return mac

    def _rule(self, table: Table, place: Place, origin: str) -> None:
        keys = checked(RuleKeys, table, place.key, self._problems)
        args = read_args(table, place.key, origin, Layer.RULE, self._problems)
        profile = table.get("profile")
        if isinstance(profile, str):
            self._profile_named(profile, Place(table.file, table.lines["profile"], f"{place.key}.profile"))
        refuse_blank(table, place.key, self._problems)
        if keys is None:
            return
        conditions = read_conditions(keys.match, table, place.key, self._problems)
        self.rules.append(Rule(conditions, keys.profile, args, f"{origin} ({place})"))

    def _profile_named(self, name: str, place: Place, also: tuple[str, ...] = ()) -> None:
        if name not in self._profile_places:
            self._problems.error(place, f"no profile {name!r}{suggest(name, (*self._profile_places, *also))}")

    @staticmethod
    def _at(entry: Entry, key: str) -> Place:
        return Place(entry.table.file, line_of(entry.table, (key,), entry.place.line), f"{entry.place.key}.{key}")


def _prepare(own: Table, key: str, hint: Any) -> str | None:
    """Make one value ready for pydantic's lax mode; the fault where lax would be wrong."""
    value = own[key]
    if isinstance(value, str) and get_origin(hint) is tuple and str in get_args(hint):
        own[key] = (value,)
    if value is not None and hint is bool:
        try:
            flag(value)
        except ValueError as error:
            return str(error)
    if isinstance(value, bool) and hint is int:
        return f"must be a whole number, not {said(value)}"
    return None
