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

from netbootd.boot.args import Arg, Layer
from netbootd.boot.plan import Document, Image, KernelPlan
from netbootd.payloads.base import CannotBoot, Order
from netbootd.payloads.eve import iso
from netbootd.payloads.eve.bundle import CONFIG, ISO, ROOTFS, Bundle, Era
from netbootd.wire import cpio
from netbootd.wire.cpio import PROGRAM, Entry, TooLong
from netbootd.wire.segments import NOTHING, Segments

INIT = "eve/init.sh"
"""The init for the eras in `OWN_INIT`, among the order's ``files``."""

OWN_INIT = frozenset({Era.B1, Era.B1X, Era.B2})
PLUMBING = "netbootd's way to boot this bundle"
_KERNEL, _INITRD = "boot/kernel", "boot/initrd.img"


def refusal(bundle: Bundle) -> str:
    """Why this bundle has no such route; "" where it has."""
    return iso.lacking(bundle, _KERNEL, _INITRD, *(() if bundle.era is Era.B1 else (ROOTFS,)))


def plan(bundle: Bundle, order: Order) -> KernelPlan:
    """How a node boots this bundle, which has an ISO.  Raises `CannotBoot`."""
    config = _config(bundle, order)
    root = tuple(_root(bundle, order, laid_over=bool(config.length)))
    documents = (
        Document("kernel", iso.part(bundle, _KERNEL)),
        Document("initrd", _initrd(bundle, config, order)),
    )
    kernel, initrd = (Image(order.document_url(each.name), each.name) for each in documents)
    return KernelPlan(kernel, (initrd,), (*root, *order.args), documents=documents)


def _root(bundle: Bundle, order: Order, *, laid_over: bool) -> Iterator[Arg]:
    """Where the init finds the installer's root, and the configuration to be laid over the one in it."""
    asked = {arg.key for arg in order.args}
    if "root" not in asked:
        yield Arg("root", f"/{ISO if bundle.era is Era.B1 else ROOTFS}", PLUMBING, Layer.PAYLOAD)
    if laid_over and "rootaddmount" not in asked:
        yield Arg("rootaddmount", f"/{CONFIG}:/{CONFIG}", PLUMBING, Layer.PAYLOAD)


def _initrd(bundle: Bundle, config: Segments, order: Order) -> Segments:
    """Microcode, where there is any, has to be the very first (Linux, x86/microcode.rst)."""
    early = (iso.part(bundle, each).padded(512) for each in ("boot/ucode.img",) if bundle.in_iso(each))
    try:
        late = cpio.archive(_entries(bundle, config, order))
    except TooLong as error:
        raise CannotBoot(f"bundle {bundle.name}: {error}") from None
    return Segments.of(*early, iso.part(bundle, _INITRD).padded(512), late)


def _entries(bundle: Bundle, config: Segments, order: Order) -> Iterator[Entry]:
    if bundle.era in OWN_INIT:
        yield Entry("init", Segments.of(order.files[INIT]), PROGRAM)
    if bundle.era is Era.B1:
        yield Entry(ISO, iso.whole(bundle))
    else:
        yield Entry(ROOTFS, iso.part(bundle, ROOTFS))
    if config.length:
        yield Entry(CONFIG, config)


def _config(bundle: Bundle, order: Order) -> Segments:
    """Nothing where the installer's own image holds it anyway."""
    if bundle.era is not Era.B1:
        return iso.config(bundle, order)
    if not order.config:
        return NOTHING
    if bundle.in_iso(CONFIG) is None:
        raise CannotBoot(
            f"bundle {bundle.name} takes no configuration of a node's own: its ISO, which is the root of its "
            "installer, has no /config.img that another could be laid over"
        )
    return iso.config(bundle, order)
