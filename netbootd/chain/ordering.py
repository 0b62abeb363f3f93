"""What one machine orders of a payload: arguments and files out of all layers, and the plan that is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from netbootd.boot.args import COMMAND_LINE_LIMIT, Arg, ArgError, Layer, expand, merge
from netbootd.boot.bundle import Bundle
from netbootd.boot.config_files import over, told, written
from netbootd.boot.facts import Facts
from netbootd.boot.finding import Finding, Severity
from netbootd.boot.model import Boots, ConfigFile, Profile
from netbootd.boot.network import NetworkError
from netbootd.boot.plan import GrubPlan, KernelPlan, MenuEntry, Plan
from netbootd.boot.render import RenderError
from netbootd.boot.site import Site, asked
from netbootd.chain import calls, clouds, serials
from netbootd.chain.subject import subject, unknown_facts
from netbootd.chain.world import World
from netbootd.fleet.snapshot import Assignment
from netbootd.payloads import PAYLOADS, Order, Payload, Role
from netbootd.payloads.base import CannotBoot


@dataclass(frozen=True, slots=True)
class Ordering:
    """Of a machine that has a profile, whether it may have it now or not.

    All that makes something of the settings raises `RenderError`, `ArgError`, `CannotBoot` or `NetworkError`.
    """

    assignment: Assignment
    profile: Profile
    """The assignment's."""
    facts: Facts
    world: World
    site: Site
    own_url: str
    """This machine's script."""
    token: str

    @property
    def payload(self) -> Payload:
        """What it boots."""
        return PAYLOADS[self.profile.payload]

    @property
    def _bundle(self) -> Bundle | None:
        return self.world.bundles.get(self.payload.bundle(self.profile.settings))

    def args(self) -> tuple[Arg, ...]:
        """Its arguments, those of the payload and of its place below those of the settings."""
        hidden = {self.payload.config_sets.get(file.path) for file in self.files()}
        defaults = self.payload.defaults(self.profile.settings, self.facts, self._bundle)
        shown = (each for each in defaults if each.key not in hidden)
        of_place = clouds.args(self.assignment, self.payload, self.facts, self._bundle)
        return expand(merge(shown, of_place, *self.assignment.args), self._expand)

    def files(self) -> tuple[ConfigFile, ...]:
        """Its configuration files as the settings have them.

        A machine's files are for what it boots by its own profile; another payload of a rule may take none.
        """
        machine = self.assignment.machine
        if self.payload.config_fault is None:
            return ()
        of_place = clouds.files(self.assignment, self.payload, self.facts)
        return over(of_place, self.profile.config, machine.config if machine else ())

    def config(self) -> tuple[ConfigFile, ...]:
        """The same, written out for it."""
        files = tuple(written(file, self._expand) for file in self.files())
        for file in files:
            if why := self.payload.config_fault(file) if self.payload.config_fault else "":
                raise CannotBoot(config_refused(file, why))
        return files

    def told(self, files: tuple[ConfigFile, ...]) -> tuple[ConfigFile, ...]:
        """These and those of the bundle, each with whose it is."""
        return told(files, self.profile, self.assignment.machine, self.payload.stock_config(self._bundle))

    def findings(self, args: tuple[Arg, ...]) -> tuple[Finding, ...]:
        """What is to be said of these arguments, and of its files; with an error it does not boot."""
        paths = [file.path for file in self.files()]
        said = self.payload.judge(self.profile.settings, args, self._bundle, paths)
        return (*said, *self._unasked(args))

    def plan(self, args: tuple[Arg, ...], files: tuple[ConfigFile, ...]) -> Plan:
        """What is to be booted with these."""
        own_url, token = self.own_url, self.token
        order = ordered(self.facts, self.site, self.world, own_url=own_url, token=token, args=args, config=files)
        plan = clouds.with_ipxe(self.payload.plan(self.profile.settings, order), self.assignment, self.payload)
        if isinstance(plan, KernelPlan | GrubPlan) and plan.length > COMMAND_LINE_LIMIT:
            raise ArgError(f"the arguments take {plan.length} characters, the kernel reads {COMMAND_LINE_LIMIT}")
        return plan

    def promised(self, args: tuple[Arg, ...]) -> tuple[Arg, ...]:
        """The arguments it gets once it is armed.  What stands against that is told then, or by ``check``."""
        try:
            return arguments(self.plan(args, self.config()), args)
        except (RenderError, ArgError, CannotBoot, NetworkError):
            return args

    def _unasked(self, args: tuple[Arg, ...]) -> Iterator[Finding]:
        """What wipes is for a machine that a person armed, and a machine of such a profile waits for none."""
        if self.profile.boots is Boots.ONCE and not self.profile.auto:
            return
        how = "arms by itself (auto: true)" if self.profile.boots is Boots.ONCE else "boots always"
        for arg in args:
            if arg.layer is Layer.MACHINE and (why := self.payload.destroys(arg.key)):
                told = f"{why}, and profile {self.profile.name} {how}; give the machine one that has to be armed"
                yield Finding(Severity.ERROR, f"{arg.key} of {arg.origin}: {told}", f"args.{arg.key}")

    def _expand(self, text: str, where: str) -> str:
        own = serials.written(self.world, self.assignment, self.facts, self.site) if "soft_serial" in text else None
        machine = subject(self.assignment, self.facts, own)
        try:
            boot = calls.calls(self.site, self.token)
            return self.world.templates.expand(text, where, machine=machine, site=self.site, boot=boot)
        except RenderError as error:
            raise type(error)(f"{error}{unknown_facts(text, machine)}") from None


def ordered(
    facts: Facts,
    site: Site,
    world: World,
    *,
    own_url: str,
    token: str,
    args: tuple[Arg, ...] = (),
    config: tuple[ConfigFile, ...] = (),
) -> Order:
    """What a payload makes its plan of."""
    menu, bundles, files = _menu(world, own_url), world.bundles, world.files
    return Order(facts, site, args, own_url, menu, bundles, config=config, token=token, files=files)


def arguments(plan: Plan, args: tuple[Arg, ...]) -> tuple[Arg, ...]:
    """Those of the plan, which may have more than it was ordered with."""
    return plan.args if isinstance(plan, KernelPlan) else args


def config_refused(file: ConfigFile, why: str) -> str:
    """A configuration file that will not do, as the failure of a script."""
    return f"{file.path} of config ({file.origin}): {why}"


def _menu(world: World, own_url: str) -> tuple[MenuEntry, ...]:
    """Profiles a stranger may pick: those that boot always, and so install nothing."""
    profiles = world.fleet.profiles.values()
    offered = (p for p in profiles if p.boots is Boots.ALWAYS and PAYLOADS[p.payload].role is not Role.MENU)
    return tuple(
        MenuEntry(f"p{i}", p.label or p.name, asked(own_url, f"profile={quote(p.name)}")) for i, p in enumerate(offered)
    )
