"""LF Edge EVE-OS from 13.4 on, booted by its own GRUB and its own menu.

For who needs EVE's own boot path.  The stock way has iPXE start the bundle's GRUB, which asks a TFTP server for its
configuration and gets to the menu in installer.iso.  Nothing that iPXE knows reaches it.  Here iPXE tells GRUB the
right TFTP server, GRUB finds a configuration for its own card there, and that has the menu source one more file, which
is made for this node (`netbootd.payloads.eve.grub_include`).  Seen in QEMU with EVE's menus of 17.3.0 and after.

The installer's image comes last and under the node's token, so that its last byte tells that the node has all of it:
for B3 the squashfs, after ``config.img``; for the others the whole ISO, with its config.img replaced where a node has
one of its own.
"""

from __future__ import annotations

from netbootd.boot.arch import Platform
from netbootd.boot.plan import Document, GrubPlan
from netbootd.payloads.base import CannotBoot, Order
from netbootd.payloads.eve import config_partition, iso
from netbootd.payloads.eve.bundle import CONFIG, ISO, ROOTFS, Bundle, Era
from netbootd.payloads.eve.grub_include import include
from netbootd.payloads.eve.kernel_line import smbios
from netbootd.wire.segments import Segments

INCLUDE = "grub.cfg"
_NO_GRUB = "it is of the layout of 6.3 to 13.3, which has no GRUB of its own; take route: direct"
WITH_PORTS = (16, 12, 0)
"""EVE's GRUB is 2.12 from here on; the ones before know HTTP at port 80 alone."""

_PROGRAMS = {
    "amd64": "EFI/BOOT/BOOTX64.EFI",
    "": "EFI/BOOT/BOOTX64.EFI",
    "arm64": "EFI/BOOT/BOOTAA64.EFI",
    "riscv64": "EFI/BOOT/BOOTRISCV64.EFI",
}
_INITRD = "/boot/initrd.img"
_LAID_OVER = f"rootaddmount=/{CONFIG}:/{CONFIG}"


def refusal(bundle: Bundle) -> str:
    """Why this bundle has no such route; "" where it has."""
    if not bundle.era.has_iso:
        return f"bundle {bundle.name}: {_NO_GRUB}"
    if not _program(bundle):
        return f"bundle {bundle.name}: it has no {_PROGRAMS.get(bundle.arch, 'GRUB')}; take route: direct"
    return iso.lacking(bundle, ROOTFS) if bundle.era is Era.B3 else ""


def plan(bundle: Bundle, order: Order) -> GrubPlan:
    """How a node gets to the menu, and what is added to it.  Raises `CannotBoot`."""
    if why := refusal(bundle) or _unreachable(bundle, order):
        raise CannotBoot(why)
    server = f"http://{_host(order)}"
    fetched = _fetched(bundle, order)
    places = {each.name: f"{server}/node/{order.token}/{each.name}" for each in fetched}
    newc = (f"newc:/{name}:{_of_grub(url)}" for name, url in places.items())
    text = include(
        bundle, smbios(order.facts), order.args, " ".join((_INITRD, *newc)), _root(bundle, config=CONFIG in places)
    )
    own = f"{server}/{order.site.artifacts}/{bundle.directory}"
    return GrubPlan(
        address=order.site.address,
        server=server,
        program=f"{own}/{_program(bundle)}",
        image=f"{own}/{ISO}",
        include=f"{server}/node/{order.token}/{INCLUDE}",
        last=places[fetched[-1].name],
        args=order.args,
        documents=(Document(INCLUDE, Segments.of(text.encode())), *fetched),
    )


def _unreachable(bundle: Bundle, order: Order) -> str:
    """Why GRUB cannot come to this server, or run on this machine."""
    if order.facts.platform == Platform.BIOS.value:
        return f"bundle {bundle.name}: its GRUB is a UEFI program, and this machine boots by BIOS; take route: direct"
    if order.site.tftp_port is None:
        return "GRUB asks TFTP for its configuration, and tftp.mode is off; set it to on, or take route: direct"
    port = order.site.http_port
    if port == 80 or bundle.era is Era.B3 or (bundle.release or ()) >= WITH_PORTS:
        return ""
    whose = f"EVE {bundle.version}" if bundle.version else "this bundle, whose version is not known,"
    return (
        f"bundle {bundle.name}: the GRUB of {whose} may know HTTP at port 80 alone (before 16.12.0), and netbootd's is "
        f"{port}; set http.port: 80, or take route: direct"
    )


def _host(order: Order) -> str:
    site = order.site
    return site.address if site.http_port == 80 else f"{site.address}:{site.http_port}"


def _program(bundle: Bundle) -> str:
    """Below the bundle's directory, "" where there is none."""
    path = _PROGRAMS.get(bundle.arch, "")
    if path in bundle.files:
        return path
    return f"iso/{path}" if path and bundle.in_iso(path) else ""


def _of_grub(url: str) -> str:
    """A URL as GRUB names a file."""
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    return f"({scheme},{host})/{path}"


def _fetched(bundle: Bundle, order: Order) -> tuple[Document, ...]:
    """What goes into the initrd beside the ISO's own, the largest last."""
    if bundle.era is not Era.B3:
        return (Document(ISO, _iso(bundle, order)),)
    config = iso.config(bundle, order)
    return (
        *((Document(CONFIG, config),) if config.length else ()),
        Document(ROOTFS, iso.part(bundle, ROOTFS)),
    )


def _root(bundle: Bundle, *, config: bool) -> tuple[str, ...]:
    """The words that name the root, where the menu's own do not do."""
    if bundle.era is Era.B1X:
        return (f"root=/{ISO}", f"rootimg=/{ROOTFS}")
    if bundle.era is Era.B3 and config and bundle.in_iso(CONFIG) is None:
        return (f"root=/{ROOTFS}", _LAID_OVER)
    return ()


def _iso(bundle: Bundle, order: Order) -> Segments:
    stock = bundle.in_iso(CONFIG)
    if not order.config:
        return iso.whole(bundle)
    if bundle.era is not Era.B2 or stock is None:
        why = "has no config.img that could be replaced" if stock is None else "is mounted without a config.img"
        raise CannotBoot(
            f"bundle {bundle.name} takes no configuration of a node's own by its GRUB: its ISO {why}; "
            "take route: direct, or eve_install_server as an argument"
        )
    image = config_partition.image(order.config, stock.size, bundle.stock)
    return iso.whole(bundle).replace(stock.offset, stock.offset + stock.size, image)
