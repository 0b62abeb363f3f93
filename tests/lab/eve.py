"""EVE installers for the lab's machines: the layouts of the releases, filled with our own.

What is real is the way: a kernel in an ISO, an initrd with a busybox, a squashfs that an ``/init`` mounts, and in it a
``/sbin/init`` that reads ``/config.img`` as the installer does, by a bind mount and the kernel's own vfat.  It says on
the console what it was given, and switches the machine off.  The kernel is a distribution's, with its file systems as
modules; EVE's has them built in.  GRUB and its menu are in `tests.lab.grub`.

Up to 13.3 (era A) there is no ISO, and the installer is what several archives leave when they are unpacked one over the
other.  Its ``rootfs.img``, a squashfs that needs a kernel with RAM disks built in, is one more archive here.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from netbootd.payloads.eve.bundle import Era
from netbootd.wire import fat
from netbootd.wire.cpio import DIRECTORY, PROGRAM, Entry
from netbootd.wire.segments import Segments
from tests.lab import distribution, grub, payload
from tests.lab.namespace import LabError
from tests.support import eve_bundles

MODULES = ("loop", "squashfs", "isofs", "cdrom", "vfat", "fat", "nls_cp437", "nls_ascii", "nls_utf8")
STOCK, INSIDE = b"stock.example.net\n", b"inside.example.net\n"
"""The server in the configuration of the release: in the ISO, and in the squashfs, where it is for want of another."""

ROOT = r"NETBOOTD-LAB ROOT <(.*)>"
"""The pattern of the line that tells what the installer's root is."""
INIT = r"NETBOOTD-LAB INIT <(.*)>"
"""Whose init it was, where it was the one of the release."""
CONFIG = r"NETBOOTD-LAB CONFIG <(.*)>"
"""The pattern of the line with all files of the configuration, ``path=content``."""

_INSTALLER = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
$b mount -t tmpfs tmp /tmp
$b dmesg -n 1
$b mkdir /tmp/bits /tmp/config
$b touch /tmp/bits/config.img
$b mount -o bind /config.img /tmp/bits/config.img || echo "the configuration cannot be mounted anew"
$b mount -t vfat -o ro,loop /tmp/bits/config.img /tmp/config || echo "the configuration cannot be read"
exec >/dev/ttyS0 2>&1
echo
echo "NETBOOTD-LAB CMDLINE <$($b cat /proc/cmdline)>"
echo "NETBOOTD-LAB ROOT <$($b sed -n 's/^[^ ]* \\/ \\([^ ]*\\) ro.*/\\1/p' /proc/mounts) $($b cat /release)>"
cd /tmp/config
found=
for f in $($b find . -type f | $b sort); do found="$found ${f#./}=$($b cat "$f")"; done
echo "NETBOOTD-LAB CONFIG <${found# }>"
echo "NETBOOTD-LAB END"
$b poweroff -f
"""
# What follows is as the release's own.  Where GRUB is left out, only B3's runs.  It takes the installer's root and its
# configuration out of the initrd.
_INIT_B3 = """#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
modprobe -a loop squashfs vfat nls_cp437 nls_ascii nls_utf8
echo "NETBOOTD-LAB INIT <of the release>" >/dev/ttyS0
mkdir /newroot /kept
mount -t tmpfs kept /kept
root=$(tr ' ' '\\n' </proc/cmdline | sed -n 's/^root=//p')
mount -o ro,loop "$root" /newroot
for pair in $(tr ' ' '\\n' </proc/cmdline | sed -n 's/^rootaddmount=//p'); do
    cp "${pair%:*}" /kept
    mount -o bind "/kept/${pair%:*}" "/newroot/${pair#*:}"
done
exec switch_root /newroot /sbin/init
"""
# Those before take them out of the ISO, which is in the initrd as a whole.
_INIT_ISO = """#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
modprobe -a loop squashfs isofs vfat nls_cp437 nls_ascii nls_utf8
echo "NETBOOTD-LAB INIT <of the release>" >/dev/ttyS0
mkdir /iso /newroot
words=$(tr ' ' '\\n' </proc/cmdline)
iso=$(echo "$words" | sed -n 's/^root=//p')
image=$(echo "$words" | sed -n 's/^rootimg=//p')
if [ -n "$image" ]; then
    mount -o ro,loop "$iso" /iso
    mount -o ro,loop "/iso$image" /newroot
else
    mount -o ro,loop "$iso" /newroot
fi
for pair in $(echo "$words" | sed -n 's/^rootaddmount=//p'); do
    mount -o bind "/iso${pair%:*}" "/newroot/${pair#*:}"
done
exec switch_root /newroot /sbin/init
"""
# In era A the archives are the installer's root.
_INIT_A = """#!/bin/sh
mkdir -p /tmp
mount -t devtmpfs dev /dev
modprobe -a loop vfat nls_cp437 nls_ascii nls_utf8
ln -s media/root-rw/config.img /config.img
exec /sbin/init
"""
_INITS = {Era.A: _INIT_A, Era.B3: _INIT_B3}
_APPLETS = ("sh", "cat", "cp", "echo", "ln", "mkdir", "modprobe", "mount", "mv", "poweroff", "sed", "switch_root", "tr")


def write(directory: Path, era: Era) -> None:
    """An unpacked ``installer_net`` of that era.  Raises `LabError` where something to make it of is missing."""
    _require()
    if era is Era.A:
        eve_bundles.put(directory, _classic_files())
        return
    work = directory.with_name(f".{directory.name}")
    tree = eve_bundles.put(work / "iso", _iso_files(era))
    if era is Era.B1:
        _installer_root(tree, era)
    else:
        _installer_root(work / "root", era)
        _squashed(work / "root", tree / "rootfs_installer.img")
        (tree / "config.img").write_bytes(config_image(STOCK))
    eve_bundles.put(directory, {"EFI/BOOT/BOOTX64.EFI": grub.program(), "EFI/BOOT/grub.cfg": b"# of installer_net"})
    eve_bundles.put(tree, grub.headers(tree))
    options = ("-as", "mkisofs", "-quiet", "-R", "-V", "EVEISO", "-o", directory / "installer.iso", tree)
    subprocess.run(["xorriso", *options], check=True, capture_output=True)
    grub.complete(directory / "installer.iso")
    shutil.rmtree(work)


def config_image(server: bytes) -> bytes:
    """A config.img of the release."""
    return fat.image({"server": server}, kib=1024).joined()


def _classic_files() -> dict[str, bytes]:
    stock = [Entry("media", mode=DIRECTORY), Entry("media/root-rw", mode=DIRECTORY)]
    stock.append(Entry("media/root-rw/config.img", Segments.of(config_image(STOCK))))
    return {
        "kernel": distribution.kernel().read_bytes(),
        "initrd.img": payload.packed(list(_initrd(Era.A))),
        "installer.img": payload.packed(stock),
        "initrd.bits": payload.packed([Entry("bits")]),
        "rootfs.img": payload.packed([Entry("release", Segments.of(f"{eve_bundles.VERSIONS[Era.A]}\n".encode()))]),
    }


def _iso_files(era: Era) -> dict[str, bytes]:
    return {
        **grub.files(era),
        "boot/kernel": distribution.kernel().read_bytes(),
        "boot/cmdline": f"{eve_bundles.CMDLINE}\n".encode(),
        "boot/initrd.img": payload.packed(list(_initrd(era))),
    }


def _initrd(era: Era) -> Iterator[Entry]:
    """The initrd of the ISO: a busybox, an init, and what makes the kernel one like EVE's."""
    program = payload.busybox()
    assert program is not None
    for name in ("bin", "dev", "proc", "sys"):
        yield Entry(name, mode=DIRECTORY)
    yield Entry("bin/busybox", Segments.of(program.read_bytes()), PROGRAM)
    if era is Era.A:
        yield Entry("sbin", mode=DIRECTORY)
        yield Entry("sbin/init", Segments.of(_INSTALLER.encode()), PROGRAM)
    for applet in _APPLETS:
        yield Entry(f"bin/{applet}", Segments.of(b"busybox"), 0o120777)
    yield Entry("init", Segments.of(_INITS.get(era, _INIT_ISO).encode()), PROGRAM)
    yield from distribution.modules(MODULES)


def _installer_root(tree: Path, era: Era) -> None:
    program = payload.busybox()
    assert program is not None
    files = {
        "bin/busybox": program.read_bytes(),
        "sbin/init": _INSTALLER.encode(),
        "config.img": config_image(STOCK if era is Era.B1 else INSIDE),
        "release": f"{eve_bundles.VERSIONS[era]}\n".encode(),
    }
    eve_bundles.put(tree, files)
    for name in ("bin/busybox", "sbin/init"):
        (tree / name).chmod(0o755)
    for name in ("dev", "proc", "sys", "tmp"):
        (tree / name).mkdir()


def _squashed(tree: Path, image: Path) -> None:
    options = ("-noappend", "-no-progress", "-all-root", "-comp", "gzip", "-quiet")
    subprocess.run(["mksquashfs", tree, image, *options], check=True, capture_output=True)


def _require() -> None:
    if missing := [name for name in ("mksquashfs", "xorriso") if shutil.which(name) is None]:
        raise LabError(f"the lab's EVE cannot be made without {' and '.join(missing)}: make setup")
    distribution.kernel()
