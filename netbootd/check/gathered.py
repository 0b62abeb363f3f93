"""What the scripts of many machines have to say, told once where it concerns all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netbootd.boot.finding import Finding
from netbootd.boot.model import Machine, Profile
from netbootd.chain.scripts import Rendered
from netbootd.check.machines import ANY_CARD
from netbootd.check.places import place
from netbootd.config import Problem
from netbootd.fleet.soft_serials import duplicates
from netbootd.payloads import PAYLOADS


class Findings:
    """What scripts have to say beside failures: once for a profile where it concerns all its machines."""

    def __init__(self) -> None:
        self.profiles: set[str] = set()
        """Of which a machine was seen."""
        self._machines: dict[str, list[str]] = {}
        self._found: dict[tuple[str, Problem], list[str]] = {}

    def add(self, machine: Machine, rendered: Rendered) -> None:
        """What one machine's script came to."""
        profile = rendered.assignment.profile if rendered.assignment else None
        if profile:
            self.profiles.add(profile.name)
        if profile is None or rendered.failure or rendered.unready:
            return
        self._machines.setdefault(profile.name, []).append(machine.name)
        for finding in rendered.findings:
            problem = _said_at(finding, profile, machine)
            self._found.setdefault((profile.name, problem), []).append(machine.name)

    def problems(self) -> Iterator[Problem]:
        """Each with the machines it is of."""
        for (profile, problem), names in self._found.items():
            everybody = names == self._machines[profile] or not problem.key.startswith("profiles.")
            others = f" and {len(names) - 1} more" if names[1:] else ""
            yield problem if everybody else replace(problem, message=f"{names[0]}{others}: {problem.message}")


class SoftSerials:
    """What machines will call themselves by; a controller takes two that say the same for one."""

    def __init__(self) -> None:
        self._machines: dict[str, Machine] = {}
        self._claims: list[tuple[str, str]] = []

    def add(self, machine: Machine, rendered: Rendered) -> None:
        """As in `Findings`."""
        if rendered.assignment is None or rendered.assignment.profile is None or rendered.failure:
            return
        self._machines[machine.name] = machine
        for serial in _soft_serials(rendered):
            if machine.macs or not _of_any_card(serial):
                self._claims.append((serial, machine.name))

    def problems(self) -> Iterator[Problem]:
        """Each at the machine that claims it second."""
        for twice in duplicates(self._claims):
            machine = self._machines[twice.claimed_by]
            yield Problem(*place(machine.origin), f"machines.{machine.name}", str(twice))


def _said_at(finding: Finding, profile: Profile, machine: Machine) -> Problem:
    """At the machine where it alone has the key, at the profile else; without a key where neither names it."""
    section, _, name = finding.key.partition(".")
    of_machine, of_profile = _names(machine, section, name), _names(profile, section, name)
    own = of_machine and (section == "args" or not of_profile)
    origin, whose = (
        (machine.origin, f"machines.{machine.name}") if own else (profile.origin, f"profiles.{profile.name}")
    )
    key = f"{whose}.{finding.key}" if own or of_profile else whose
    return Problem(*place(origin), key, finding.text, finding.severity.value)


def _names(whose: Machine | Profile, section: str, name: str) -> bool:
    return bool(whose.config) if section == "config" else any(each.key == name for each in whose.args)


def _of_any_card(serial: str) -> bool:
    """Made of the card that stands in for all that are not known."""
    return ANY_CARD.hexraw in "".join(filter(str.isalnum, serial)).lower()


def _soft_serials(rendered: Rendered) -> tuple[str, ...]:
    """By argument, which goes over a file, or by file."""
    payload = PAYLOADS[rendered.payload]
    args = tuple(arg.value for arg in rendered.args if arg.key == payload.soft_serial and arg.value)
    files = (file for file in rendered.config if payload.config_sets.get(file.path) == payload.soft_serial)
    return args or tuple(file.data.decode("utf-8", "replace").strip() for file in files)
