"""LF Edge EVE-OS, the classic layout: installer_net of 6.3 to 13.3.

A bundle is a directory with ``kernel``, ``initrd.img``, ``installer.img``, ``initrd.bits`` and ``rootfs.img``.  The
order of the initrds matters: the init looks for the squashfs of ``rootfs.img`` by its magic from the front, so it
stays last.  Arguments reach the installer through /proc/cmdline (EVE pkg/installer/install, 13.3.0).
"""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.boot.args import Arg, ArgSetting, Layer
from netbootd.boot.facts import Facts
from netbootd.boot.model import ConfigFile
from netbootd.boot.plan import Document, Image, KernelPlan, Variant
from netbootd.payloads.base import Order
from netbootd.payloads.eve import config_cpio, config_partition
from netbootd.payloads.eve.kernel_line import ORIGIN, STOCK

_KERNEL = "kernel"
_INITRDS = ("initrd.img", "installer.img", "initrd.bits", "rootfs.img")
"""Order of the stock ``ipxe.efi.cfg`` of 13.3.0.  A node's own configuration goes before the last."""

FILES = (_KERNEL, *_INITRDS)


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


def defaults(facts: Facts) -> tuple[ArgSetting, ...]:
    """What the stock script passes: the card's address as soft serial, a reboot at the end, plumbing, console."""
    plumbing = (ArgSetting(key, () if value is None else (value,), ORIGIN, Layer.PAYLOAD) for key, value in _PLUMBING)
    fixed = (*STOCK, *plumbing)
    return fixed if facts.manufacturer is None else (*fixed, *_board_settings(facts.manufacturer))


def plan(directory: str, order: Order, stock: tuple[ConfigFile, ...] = ()) -> KernelPlan:
    """How a node boots the files of this directory under ``artifacts``; ``stock`` is what the release's own config.img
    holds.  Raises `CannotBoot`."""
    kernel, *initrds = (Image(order.site.artifact_url(f"{directory}/{name}"), name) for name in FILES)
    own = _config(order, stock)
    asked = {arg.key for arg in order.args}
    unknown_board = order.facts.manufacturer is None
    return KernelPlan(
        kernel=kernel,
        initrds=(*initrds[:-1], *(Image(order.document_url(each.name), each.name) for each in own), initrds[-1]),
        args=order.args,
        fallback=_left(Board("", CONSOLES), asked) if unknown_board else (),
        variants=tuple(Variant(b.manufacturer, left) for b in BOARDS if unknown_board and (left := _left(b, asked))),
        documents=own,
    )


def _config(order: Order, stock: tuple[ConfigFile, ...]) -> tuple[Document, ...]:
    if not order.config:
        return ()
    image = config_partition.image(order.config, config_partition.SIZE, stock)
    return (Document(config_cpio.NAME, config_cpio.archive(image)),)


def _board_settings(manufacturer: str) -> tuple[ArgSetting, ...]:
    board = next((b for b in BOARDS if b.manufacturer == manufacturer), Board(manufacturer, CONSOLES))
    origin = f"{ORIGIN} for {manufacturer}"
    tweaks = (ArgSetting(key, (value,), origin, Layer.PAYLOAD) for key, value in board.tweaks)
    return (ArgSetting("console", board.console, origin, Layer.PAYLOAD), *tweaks)


def _left(board: Board, asked: set[str]) -> tuple[Arg, ...]:
    """A board's arguments, less those that the profile or the machine sets itself."""
    consoles = (Arg("console", value, ORIGIN, Layer.PAYLOAD) for value in board.console)
    tweaks = (Arg(key, value, ORIGIN, Layer.PAYLOAD) for key, value in board.tweaks)
    return tuple(arg for arg in (*consoles, *tweaks) if arg.key not in asked)
