"""LF Edge EVE-OS from 13.4 on, booted without GRUB: the kernel, then one initrd made while it is read.

The stock way chain-loads a GRUB that mounts installer.iso over the network.  No argument and no file of a node's own
gets through it, and behind a cloud's router it finds no server.  Here iPXE loads the kernel that lies in the ISO, and
after it one stream: the ISO's initrd, padded, and a cpio archive with what the installer needs.  It is made of extents
of the ISO, so nothing is unpacked or copied, and a node's own ``config.img`` costs a few KiB.  One stream, because
iPXE of 2019 cannot wrap files itself, and an EFI kernel joins several initrds without padding and then overlooks the
second (both seen in QEMU).

What the eras would have needed differs.  Era B3's own init mounts ``/rootfs_installer.img`` and lays ``/config.img``
over the installer's, so it gets just that.  For B1, B1x and B2 there were two ways:

- EVE's own init and the whole ISO, with its config.img replaced.  It works for B2 alone: B1x passes its init no
  ``rootimg=``, and where the ISO has no config.img of its own (``make installer-net``) there is nothing to replace.
- An init of netbootd's own (`INIT`), as the last ``/init`` the kernel unpacks.  It does for all three what B3's does.

The second is taken.  It boots the releases that are broken as released, gives each of them per-node configuration,
sends the squashfs without the ISO around it, and stops in words where EVE's own would go on with the wrong
configuration.  The payload is untouched: same kernel, same initrd, same installer image, byte for byte.  The price is
a shell script of netbootd's that runs for a second in EVE's initrd; ``netbootd bundles show`` says where it lies.
"""

from __future__ import annotations

from collections.abc import Iterator

from netbootd.boot.args import Arg
from netbootd.boot.plan import Document, Image, KernelPlan
from netbootd.payloads.base import CannotBoot, Order
from netbootd.payloads.eve import config_partition
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile
from netbootd.payloads.eve.kernel_line import PLUMBING
from netbootd.wire import cpio
from netbootd.wire.cpio import PROGRAM, Entry, TooLong
from netbootd.wire.segments import NOTHING, Extent, Segments

ISO = "installer.iso"
ROOTFS = "rootfs_installer.img"
CONFIG = "config.img"

INIT = "eve/init.sh"
"""The init for the eras in `OWN_INIT`, among the order's ``files``."""

OWN_INIT = frozenset({Era.B1, Era.B1X, Era.B2})
_SAFE_CONFIG = 1 << 20
"""Bytes of the CONFIG partition up to 16.12; it may be smaller than the partition, never larger."""


def plan(bundle: Bundle, order: Order) -> KernelPlan:
    """How a node boots this bundle, which has an ISO.  Raises `CannotBoot`."""
    config = _config(bundle, order)
    root = tuple(_root(bundle, order, laid_over=bool(config.length)))
    documents = (
        Document("kernel", _of_iso(bundle, "boot/kernel")),
        Document("initrd", _initrd(bundle, config, order)),
    )
    kernel, initrd = (Image(order.document_url(each.name), each.name) for each in documents)
    return KernelPlan(kernel, (initrd,), (*root, *order.args), documents=documents)


def _root(bundle: Bundle, order: Order, *, laid_over: bool) -> Iterator[Arg]:
    """Where the init finds the installer's root, and the configuration to be laid over the one in it."""
    asked = {arg.key for arg in order.args}
    if "root" not in asked:
        yield Arg("root", f"/{ISO if bundle.era is Era.B1 else ROOTFS}", PLUMBING)
    if laid_over and "rootaddmount" not in asked:
        yield Arg("rootaddmount", f"/{CONFIG}:/{CONFIG}", PLUMBING)


def _initrd(bundle: Bundle, config: Segments, order: Order) -> Segments:
    """Microcode, where there is any, has to be the very first (Linux, x86/microcode.rst)."""
    early = (_of_iso(bundle, each).padded(512) for each in ("boot/ucode.img",) if bundle.in_iso(each))
    try:
        late = cpio.archive(_entries(bundle, config, order))
    except TooLong as error:
        raise CannotBoot(f"bundle {bundle.name}: {error}") from None
    return Segments.of(*early, _of_iso(bundle, "boot/initrd.img").padded(512), late)


def _entries(bundle: Bundle, config: Segments, order: Order) -> Iterator[Entry]:
    if bundle.era in OWN_INIT:
        yield Entry("init", Segments.of(order.files[INIT]), PROGRAM)
    if bundle.era is Era.B1:
        yield Entry(ISO, Segments.of(Extent(_iso(bundle), 0, bundle.iso_size)))
    else:
        yield Entry(ROOTFS, _of_iso(bundle, ROOTFS))
    if config.length:
        yield Entry(CONFIG, config)


def _config(bundle: Bundle, order: Order) -> Segments:
    """The node's own where it has files, else that of the ISO; nothing where the installer's image holds it anyway."""
    stock = bundle.in_iso(CONFIG)
    if order.config:
        return _own_config(bundle, stock, order)
    return _of_iso(bundle, CONFIG) if stock and bundle.era is not Era.B1 else NOTHING


def _own_config(bundle: Bundle, stock: IsoFile | None, order: Order) -> Segments:
    if bundle.era is Era.B1 and stock is None:
        raise CannotBoot(
            f"bundle {bundle.name} takes no configuration of a node's own: its ISO, which is the root of its "
            "installer, has no /config.img that another could be laid over"
        )
    size = bundle.config_size or (stock.size if stock else _SAFE_CONFIG)
    return config_partition.image(order.config, size, bundle.stock)


def _of_iso(bundle: Bundle, path: str) -> Segments:
    file = bundle.in_iso(path)
    if file is None:
        raise CannotBoot(f"bundle {bundle.name}: its {ISO} has no {path} that lies in it in one piece")
    return Segments.of(Extent(_iso(bundle), file.offset, file.size))


def _iso(bundle: Bundle) -> str:
    return f"{bundle.directory}/{ISO}"
