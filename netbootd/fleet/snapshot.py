"""The fleet as settings describe it: immutable, swapped whole on reload, looked machines up in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from netbootd.boot.args import ArgSetting
from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine, Profile
from netbootd.boot.plan import LocalMethod
from netbootd.fleet.numbered import Numbered
from netbootd.fleet.rules import Match, Rule
from netbootd.wire.mac import Mac

IDENTITIES = ("uuid", "serial", "ip")
"""What can name a machine beside its cards, the surest first."""


class Policy(Enum):
    """What machines without a profile meet: what ``unknown`` may say beside a profile's name."""

    MENU = "menu"
    REGISTER = "register"
    """Their own disk, by silence; they are listed."""
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which profile a machine has, and why."""

    machine: Machine | None
    profile: Profile | None
    policy: Policy | None = None
    """For a machine without a profile."""
    args: tuple[tuple[ArgSetting, ...], ...] = ()
    """Layers above the payload's defaults, lowest first."""
    why: str = ""
    soft_serial: Numbered | None = None
    """Beside what ``args`` say of it."""
    undecided: bool = False
    """A rule may still give it another profile once its iPXE has said more."""
    withheld: bool = False
    """It may be a machine that only its own URL makes it.  Strangers are not told so."""

    @property
    def name(self) -> str:
        """The machine's configured name, or ""."""
        return self.machine.name if self.machine else ""

    @property
    def local(self) -> LocalMethod:
        """How this machine is left to its disk when it does not boot from the network."""
        if self.machine and self.machine.local:
            return self.machine.local
        return self.profile.local if self.profile else LocalMethod.SILENT

    @property
    def loader(self) -> str | None:
        """A boot program of its own."""
        named = self.machine.loader if self.machine else None
        return named or (self.profile.loader if self.profile else None)


class Snapshot:
    """Profiles, machines, rules, and what becomes of everybody else."""

    def __init__(
        self,
        profiles: Iterable[Profile] = (),
        machines: Iterable[Machine] = (),
        rules: Iterable[Rule] = (),
        unknown: str = "menu",
    ) -> None:
        self.profiles: Mapping[str, Profile] = MappingProxyType({p.name: p for p in profiles})
        self.machines: tuple[Machine, ...] = tuple(machines)
        self.rules: tuple[Rule, ...] = tuple(rules)
        self.unknown = unknown
        self._by_mac = {mac: machine for machine in self.machines for mac in machine.macs}
        self._by_secret = {_digest(machine.secret): machine for machine in self.machines if machine.secret}
        self._by_identity = {
            (name, value): machine
            for machine in self.machines
            for name in IDENTITIES
            if (value := _identity(machine, name)) is not None
        }
        self._named_by = frozenset(name for name, _ in self._by_identity)

    def machine(self, mac: Mac | None) -> Machine | None:
        """The machine that has this card."""
        return self._by_mac.get(mac) if mac else None

    def by_secret(self, secret: str) -> Machine | None:
        """The machine of this secret, found by its digest: how long that takes tells nothing of any other."""
        return self._by_secret.get(_digest(secret))

    def lookup(self, facts: Facts, known: Machine | None = None) -> Assignment:
        """Machine, else first matching rule, else the policy for unknown machines.

        ``known`` is the one it is, whatever ``facts`` say.
        """
        machine = known or self.named(facts)
        if machine and machine.only_by_secret and known is None:
            why = f"{machine.origin} names it for its own URL alone"
            return Assignment(None, None, Policy.SILENT, why=why, withheld=True)
        if machine and machine.profile:
            profile = self.profiles[machine.profile]
            return Assignment(machine, profile, args=(profile.args, machine.args), why=f"{machine.origin} names it")
        return self._by_rule(machine, facts) or self._unnamed(machine, facts)

    def named(self, facts: Facts) -> Machine | None:
        """The machine that has this card; else the one of this uuid, serial number or address, in that order.

        Boards that share a uuid or a serial number are told apart by the other of the two.
        """
        found = (self._by_identity.get((name, value)) for name in IDENTITIES if (value := _identity(facts, name)))
        return self.machine(facts.mac) or next((m for m in found if m and not _contradicted(m, facts)), None)

    def _awaited(self, machine: Machine | None, facts: Facts) -> bool:
        """Whether a machine may turn out to be a named one once its iPXE has said more."""
        return machine is None and any(_identity(facts, name) is None for name in self._named_by)

    def _by_rule(self, machine: Machine | None, facts: Facts) -> Assignment | None:
        undecided = self._awaited(machine, facts)
        for rule in self.rules:
            match rule.match(facts):
                case Match.YES:
                    profile = self.profiles[rule.profile]
                    layers = (profile.args, rule.args, machine.args if machine else ())
                    return Assignment(
                        machine, profile, args=layers, why=f"{rule.origin} matches it", undecided=undecided
                    )
                case Match.LATER:
                    undecided = True
                case Match.NO:
                    pass
        return None

    def _unnamed(self, machine: Machine | None, facts: Facts) -> Assignment:
        undecided = self._awaited(machine, facts) or any(rule.match(facts) is Match.LATER for rule in self.rules)
        who = f"{machine.origin} names it without a profile" if machine else "no machine or rule names it"
        profile = self.profiles.get(self.unknown)
        own = machine.args if machine else ()
        if profile:
            why = f"{who}; unknown: {profile.name}"
            return Assignment(machine, profile, args=(profile.args, own), why=why, undecided=undecided)
        why = f"{who}; unknown: {self.unknown}"
        return Assignment(machine, None, Policy(self.unknown), args=(own,), why=why, undecided=undecided)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _identity(of: Machine | Facts, name: str) -> str | None:
    """Case does not matter, as in a rule."""
    value = getattr(of, name)
    return None if value is None else str(value).lower()


def _contradicted(machine: Machine, facts: Facts) -> bool:
    pairs = ((_identity(machine, name), _identity(facts, name)) for name in ("uuid", "serial"))
    return any(known and told and known != told for known, told in pairs)
