"""LF Edge EVE-OS, the classic layout: installer_net of 6.3 to 13.3.

A bundle is a directory with ``kernel``, ``initrd.img``, ``installer.img``, ``initrd.bits`` and ``rootfs.img``.  The
order of the initrds matters: the init looks for the squashfs of ``rootfs.img`` by its magic from the front, so it
stays last.  Arguments reach the installer through /proc/cmdline (EVE pkg/installer/install, 13.3.0).
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
from netbootd.boot.model import Boots
from netbootd.boot.plan import Document, GrubPlan, Image, KernelPlan, Variant
from netbootd.payloads.base import CLOSED, CannotBoot, Order, Payload
from netbootd.payloads.eve import config_cpio, config_partition, direct, grub_route, port_config
from netbootd.payloads.eve.arguments import FLAGS, argument
from netbootd.payloads.eve.bundle import Bundle, of_eve
from netbootd.payloads.eve.judgement import judge
from netbootd.payloads.eve.kernel_line import kernel_line
from netbootd.payloads.eve.routes import refusal

__all__ = ["FLAGS", "PAYLOAD", "Settings"]

ORIGIN = "EVE default"
INITRDS = ("initrd.img", "installer.img", "initrd.bits", "rootfs.img")
"""Order of the stock ``ipxe.efi.cfg`` of 13.3.0.  A node's own configuration goes before the last."""
CONFIG_SIZE = 1 << 20
"""Bytes of the CONFIG partition, up to 16.12."""


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


@dataclass(frozen=True, slots=True)
class Board:
    """What the stock script sets by SMBIOS manufacturer."""

    manufacturer: str
    console: tuple[str, ...]
    tweaks: tuple[tuple[str, str], ...] = ()


BOARDS = (
    Board("Huawei", ("ttyAMA0,115200n8",), (("pcie_aspm", "off"), ("pci", "pcie_bus_perf"))),
    Board("Supermicro", ("ttyS1,115200n8",)),
)
CONSOLES = ("ttyS0", "ttyS1", "ttyS2", "ttyAMA0", "ttyAMA1", "tty0")

_PLUMBING = (("root", "/initrd.image"), ("find_boot", "netboot"), ("overlaytmpfs", None), ("fastboot", None))


def _defaults(_settings: Settings, facts: Facts, named: boot.Bundle | None) -> tuple[ArgSetting, ...]:
    """What the stock script passes: the card's address as soft serial, a reboot at the end, plumbing, console."""
    bundle = of_eve(named)
    if bundle and bundle.era.has_iso:
        return kernel_line(bundle, facts, root=())  # `direct` and `grub_route` say where the root is
    fixed = (
        ArgSetting("eve_soft_serial", ("{{ machine.mac | hexhyp }}",), ORIGIN),
        ArgSetting("eve_reboot_after_install", (), ORIGIN),
        *(ArgSetting(key, () if value is None else (value,), ORIGIN) for key, value in _PLUMBING),
    )
    return fixed if facts.manufacturer is None else (*fixed, *_board_settings(facts.manufacturer))


def _board_settings(manufacturer: str) -> tuple[ArgSetting, ...]:
    board = next((b for b in BOARDS if b.manufacturer == manufacturer), Board(manufacturer, CONSOLES))
    origin = f"EVE default for {manufacturer}"
    tweaks = (ArgSetting(key, (value,), origin) for key, value in board.tweaks)
    return (ArgSetting("console", board.console, origin), *tweaks)


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
    # Without a bundle of that name, a directory that has just these files.
    base = f"{bundle.directory if bundle else _name(settings)}/"
    stock = [Image(order.site.artifact_url(base + name), name) for name in INITRDS]
    own = _config(order, bundle)
    asked = {arg.key for arg in order.args}
    unknown_board = order.facts.manufacturer is None
    return KernelPlan(
        kernel=Image(order.site.artifact_url(base + "kernel"), "kernel"),
        initrds=(*stock[:-1], *(Image(order.document_url(each.name), each.name) for each in own), stock[-1]),
        args=order.args,
        fallback=_left(Board("", CONSOLES), asked) if unknown_board else (),
        variants=tuple(Variant(b.manufacturer, left) for b in BOARDS if unknown_board and (left := _left(b, asked))),
        documents=own,
    )


def _config(order: Order, bundle: Bundle | None) -> tuple[Document, ...]:
    if not order.config:
        return ()
    image = config_partition.image(order.config, CONFIG_SIZE, bundle.stock if bundle else ())
    return (Document(config_cpio.NAME, config_cpio.archive(image)),)


def _left(board: Board, asked: set[str]) -> tuple[Arg, ...]:
    """A board's arguments, less those that the profile or the machine sets itself."""
    consoles = (Arg("console", value, ORIGIN) for value in board.console)
    tweaks = (Arg(key, value, ORIGIN) for key, value in board.tweaks)
    return tuple(arg for arg in (*consoles, *tweaks) if arg.key not in asked)


def _refusal(settings: Settings, named: boot.Bundle) -> str:
    bundle = of_eve(named)
    by = grub_route.refusal if settings.route is Route.GRUB else refusal
    return by(bundle) if bundle else ""


def _needs(settings: Settings) -> tuple[str, ...]:
    return tuple(f"{_name(settings)}/{name}" for name in ("kernel", *INITRDS))


def _name(settings: Settings) -> str:
    return settings.bundle.strip("/")


def _judge(
    _settings: Settings, args: tuple[Arg, ...], named: boot.Bundle | None, config: Collection[str]
) -> tuple[Finding, ...]:
    return judge(args, of_eve(named), config_files=config)


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
    config_sets=config_partition.SETS,
)
