"""LF Edge EVE-OS as a payload: its settings, and which route a bundle takes.

Releases up to 13.3 are booted as their own script does it (`classic`), the others by iPXE alone (`direct`) unless the
profile asks for EVE's own GRUB (`grub_route`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from netbootd.boot import bundle as boot
from netbootd.boot.args import Arg, ArgSetting
from netbootd.boot.facts import Facts
from netbootd.boot.finding import Finding
from netbootd.boot.model import Boots, ConfigFile
from netbootd.boot.plan import GrubPlan, KernelPlan
from netbootd.payloads.base import CLOSED, CannotBoot, Order, Payload
from netbootd.payloads.eve import classic, config_partition, direct, grub_route, port_config
from netbootd.payloads.eve.arguments import argument
from netbootd.payloads.eve.bundle import of_eve
from netbootd.payloads.eve.judgement import judge
from netbootd.payloads.eve.kernel_line import kernel_line


class Route(Enum):
    """How a bundle with an ISO is booted."""

    DIRECT = "direct"
    """By iPXE, without its GRUB."""
    GRUB = "grub"
    """By its own GRUB and its own menu."""


@dataclass(frozen=True, slots=True)
class Settings:
    """``bundle``: a name given by ``netbootd import``, or a directory under ``artifacts``."""

    __pydantic_config__: ClassVar = CLOSED

    bundle: str
    route: Route = Route.DIRECT


def _defaults(_settings: Settings, facts: Facts, named: boot.Bundle | None) -> tuple[ArgSetting, ...]:
    bundle = of_eve(named)
    return kernel_line(bundle, facts) if bundle and bundle.era.has_iso else classic.defaults(facts)


def _plan(settings: Settings, order: Order) -> KernelPlan | GrubPlan:
    bundle = of_eve(order.bundles.get(_name(settings)))
    if bundle and (why := _refusal(settings, bundle)):
        raise CannotBoot(why)
    if bundle and bundle.era.has_iso:
        return grub_route.plan(bundle, order) if settings.route is Route.GRUB else direct.plan(bundle, order)
    if settings.route is Route.GRUB:
        raise CannotBoot(
            f"there is no bundle {_name(settings)}, and route: grub starts the GRUB of a bundle: import it"
        )
    if bundle:
        return classic.plan(bundle.directory, order, bundle.stock)
    return classic.plan(_name(settings), order)  # a directory that has just these files


def _refusal(settings: Settings, named: boot.Bundle) -> str:
    bundle = of_eve(named)
    if bundle is None:
        return ""
    if settings.route is Route.GRUB:
        return grub_route.refusal(bundle)
    return direct.refusal(bundle) if bundle.era.has_iso else ""


def _needs(settings: Settings) -> tuple[str, ...]:
    return tuple(f"{_name(settings)}/{name}" for name in classic.FILES)


def _name(settings: Settings) -> str:
    return settings.bundle.strip("/")


def _judge(
    _settings: Settings, args: tuple[Arg, ...], named: boot.Bundle | None, config: Collection[str]
) -> tuple[Finding, ...]:
    return judge(args, of_eve(named), config_files=config)


def _stock_config(named: boot.Bundle | None) -> tuple[ConfigFile, ...]:
    bundle = of_eve(named)
    return bundle.stock if bundle else ()


def _destroys(key: str) -> str:
    known = argument(key)
    return known.destroys if known else ""


PAYLOAD = Payload(
    name="eve",
    settings=Settings,
    boots=Boots.ONCE,
    template="eve",
    plan=_plan,
    defaults=_defaults,
    needs=_needs,
    bundle=_name,
    files=(direct.INIT,),
    refusal=_refusal,
    network_files=port_config.files,
    judge=_judge,
    destroys=_destroys,
    config_fault=config_partition.fault,
    config_clash=config_partition.clash,
    stock_config=_stock_config,
    config_sets=config_partition.SETS,
    silent_end=True,
    soft_serial="eve_soft_serial",
)
