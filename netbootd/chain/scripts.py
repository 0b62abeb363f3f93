"""From what a machine says of itself to the script it runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from urllib.parse import quote

from netbootd import __version__
from netbootd.boot.arch import Platform
from netbootd.boot.args import COMMAND_LINE_LIMIT, Arg, ArgError, Layer, expand, merge
from netbootd.boot.bundle import Bundle
from netbootd.boot.config_files import over, told, written
from netbootd.boot.facts import Facts, NotKnown
from netbootd.boot.finding import Finding, Severity
from netbootd.boot.model import Boots, ConfigFile, Machine, Profile
from netbootd.boot.network import NetworkError
from netbootd.boot.plan import ChainPlan, Document, GrubPlan, KernelPlan, LocalPlan, MenuEntry, Plan, TemplatePlan
from netbootd.boot.render import RenderError
from netbootd.boot.site import Site, asked
from netbootd.chain import calls, clouds, serials
from netbootd.chain.subject import IN_JINJAS_WORDS, subject, unknown_facts
from netbootd.chain.world import World
from netbootd.fleet.lifecycle import Stage, Verdict, verdict
from netbootd.fleet.snapshot import Assignment, Policy, Snapshot
from netbootd.payloads import PAYLOADS, Order, Payload, Role, the
from netbootd.payloads.base import NO_TOKEN, CannotBoot
from netbootd.wire.mac import Mac

_MENU = the(Role.MENU)
_LOCAL = the(Role.LOCAL)
_NOBODY = f"no machine or rule names it; unknown: {Policy.SILENT.value}"


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
    except (RenderError, ArgError, CannotBoot, NetworkError) as error:
        why = str(error).replace(IN_JINJAS_WORDS, "machine").replace(calls.IN_JINJAS_WORDS, "boot")
        refused = _refused(assignment, facts, world, why, loader)
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
        payload = PAYLOADS[profile.payload]
        mac = clouds.card(self.facts, self.machine)
        # Without an address there is nothing to remember an installation by: such a machine is never armed by itself.
        said = verdict(profile, self.world.stage(mac) if mac else Stage.DISARMED)
        if not said.netboot:
            return self._with_nothing_to_fetch()._withheld(payload, profile, said, mac)
        args = self._args(payload, profile)
        findings = self._findings(payload, profile, args)
        if faults := [each.text for each in findings if each.severity is Severity.ERROR]:
            raise ArgError("; ".join(faults))
        serials.refuse(self.world, self.assignment, self.facts, args)
        files = self._config(payload, profile)
        plan = self._plan(payload, profile, args, files)
        text, config = self._text(payload, plan, _arguments(plan, args), said), self._told(payload, profile, files)
        return replace(text, findings=findings, config=config)

    def _with_nothing_to_fetch(self) -> _Writer:
        """No token stands in what is only shown: a script that gives nothing must not end those that do."""
        site = clouds.site(self.site, self.assignment, self.machine, NO_TOKEN)
        return replace(self, token=NO_TOKEN, site=site)

    def _withheld(self, payload: Payload, profile: Profile, said: Verdict, mac: Mac | None) -> Rendered:
        args = self._args(payload, profile)
        promised = self._promised(payload, profile, args)
        left = LocalPlan(self.assignment.local, said.why, promised, *(_ways_out(mac) if mac else ()))
        config = self._told(payload, profile, self._files(payload, profile))
        findings = self._findings(payload, profile, args)
        return replace(self._text(_LOCAL, left, promised, said), findings=findings, config=config)

    def _told(self, payload: Payload, profile: Profile, files: tuple[ConfigFile, ...]) -> tuple[ConfigFile, ...]:
        return told(files, profile, self.assignment.machine, payload.stock_config(self._bundle(payload, profile)))

    def _plan(self, payload: Payload, profile: Profile, args: tuple[Arg, ...], files: tuple[ConfigFile, ...]) -> Plan:
        plan = payload.plan(profile.settings, self._order(args, files))
        plan = clouds.with_ipxe(plan, self.assignment, payload)
        _check_length(plan)
        return plan

    def _promised(self, payload: Payload, profile: Profile, args: tuple[Arg, ...]) -> tuple[Arg, ...]:
        """The arguments it gets once it is armed.  What stands against that is told then, or by ``check``."""
        try:
            return _arguments(self._plan(payload, profile, args, self._config(payload, profile)), args)
        except (RenderError, ArgError, CannotBoot, NetworkError):
            return args

    def _findings(self, payload: Payload, profile: Profile, args: tuple[Arg, ...]) -> tuple[Finding, ...]:
        paths = [file.path for file in self._files(payload, profile)]
        said = payload.judge(profile.settings, args, self._bundle(payload, profile), paths)
        return (*said, *_unasked(payload, profile, args))

    def _bundle(self, payload: Payload, profile: Profile) -> Bundle | None:
        return self.world.bundles.get(payload.bundle(profile.settings))

    def left(self) -> Rendered:
        return self._text(_LOCAL, LocalPlan(self.assignment.local, "chosen in the menu"))

    def _without_profile(self) -> Rendered:
        if self.assignment.policy is Policy.MENU:
            return self._text(_MENU, _MENU.plan(_MENU.settings(), self._order(())))
        why = _NOBODY if self.assignment.withheld else self.assignment.why
        return self._text(_LOCAL, LocalPlan(self.assignment.local, why))

    def _order(self, args: tuple[Arg, ...], config: tuple[ConfigFile, ...] = ()) -> Order:
        return Order(
            self.facts,
            self.site,
            args,
            self._own_url(),
            self._menu(),
            self.world.bundles,
            config=config,
            token=self.token,
            files=self.world.files,
        )

    def _args(self, payload: Payload, profile: Profile) -> tuple[Arg, ...]:
        hidden = {payload.config_sets.get(file.path) for file in self._files(payload, profile)}
        defaults = payload.defaults(profile.settings, self.facts, self._bundle(payload, profile))
        shown = (each for each in defaults if each.key not in hidden)
        of_place = clouds.args(self.assignment, payload, self.facts, self._bundle(payload, profile))
        return expand(merge(shown, of_place, *self.assignment.args), self._expand)

    def _config(self, payload: Payload, profile: Profile) -> tuple[ConfigFile, ...]:
        files = tuple(written(file, self._expand) for file in self._files(payload, profile))
        for file in files:
            if why := payload.config_fault(file) if payload.config_fault else "":
                raise CannotBoot(config_refused(file, why))
        return files

    def _files(self, payload: Payload, profile: Profile) -> tuple[ConfigFile, ...]:
        """A machine's files are for what it boots by its own profile; another payload of a rule may take none."""
        machine = self.assignment.machine
        if payload.config_fault is None:
            return ()
        of_place = clouds.files(self.assignment, payload, self.facts)
        return over(of_place, profile.config, machine.config if machine else ())

    def _expand(self, text: str, where: str) -> str:
        own = serials.written(self.world, self.assignment, self.facts, self.site) if "soft_serial" in text else None
        machine = subject(self.assignment, self.facts, own)
        try:
            boot = calls.calls(self.site, self.token)
            return self.world.templates.expand(text, where, machine=machine, site=self.site, boot=boot)
        except RenderError as error:
            raise type(error)(f"{error}{unknown_facts(text, machine)}") from None

    def _menu(self) -> tuple[MenuEntry, ...]:
        """Profiles a stranger may pick: those that boot always, and so install nothing."""
        profiles = self.world.fleet.profiles.values()
        offered = (p for p in profiles if p.boots is Boots.ALWAYS and PAYLOADS[p.payload].role is not Role.MENU)
        own = self._own_url()
        return tuple(
            MenuEntry(f"p{i}", p.label or p.name, asked(own, f"profile={quote(p.name)}")) for i, p in enumerate(offered)
        )

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


def _arguments(plan: Plan, args: tuple[Arg, ...]) -> tuple[Arg, ...]:
    """Those of the plan, which may have more than it was ordered with."""
    return plan.args if isinstance(plan, KernelPlan) else args


def _unasked(payload: Payload, profile: Profile, args: tuple[Arg, ...]) -> Iterator[Finding]:
    """What wipes is for a machine that a person armed, and a machine of such a profile waits for none."""
    if profile.boots is Boots.ONCE and not profile.auto:
        return
    how = "arms by itself (auto: true)" if profile.boots is Boots.ONCE else "boots always"
    for arg in args:
        if arg.layer is Layer.MACHINE and (why := payload.destroys(arg.key)):
            told = f"{why}, and profile {profile.name} {how}; give the machine one that has to be armed"
            yield Finding(Severity.ERROR, f"{arg.key} of {arg.origin}: {told}", f"args.{arg.key}")


def _check_length(plan: Plan) -> None:
    if isinstance(plan, KernelPlan | GrubPlan) and plan.length > COMMAND_LINE_LIMIT:
        raise ArgError(f"the arguments take {plan.length} characters, the kernel reads {COMMAND_LINE_LIMIT}")


def config_refused(file: ConfigFile, why: str) -> str:
    """A configuration file that will not do, as the failure of a script."""
    return f"{file.path} of config ({file.origin}): {why}"


def _refused(assignment: Assignment, facts: Facts, world: World, reason: str, loader: Loader) -> Rendered:
    profile = assignment.profile.name if assignment.profile else ""
    title = " ".join(_screen_lines(assignment.name or str(facts.mac or "this machine")))
    text = world.templates.render(_template_name("refused", loader), title=title, reason=_screen_lines(reason))
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
