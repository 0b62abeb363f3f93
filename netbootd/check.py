"""What would go wrong at boot, found before anybody boots: ``netbootd check``, and the warnings of ``run``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from netbootd.artifacts.tree import NotServed, Tree
from netbootd.boot.bundle import Bundle
from netbootd.boot.config_files import template
from netbootd.boot.facts import Facts
from netbootd.boot.finding import Finding
from netbootd.boot.model import Boots, Machine, Profile
from netbootd.boot.plan import GrubPlan
from netbootd.boot.site import Site
from netbootd.chain.ordering import config_refused
from netbootd.chain.scripts import Rendered, script
from netbootd.chain.serials import waits as waits_for_number
from netbootd.chain.world import World
from netbootd.config import Config, ConfigError, Problem
from netbootd.config.certificate import Denied, doubts, identify
from netbootd.config.problems import suggest
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.merged import machine_of
from netbootd.fleet.overlay import overlaid
from netbootd.fleet.record import Record
from netbootd.fleet.sightings import called, touched
from netbootd.fleet.snapshot import Snapshot
from netbootd.fleet.soft_serials import duplicates
from netbootd.load import Loaded
from netbootd.payloads import PAYLOADS
from netbootd.wire.mac import Mac

_ANY_CARD = Mac.parse("02:00:00:00:00:01")  # for a machine that is named without one
_TFTP = 69
_NAMED = 8  # machines in one sentence
_ADDRESS = "192.0.2.1"  # any will do: nothing is sent


def check(config: Config, loaded: Loaded) -> tuple[Problem, ...]:
    """Templates, artifacts, and every machine's own script, in that order; settings themselves passed `config.load`."""
    return (
        *(Problem("netbootd", None, "", note, "warning") for note in loaded.notes),
        *_certificate(config),
        *_templates(loaded.world),
        *lacking(config, loaded.world),
        *(fault for _, fault in _config_faults(loaded.world)),
        *_scripts(loaded.world, _site(config), config.tftp_port, loaded.records),
    )


def _site(config: Config) -> Site:
    """The ports as machines will find them; one of the system's choice is any."""
    usual = Site(_ADDRESS)
    tftp_port = (config.tftp_port or usual.tftp_port) if config.tftp_mode == "on" else None
    return Site(_ADDRESS, config.http_port or usual.http_port, tftp_port, syslog_port=config.syslog_port)


def _certificate(config: Config) -> tuple[Problem, ...]:
    if config.tls is None:
        return ()
    try:
        return tuple(doubts(config.tls, identify(config.tls), config.public_url))
    except Denied as error:  # a check is anybody's
        return tuple(
            replace(each, severity="warning", message=f"{each.message}; netbootd's own user must")
            for each in error.problems
        )
    except ConfigError as error:
        return error.problems


def waiting(world: World, records: Iterable[Record] = ()) -> tuple[Machine, ...]:
    """Machines that a file lists or somebody made or approved, whose profile boots once, and that nobody has ever armed
    or left to their disks."""
    ours = [record for record in records if record.profile or record.approved]
    return tuple(m for m in (*world.fleet.machines, *_made(world, ours)) if _waits(world, m))


def waiting_told(world: World, records: Iterable[Record] = ()) -> str:
    """The same as a sentence that says how they are armed, or ""."""
    names = waiting_named(world, records)
    return f"waiting to be armed: {names}; arm one: netbootd machines install NAME" if names else ""


def waiting_named(world: World, records: Iterable[Record] = ()) -> str:
    """Their names, as many as can be read."""
    names = [machine.name for machine in waiting(world, records)]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _made(world: World, records: Iterable[Record]) -> Iterator[Machine]:
    """Machines that no file lists."""
    for record in records:
        if record.macs and machine_of(world.fleet, record) is None:
            origin = f"the API ({record.origin})"
            made = overlaid(None, record, world.fleet.profiles) or Machine(record.macs, called(record), origin=origin)
            yield replace(made, serial=record.serial, uuid=record.uuid)


def _waits(world: World, machine: Machine) -> bool:
    """One that is named without a card is armed by the card it shows, which is not known here."""
    profile = world.assignment(_told(world, machine), _known(machine)).profile
    return (
        bool(machine.macs)
        and profile is not None
        and profile.boots is Boots.ONCE
        and not profile.auto
        and world.stage(machine.macs[0]) is None
    )


def _facts(machine: Machine) -> Facts:
    """What is known of it before it has ever booted."""
    card = machine.macs[0] if machine.macs else _ANY_CARD
    return Facts(mac=card, uuid=machine.uuid, serial=machine.serial, ip=machine.ip)


def _told(world: World, machine: Machine) -> Facts:
    """And what its iPXE has said at an earlier boot."""
    return _facts(machine).over(world.known(machine.macs[0])) if machine.macs else _facts(machine)


def _known(machine: Machine) -> Machine | None:
    """For one that is found by nothing but its secret."""
    return machine if machine.only_by_secret else None


def _templates(world: World) -> Iterator[Problem]:
    for fault in world.templates.faults():
        yield Problem(fault.name, fault.line, "templates", fault.reason, "error")


def lacking(config: Config, world: World) -> Iterator[Problem]:
    """What profiles name and is not there, or cannot be booted from here."""
    tree = Tree(config.artifacts)
    for profile in world.fleet.profiles.values():
        payload = PAYLOADS[profile.payload]
        for name in payload.templates(profile.settings):
            if not world.templates.has(name):
                where = config.templates or "the templates directory (setting: templates)"
                yield _of(profile, f"template {name!r} does not exist in {where}")
        if bundle := world.bundles.get(payload.bundle(profile.settings)):
            yield from _bundle(profile, bundle)
            continue
        absent = {path: why for path in payload.needs(profile.settings) if (why := _missing(tree, path))}
        if payload.bundle(profile.settings) and len(absent) == len(payload.needs(profile.settings)):
            yield _of(profile, _no_bundle(payload.bundle(profile.settings), world))
            continue
        for path, why in absent.items():
            yield _of(profile, f"{config.artifacts / path}: {why}")


def _bundle(profile: Profile, bundle: Bundle) -> Iterator[Problem]:
    why = PAYLOADS[profile.payload].refusal(profile.settings, bundle)
    if why:
        yield _of(profile, why)
    for note in bundle.notes:
        if note not in why:
            yield _of(profile, f"bundle {bundle.name}: {note}", "info")


def _refusals(world: World) -> Iterator[str]:
    for profile in world.fleet.profiles.values():
        payload = PAYLOADS[profile.payload]
        if bundle := world.bundles.get(payload.bundle(profile.settings)):
            yield payload.refusal(profile.settings, bundle)


def _no_bundle(name: str, world: World) -> str:
    """Names only: digests and directories are no names to choose."""
    names = sorted({bundle.name for bundle in world.bundles.values()})
    said = f"no bundle {name!r}{suggest(name, names)}"
    return f"{said}{' To' if said.endswith('?') else '; to'} get one: netbootd import SOURCE --name {name}"


def _missing(tree: Tree, path: str) -> str:
    try:
        tree.open(path).close()
    except NotServed as refused:
        return refused.reason.value
    return ""


def _of(profile: Profile, text: str, severity: Literal["error", "warning", "info"] = "error") -> Problem:
    return Problem(*_place(profile.origin), f"profiles.{profile.name}", text, severity)


def _place(origin: str) -> tuple[str, int | None]:
    """``netbootd.yaml:12`` as file and line."""
    file, colon, line = origin.rpartition(":")
    return (file, int(line)) if colon and line.isdecimal() else (origin or "settings", None)


def _config_faults(world: World) -> Iterator[tuple[str, Problem]]:
    """What profiles' configuration files have wrong, each with how a machine's script would tell it."""
    for profile in world.fleet.profiles.values():
        payload = PAYLOADS[profile.payload]
        judge = payload.config_fault
        for file in profile.config if judge else ():
            if judge and template(file) is None and (why := judge(file)):
                place = _place(file.origin)
                told = config_refused(file, why)
                yield told, Problem(*place, f"profiles.{profile.name}.config", f"{file.path}: {why}")
        if why := payload.config_clash(profile.config):
            yield why, Problem(*_place(profile.origin), f"profiles.{profile.name}.config", why)


def _scripts(world: World, site: Site, tftp_port: int, records: Iterable[Record] = ()) -> Iterator[Problem]:
    """Render each named machine's script as if it were armed: what it will get then must be right before then."""
    armed = replace(world, stage=lambda _mac: Stage.ARMED)
    told = {*_refusals(world), *(text for text, _ in _config_faults(world))}
    findings, serials = Findings(), SoftSerials()
    by_grub: dict[str, Profile] = {}
    unnumbered: list[Machine] = []
    ours = (record for record in records if touched(record))
    for machine in (*world.fleet.machines, *_made(world, ours)):
        rendered = script(_told(world, machine), armed, site, machine=_known(machine))
        findings.add(machine, rendered)
        serials.add(machine, rendered)
        if isinstance(rendered.plan, GrubPlan) and rendered.assignment and (profile := rendered.assignment.profile):
            by_grub[profile.name] = profile
        if rendered.failure and rendered.failure not in told:  # told at the profile, for all its machines
            if rendered.awaited and rendered.assignment and waits_for_number(rendered.assignment):
                unnumbered.append(machine)
                continue
            weight: Literal["error", "info"] = "info" if rendered.awaited else "error"
            yield Problem(*_place(machine.origin), f"machines.{machine.name}", rendered.failure, weight)
    yield from _unnumbered(unnumbered)
    for profile in world.fleet.profiles.values():
        if profile.name not in findings.profiles:
            findings.add(*_stand_in(profile, world, site))
    yield from findings.problems()
    yield from serials.problems()
    for profile in by_grub.values() if tftp_port != _TFTP else ():
        why = f"GRUB asks TFTP at port {_TFTP} alone, and tftp.port is {tftp_port}"
        yield _of(profile, f"{why}; set it to {_TFTP}, or have a firewall send that port there", "warning")


def _unnumbered(machines: list[Machine]) -> Iterator[Problem]:
    """Told once: in a new fleet it is so of all of them."""
    if machines:
        more = f" and {len(machines) - 1} more" if machines[1:] else ""
        text = f"machines.{machines[0].name}{more}"
        why = "no soft serial yet; the daemon assigns the next of the range when it runs, before anything is handed out"
        yield Problem(*_place(machines[0].origin), text, why, "info")


def _stand_in(profile: Profile, world: World, site: Site) -> tuple[Machine, Rendered]:
    """For a profile that no machine has yet, of which a rule may make use: one that waits to be armed."""
    machine = Machine((_ANY_CARD,), profile.name, profile.name, origin=profile.origin)
    alone = replace(world, fleet=Snapshot((profile,), (machine,)), stage=lambda _mac: Stage.DISARMED)
    return machine, script(_facts(machine), alone, site)


class SoftSerials:
    """What machines will call themselves by; a controller takes two that say the same for one."""

    def __init__(self) -> None:
        self._machines: dict[str, Machine] = {}
        self._claims: list[tuple[str, str]] = []

    def add(self, machine: Machine, rendered: Rendered) -> None:
        if rendered.assignment is None or rendered.assignment.profile is None or rendered.failure:
            return
        self._machines[machine.name] = machine
        for serial in _soft_serials(rendered):
            if machine.macs or not _of_any_card(serial):
                self._claims.append((serial, machine.name))

    def problems(self) -> Iterator[Problem]:
        for twice in duplicates(self._claims):
            machine = self._machines[twice.claimed_by]
            yield Problem(*_place(machine.origin), f"machines.{machine.name}", str(twice))


def _of_any_card(serial: str) -> bool:
    """Made of the card that stands in for all that are not known."""
    return _ANY_CARD.hexraw in "".join(filter(str.isalnum, serial)).lower()


def _soft_serials(rendered: Rendered) -> tuple[str, ...]:
    """By argument, which goes over a file, or by file."""
    payload = PAYLOADS[rendered.payload]
    args = tuple(arg.value for arg in rendered.args if arg.key == payload.soft_serial and arg.value)
    files = (file for file in rendered.config if payload.config_sets.get(file.path) == payload.soft_serial)
    return args or tuple(file.data.decode("utf-8", "replace").strip() for file in files)


class Findings:
    """What scripts have to say beside failures: once for a profile where it concerns all its machines."""

    def __init__(self) -> None:
        self.profiles: set[str] = set()
        """Of which a machine was seen."""
        self._machines: dict[str, list[str]] = {}
        self._found: dict[tuple[str, Problem], list[str]] = {}

    def add(self, machine: Machine, rendered: Rendered) -> None:
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
        for (profile, problem), names in self._found.items():
            everybody = names == self._machines[profile] or not problem.key.startswith("profiles.")
            others = f" and {len(names) - 1} more" if names[1:] else ""
            yield problem if everybody else replace(problem, message=f"{names[0]}{others}: {problem.message}")


def _said_at(finding: Finding, profile: Profile, machine: Machine) -> Problem:
    """At the machine where it alone has the key, at the profile else; without a key where neither names it."""
    section, _, name = finding.key.partition(".")
    of_machine, of_profile = _names(machine, section, name), _names(profile, section, name)
    own = of_machine and (section == "args" or not of_profile)
    origin, place = (
        (machine.origin, f"machines.{machine.name}") if own else (profile.origin, f"profiles.{profile.name}")
    )
    key = f"{place}.{finding.key}" if own or of_profile else place
    return Problem(*_place(origin), key, finding.text, finding.severity.value)


def _names(whose: Machine | Profile, section: str, name: str) -> bool:
    return bool(whose.config) if section == "config" else any(each.key == name for each in whose.args)
