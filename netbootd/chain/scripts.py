"""From what a machine says of itself to the script it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote

from netbootd import __version__
from netbootd.boot.args import COMMAND_LINE_LIMIT, Arg, ArgError, expand, merge
from netbootd.boot.facts import Facts
from netbootd.boot.model import Boots, Profile
from netbootd.boot.plan import KernelPlan, LocalPlan, MenuEntry, Plan, TemplatePlan
from netbootd.boot.render import RenderError
from netbootd.boot.site import Site
from netbootd.chain.world import World
from netbootd.fleet.lifecycle import Stage, Verdict, verdict
from netbootd.fleet.snapshot import Assignment, Snapshot
from netbootd.payloads import PAYLOADS, Order, Payload
from netbootd.wire.mac import Mac

_MENU = PAYLOADS["menu"]
_LOCAL = PAYLOADS["local"]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A script and how it came about."""

    text: str
    payload: str
    profile: str = ""
    assignment: Assignment | None = None
    plan: Plan | None = None
    args: tuple[Arg, ...] = ()
    verdict: Verdict | None = None
    failure: str = ""
    """Why the machine does not get what it should; the text then says so on its screen."""


def entry(world: World, site: Site) -> Rendered:
    """The script for any iPXE, ``GET /ipxe.cfg``."""
    return Rendered(world.templates.render("entry.ipxe.j2", site=site, version=__version__), "entry")


def script(facts: Facts, world: World, site: Site, choice: str | None = None) -> Rendered:
    """A machine's own script.  ``choice`` is a profile picked in the menu.  Never raises for what ``facts`` hold."""
    assignment = world.fleet.lookup(facts)
    if choice is not None:
        assignment = _chosen(assignment, choice, world.fleet)
    try:
        return _rendered(assignment, facts, world, site)
    except (RenderError, ArgError) as error:
        return _refused(assignment, facts, world, str(error))


def _chosen(assignment: Assignment, choice: str, fleet: Snapshot) -> Assignment:
    """A person at the machine picked a profile.  One that boots once can wipe and is not theirs to pick."""
    profile = fleet.profiles.get(choice)
    if not _has_menu(assignment) or profile is None or profile.boots is Boots.ONCE:
        return assignment
    own = assignment.machine.args if assignment.machine else ()
    return replace(assignment, profile=profile, args=(profile.args, own), why="picked in the menu")


def _has_menu(assignment: Assignment) -> bool:
    profile = assignment.profile
    return profile.payload == _MENU.name if profile else assignment.policy == "menu"


def _rendered(assignment: Assignment, facts: Facts, world: World, site: Site) -> Rendered:
    profile = assignment.profile
    if profile is None:
        return _without_profile(assignment, facts, world, site)
    payload = PAYLOADS[profile.payload]
    # Without an address there is nothing to remember an installation by: such a machine is never armed by itself.
    said = verdict(profile, world.stage(facts.mac) if facts.mac else Stage.DISARMED)
    args = _args(payload, profile, assignment, facts, world)
    if not said.netboot:
        how = f"netbootd machines install {facts.mac}" if facts.mac else ""
        plan: Plan = LocalPlan(assignment.local, said.why, args, how)
        return _written(_LOCAL, plan, assignment, facts, world, site, args, said)
    if faults := payload.lint(args):
        raise ArgError("; ".join(faults))
    plan = payload.plan(profile.settings, Order(facts, site, args, _menu(assignment, facts, world, site)))
    _check_length(plan)
    return _written(payload, plan, assignment, facts, world, site, args, said)


def _without_profile(assignment: Assignment, facts: Facts, world: World, site: Site) -> Rendered:
    if assignment.policy == "menu":
        order = Order(facts, site, (), _menu(assignment, facts, world, site))
        plan = _MENU.plan(_MENU.settings(), order)
        return _written(_MENU, plan, assignment, facts, world, site)
    return _written(_LOCAL, LocalPlan(assignment.local, assignment.why), assignment, facts, world, site)


def _args(payload: Payload, profile: Profile, assignment: Assignment, facts: Facts, world: World) -> tuple[Arg, ...]:
    settings = merge(payload.defaults(profile.settings, facts), *assignment.args)
    subject = _subject(assignment, facts)

    def write(text: str, where: str) -> str:
        return world.templates.expand(text, where, machine=subject)

    return expand(settings, write)


def _check_length(plan: Plan) -> None:
    if isinstance(plan, KernelPlan) and plan.length > COMMAND_LINE_LIMIT:
        raise ArgError(f"the arguments take {plan.length} characters, the kernel reads {COMMAND_LINE_LIMIT}")


def _menu(assignment: Assignment, facts: Facts, world: World, site: Site) -> tuple[MenuEntry, ...]:
    """Profiles a stranger may pick: those that boot always, and so install nothing."""
    base = f"{site.base_url}/machines/{facts.mac.hexhyp if facts.mac else 'unknown'}/ipxe.cfg"
    offered = (p for p in world.fleet.profiles.values() if p.boots is Boots.ALWAYS and p.payload != "menu")
    return tuple(
        MenuEntry(f"p{i}", p.label or p.name, f"{base}?profile={quote(p.name)}") for i, p in enumerate(offered)
    )


@dataclass(frozen=True, slots=True)
class Subject:
    """What a template calls ``machine``: the facts and the configured name."""

    name: str
    mac: Mac | None
    uuid: str | None
    serial: str | None
    asset: str | None
    manufacturer: str | None
    product: str | None
    buildarch: str | None
    platform: str | None
    ip: str | None


def _subject(assignment: Assignment, facts: Facts) -> Subject:
    return Subject(
        name=assignment.name or str(facts.mac or "unknown"),
        mac=facts.mac,
        uuid=str(facts.uuid) if facts.uuid else None,
        serial=facts.serial,
        asset=facts.asset,
        manufacturer=facts.manufacturer,
        product=facts.product,
        buildarch=facts.buildarch,
        platform=facts.platform,
        ip=facts.ip,
    )


def _written(
    payload: Payload,
    plan: Plan,
    assignment: Assignment,
    facts: Facts,
    world: World,
    site: Site,
    args: tuple[Arg, ...] = (),
    said: Verdict | None = None,
) -> Rendered:
    name = plan.template if isinstance(plan, TemplatePlan) else payload.template
    profile = assignment.profile.name if assignment.profile else ""
    subject = _subject(assignment, facts)
    title = f"{subject.name}, {profile}" if profile else subject.name
    text = world.templates.render(
        name, plan=plan, machine=subject, site=site, title=title, profile=profile, version=__version__
    )
    return Rendered(text, payload.name, profile, assignment, plan, args, said)


def _refused(assignment: Assignment, facts: Facts, world: World, reason: str) -> Rendered:
    profile = assignment.profile.name if assignment.profile else ""
    title = " ".join(_screen_lines(assignment.name or str(facts.mac or "this machine")))
    text = world.templates.render("refused.ipxe.j2", title=title, reason=_screen_lines(reason))
    return Rendered(text, "refused", profile, assignment, failure=reason)


def _screen_lines(reason: str, width: int = 72) -> tuple[str, ...]:
    """A text for an 80-column screen, without anything iPXE would act on."""
    words = ["".join(c for c in w if c.isprintable() and c not in "${};|&#\\") for w in reason.split()]
    lines: list[str] = [""]
    for word in filter(None, words):
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word[:width]}".strip()
    return tuple(lines)
