"""From what a machine says of itself to the script it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from netbootd import __version__
from netbootd.boot.arch import Platform
from netbootd.boot.args import Arg, ArgError
from netbootd.boot.facts import Facts, NotKnown
from netbootd.boot.finding import Finding, Severity
from netbootd.boot.model import Boots, ConfigFile, Machine, Profile
from netbootd.boot.network import NetworkError
from netbootd.boot.plan import ChainPlan, Document, GrubPlan, KernelPlan, LocalPlan, Plan, TemplatePlan
from netbootd.boot.render import RenderError
from netbootd.boot.site import Site
from netbootd.chain import calls, clouds, serials
from netbootd.chain.ordering import Ordering, arguments, ordered
from netbootd.chain.subject import IN_JINJAS_WORDS, subject
from netbootd.chain.world import World
from netbootd.fleet.lifecycle import Stage, Verdict, verdict
from netbootd.fleet.snapshot import Assignment, Policy, Snapshot
from netbootd.payloads import PAYLOADS, Payload, Role, the
from netbootd.payloads.base import NO_TOKEN, CannotBoot
from netbootd.wire.mac import Mac

_MENU = the(Role.MENU)
_LOCAL = the(Role.LOCAL)
_NOBODY = f"no machine or rule names it; unknown: {Policy.SILENT.value}"
_REFUSALS = (RenderError, ArgError, CannotBoot, NetworkError)


class Loader(Enum):
    """Who runs the script; the value stands in file names and template names."""

    IPXE = "ipxe"
    GRUB = "grub"


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
    awaited: bool = False
    """It fails for a fact that the machine's own iPXE will tell."""
    unnumbered: bool = False
    """It fails for a soft serial that has to be assigned to it, and to be on disk, first."""
    unready: bool = False
    """It is left to its own disk, and what it would get once it is armed cannot be made; a finding says why."""
    findings: tuple[Finding, ...] = ()
    """What is worth knowing of what it gets, or will get once it is armed."""
    config: tuple[ConfigFile, ...] = ()
    """The configuration files it finds, or will once it is armed, each with whose it is; written out only if armed."""

    @property
    def documents(self) -> tuple[Document, ...]:
        """What the machine may fetch with the token in its script."""
        return self.plan.documents if isinstance(self.plan, KernelPlan | GrubPlan) else ()


def entry(world: World, site: Site, machine: Machine | None = None) -> Rendered:
    """The script for any iPXE, ``GET /ipxe.cfg``; or for whichever iPXE came by the secret of ``machine``."""
    url = site.secret_url(machine.secret) if machine and machine.secret else ""
    return Rendered(world.templates.render("entry.ipxe.j2", site=site, own_url=url, version=__version__), "entry")


def script(
    facts: Facts,
    world: World,
    site: Site,
    choice: str | None = None,
    loader: Loader = Loader.IPXE,
    *,
    leave: bool = False,
    token: str = NO_TOKEN,
    machine: Machine | None = None,
) -> Rendered:
    """A machine's own script.  Never raises for what ``facts`` hold.

    ``choice`` is a profile picked in the menu; ``leave``: its own disk was.  ``token`` goes into the URLs of what is
    made for this machine alone.  ``machine`` is the one whose secret it was asked for by: whatever ``facts`` say,
    it is that one, and remembered by its first card.
    """
    assignment = world.assignment(facts, machine)
    if choice is not None:
        assignment = _chosen(assignment, choice, world.fleet)
    try:
        site = clouds.site(site, assignment, machine, token)
        writer = _Writer(assignment, facts, world, site, loader, token, machine)
        return writer.left() if _has_menu(assignment) and (leave or _on_its_way(facts, world)) else writer.written()
    except _REFUSALS as error:
        refused = _refused(assignment, facts, world, _in_words(error), loader)
        return replace(refused, awaited=isinstance(error, NotKnown), unnumbered=isinstance(error, serials.Unnumbered))


def _on_its_way(facts: Facts, world: World) -> bool:
    """EDK2 goes from a PXE entry that was left to the card's HTTP entry, and would show the menu again.  Silence to
    that would cost it a minute of DISCOVERs; iPXE and a script that leaves cost seconds."""
    return facts.platform == Platform.EFI.value and facts.mac is not None and world.left(facts.mac)


def _chosen(assignment: Assignment, choice: str, fleet: Snapshot) -> Assignment:
    """A person at the machine picked a profile.  One that boots once can wipe and is not theirs to pick."""
    profile = fleet.profiles.get(choice)
    if not _has_menu(assignment) or profile is None or profile.boots is Boots.ONCE:
        return assignment
    own = assignment.machine.args if assignment.machine else ()
    return replace(assignment, profile=profile, args=(profile.args, own), why="picked in the menu")


def _has_menu(assignment: Assignment) -> bool:
    profile = assignment.profile
    return PAYLOADS[profile.payload].role is Role.MENU if profile else assignment.policy is Policy.MENU


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes one machine's script."""

    assignment: Assignment
    facts: Facts
    world: World
    site: Site
    loader: Loader
    token: str
    machine: Machine | None
    """Of the secret it was asked for by."""

    def written(self) -> Rendered:
        profile = self.assignment.profile
        if profile is None:
            return self._without_profile()
        mac = clouds.card(self.facts, self.machine)
        # Without an address there is nothing to remember an installation by: such a machine is never armed by itself.
        said = verdict(profile, self.world.stage(mac) if mac else Stage.DISARMED)
        if not said.netboot:
            return self._with_nothing_to_fetch()._withheld(profile, said, mac)
        ordering = self._ordering(profile)
        args = ordering.args()
        findings = ordering.findings(args)
        if faults := [each.text for each in findings if each.severity is Severity.ERROR]:
            raise ArgError("; ".join(faults))
        serials.refuse(self.world, self.assignment, self.facts, args)
        files = ordering.config()
        plan = ordering.plan(args, files)
        text = self._text(ordering.payload, plan, arguments(plan, args), said)
        return replace(text, findings=findings, config=ordering.told(files))

    def left(self) -> Rendered:
        return self._text(_LOCAL, LocalPlan(self.assignment.local, "chosen in the menu"))

    def _with_nothing_to_fetch(self) -> _Writer:
        """No token stands in what is only shown: a script that gives nothing must not end those that do."""
        site = clouds.site(self.site, self.assignment, self.machine, NO_TOKEN)
        return replace(self, token=NO_TOKEN, site=site)

    def _withheld(self, profile: Profile, said: Verdict, mac: Mac | None) -> Rendered:
        """With what it will get once it is armed.  Whatever stands against that keeps no machine from its disk."""
        ordering = self._ordering(profile)
        ways_out = _ways_out(mac) if mac else ()
        try:
            args, files = ordering.args(), ordering.files()
            promised, findings = ordering.promised(args), ordering.findings(args)
        except _REFUSALS as error:
            severity = Severity.INFO if isinstance(error, NotKnown) else Severity.ERROR
            finding = Finding(severity, f"once armed: {_in_words(error)}")
            text = self._text(_LOCAL, LocalPlan(self.assignment.local, said.why, (), *ways_out), said=said)
            return replace(text, findings=(finding,), unready=True)
        left = LocalPlan(self.assignment.local, said.why, promised, *ways_out)
        return replace(self._text(_LOCAL, left, promised, said), findings=findings, config=ordering.told(files))

    def _without_profile(self) -> Rendered:
        if self.assignment.policy is Policy.MENU:
            order = ordered(self.facts, self.site, self.world, own_url=self._own_url(), token=self.token)
            return self._text(_MENU, _MENU.plan(_MENU.settings(), order))
        why = _NOBODY if self.assignment.withheld else self.assignment.why
        return self._text(_LOCAL, LocalPlan(self.assignment.local, why))

    def _ordering(self, profile: Profile) -> Ordering:
        return Ordering(self.assignment, profile, self.facts, self.world, self.site, self._own_url(), self.token)

    def _own_url(self) -> str:
        mac = self.facts.mac.hexhyp if self.facts.mac else "unknown"
        if self.machine and self.machine.secret:
            return f"{self.site.secret_url(self.machine.secret)}?mac={mac}"
        return f"{self.site.base_url}/machines/{mac}/{self.loader.value}.cfg"

    def _text(self, payload: Payload, plan: Plan, args: tuple[Arg, ...] = (), said: Verdict | None = None) -> Rendered:
        profile = self.assignment.profile.name if self.assignment.profile else ""
        machine = subject(self.assignment, self.facts)
        title = f"{machine.name}, {profile}" if profile else machine.name
        text = self.world.templates.render(
            self._template(payload, plan),
            plan=plan,
            machine=machine,
            site=self.site,
            boot=calls.calls(self.site, self.token),
            title=title,
            profile=profile,
            version=__version__,
        )
        return Rendered(text, payload.name, profile, self.assignment, plan, args, said)

    def _template(self, payload: Payload, plan: Plan) -> str:
        if self.loader is Loader.GRUB and isinstance(plan, ChainPlan | TemplatePlan):
            raise RenderError(f"payload {payload.name} is an iPXE script, which GRUB cannot run")
        if isinstance(plan, GrubPlan):
            return _template_name(f"{payload.template}_grub", self.loader)
        return plan.template if isinstance(plan, TemplatePlan) else _template_name(payload.template, self.loader)


def _template_name(base: str, loader: Loader) -> str:
    return f"{base}.{loader.value}.j2"


def _ways_out(mac: Mac) -> tuple[str, str]:
    """The commands that arm a machine, and that show what it will get then."""
    return f"netbootd machines install {mac}", f"netbootd render {mac} --armed"


def _refused(assignment: Assignment, facts: Facts, world: World, reason: str, loader: Loader) -> Rendered:
    profile = assignment.profile.name if assignment.profile else ""
    title = " ".join(_screen_lines(assignment.name or str(facts.mac or "this machine")))
    text = world.templates.render(_template_name("refused", loader), title=title, reason=_screen_lines(reason))
    return Rendered(text, "refused", profile, assignment, failure=reason)


def _in_words(error: Exception) -> str:
    """Without the names that our own modules have."""
    return str(error).replace(IN_JINJAS_WORDS, "machine").replace(calls.IN_JINJAS_WORDS, "boot")


def _screen_lines(reason: str, width: int = 72) -> tuple[str, ...]:
    """A text for an 80-column screen, without anything iPXE would act on."""
    words = ["".join(c for c in w if c.isprintable() and c not in "${};|&#\\") for w in reason.split()]
    lines: list[str] = [""]
    for word in filter(None, words):
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word[:width]}".strip()
    return tuple(lines)
