"""Every machine's own script, as it will be once it is armed: it must be right before then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from netbootd.boot.model import Machine, Profile
from netbootd.boot.plan import GrubPlan
from netbootd.boot.site import Site
from netbootd.chain.scripts import Rendered, script
from netbootd.chain.serials import waits as waits_for_number
from netbootd.chain.world import World
from netbootd.check.gathered import Findings, SoftSerials
from netbootd.check.machines import ANY_CARD, by_secret, facts_of, facts_told, made
from netbootd.check.places import of_profile, place
from netbootd.check.profiles import config_faults, refusals
from netbootd.config import Problem
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import Record
from netbootd.fleet.sightings import touched
from netbootd.fleet.snapshot import Snapshot

_TFTP = 69


def scripts(world: World, site: Site, tftp_port: int, records: Iterable[Record] = ()) -> Iterator[Problem]:
    """Render each named machine's script as if it were armed: what it will get then must be right before then."""
    armed = replace(world, stage=lambda _mac: Stage.ARMED)
    told = {*refusals(world), *(text for text, _ in config_faults(world))}
    findings, serials = Findings(), SoftSerials()
    by_grub: dict[str, Profile] = {}
    unnumbered: list[Machine] = []
    ours = (record for record in records if touched(record))
    for machine in (*world.fleet.machines, *made(world, ours)):
        rendered = script(facts_told(world, machine), armed, site, machine=by_secret(machine))
        findings.add(machine, rendered)
        serials.add(machine, rendered)
        if isinstance(rendered.plan, GrubPlan) and rendered.assignment and (profile := rendered.assignment.profile):
            by_grub[profile.name] = profile
        if rendered.failure and rendered.failure not in told:  # told at the profile, for all its machines
            if rendered.awaited and rendered.assignment and waits_for_number(rendered.assignment):
                unnumbered.append(machine)
                continue
            weight: Literal["error", "info"] = "info" if rendered.awaited else "error"
            yield Problem(*place(machine.origin), f"machines.{machine.name}", rendered.failure, weight)
    yield from _unnumbered(unnumbered)
    for profile in world.fleet.profiles.values():
        if profile.name not in findings.profiles:
            findings.add(*_stand_in(profile, world, site))
    yield from findings.problems()
    yield from serials.problems()
    for profile in by_grub.values() if tftp_port != _TFTP else ():
        why = f"GRUB asks TFTP at port {_TFTP} alone, and tftp.port is {tftp_port}"
        yield of_profile(profile, f"{why}; set it to {_TFTP}, or have a firewall send that port there", "warning")


def _unnumbered(machines: list[Machine]) -> Iterator[Problem]:
    """Told once: in a new fleet it is so of all of them."""
    if machines:
        more = f" and {len(machines) - 1} more" if machines[1:] else ""
        text = f"machines.{machines[0].name}{more}"
        why = "no soft serial yet; the daemon assigns the next of the range when it runs, before anything is handed out"
        yield Problem(*place(machines[0].origin), text, why, "info")


def _stand_in(profile: Profile, world: World, site: Site) -> tuple[Machine, Rendered]:
    """For a profile that no machine has yet, of which a rule may make use: one that waits to be armed."""
    machine = Machine((ANY_CARD,), profile.name, profile.name, origin=profile.origin)
    alone = replace(world, fleet=Snapshot((profile,), (machine,)), stage=lambda _mac: Stage.DISARMED)
    return machine, script(facts_of(machine), alone, site)
