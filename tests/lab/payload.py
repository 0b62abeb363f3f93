"""What the lab's machines boot: a Debian kernel and a tiny userland that says on the console what it was given.

The kernel prints nothing itself that a test could trust; the userland prints the kernel's own ``/proc/cmdline`` between
two markers, then switches the machine off.

EVE's classic layout (up to 13.3) is stood in for by cpio parts in EVE's names and order.  The real ``rootfs.img`` is a
squashfs that the kernel keeps as ``/initrd.image``; Debian's kernel has no RAM disk built in and cannot do that, so
here all four parts are cpio.  Neighbouring parts carry the same file with different contents, so what is left of it
tells which of the two came later, and the userland prints the order that follows.
"""

from __future__ import annotations

import gzip
import itertools
import os
import shutil
from pathlib import Path

from netbootd.wire import cpio
from netbootd.wire.cpio import DIRECTORY, PROGRAM, Entry
from netbootd.wire.segments import Segments

BUSYBOXES = ("/bin/busybox", "/usr/bin/busybox")
KERNELS = (
    (Path(__file__).parents[2] / ".lab/kernel/boot", "vmlinuz-*"),
    (Path("/usr/lib/debian-installer/images"), "*/amd64/text/debian-installer/amd64/linux"),
    (Path("/boot"), "vmlinuz-*"),
)
"""Where a kernel may lie; any of a distribution will do.  The first is this checkout's own, for systems without the
package of Debian's installer."""
EVE_PARTS = ("initrd.img", "installer.img", "initrd.bits", "rootfs.img")

CMDLINE = r"NETBOOTD-LAB CMDLINE <(.*)>"
"""The pattern of the line with the kernel's arguments."""
ORDER = r"NETBOOTD-LAB ORDER <(.*)>"
"""The pattern of the line with the parts of the initrd, in the order they arrived."""
_INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
$b dmesg -n 1
[ -c /dev/ttyS0 ] && exec >/dev/ttyS0 2>&1
echo
echo "NETBOOTD-LAB CMDLINE <$($b cat /proc/cmdline)>"
[ -d /order ] && echo "NETBOOTD-LAB ORDER <$($b cat /order/first) $($b cat /order/*-*)>" | $b tr '\\n' ' ' && echo
echo "NETBOOTD-LAB END"
$b poweroff -f
"""


def kernel() -> Path | None:
    """A kernel this user may read, the newest of the first place that has any."""
    found = ([each for each in sorted(place.glob(pattern)) if os.access(each, os.R_OK)] for place, pattern in KERNELS)
    return next((paths[-1] for paths in found if paths), None)


def busybox() -> Path | None:
    """A busybox that runs without libraries."""
    found = (Path(path) for path in BUSYBOXES if Path(path).exists())
    return next((path for path in found if b"/ld-linux" not in path.read_bytes()[:4096]), None)


def initrd() -> bytes:
    """The userland: busybox and an ``/init``."""
    program = busybox()
    assert program is not None
    tree = [
        *(Entry(name, mode=DIRECTORY) for name in ("bin", "dev", "proc")),
        Entry("bin/busybox", Segments.of(program.read_bytes()), PROGRAM),
        Entry("init", Segments.of(_INIT.encode()), PROGRAM),
    ]
    return packed(tree)


def write_linux(directory: Path) -> None:
    """``vmlinuz`` and ``initrd.gz``, for a profile with ``payload: linux``."""
    directory.mkdir(parents=True)
    _copy_kernel(directory / "vmlinuz")
    (directory / "initrd.gz").write_bytes(initrd())


def write_eve_classic(directory: Path) -> None:
    """EVE's classic layout: ``kernel`` and the four parts of its initrd."""
    directory.mkdir(parents=True)
    _copy_kernel(directory / "kernel")
    for part in EVE_PARTS:
        (directory / part).write_bytes((initrd() if part == EVE_PARTS[0] else b"") + packed(witness(part)))


def _copy_kernel(path: Path) -> None:
    program = kernel()
    assert program is not None
    shutil.copyfile(program, path)


def witness(part: str) -> list[Entry]:
    """Files whose last writer tells the order: ``order/N-M`` is in part N and in part M, each with its own name."""
    pairs = itertools.pairwise(EVE_PARTS)
    names = [f"order/{n}-{n + 1}" for n, pair in enumerate(pairs, start=1) if part in pair]
    first = [Entry("order/first", Segments.of(part.encode()))] if part == EVE_PARTS[0] else []
    return [Entry("order", mode=DIRECTORY), *first, *(Entry(name, Segments.of(f"{part}\n".encode())) for name in names)]


def packed(tree: list[Entry]) -> bytes:
    """A gzip of the archive: unlike plain cpio, it may follow another part at any offset."""
    return gzip.compress(cpio.archive(tree).joined(), compresslevel=6, mtime=0)
