"""An installer for the lab's machines: it writes a disk that boots, and tells netbootd how that went, or does not.

It is a distribution's kernel with a userland of our own.  What it does is in its arguments:

``lab=install``   writes the image it brings to the first disk, and counts in the last sector that it did so;
``lab=hang``      does nothing, for ever;
``lab=fail``      writes nothing;
``lab=system``    is no installer but what was installed: it asks for an address, as any system does when it starts;
``done=URL``, ``failed=URL``    where to call, with as many tries as it takes;
``key=1``         before it does anything, and again before it calls, it waits for a key.

The image is most of what it brings, so that there is time to break its download.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from netbootd.wire import cpio
from netbootd.wire.cpio import DIRECTORY, PROGRAM, Entry
from netbootd.wire.segments import Segments
from tests.lab import distribution, grub, payload
from tests.lab.disks import LOCAL, boot_sector, uefi_image, uefi_program

BEGINS = r"NETBOOTD-LAB INSTALLER <(.*)>"
"""The pattern of its first line, with its arguments."""
WRITTEN = r"NETBOOTD-LAB WRITTEN <(\d+)>"
"""The disk holds the image; for which time."""
HANGS, FAILS = "NETBOOTD-LAB HANGS", "NETBOOTD-LAB FAILS"
CALLED = r"NETBOOTD-LAB CALLED <(.*)>"
"""netbootd has answered its call."""
SYSTEM = r"NETBOOTD-LAB SYSTEM <(\S+)>"
"""What was installed runs, and has this address."""
WHY = "disk: no space left on /dev/vda"
"""What it says of a failure."""
FILES = ("vmlinuz", "image.cpio", "installer.gz")
"""Of which the last two are its initrds, in this order."""

_MIB = 48
_DISK = 64 << 20
_COUNT = _DISK - 512

_INIT = f"""#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
dmesg -n 1
modprobe -a virtio_pci virtio_blk virtio_net
exec </dev/ttyS0 >/dev/ttyS0 2>&1
said() {{ tr ' ' '\\n' </proc/cmdline | sed -n "s/^$1=//p"; }}
key() {{ [ -z "$(said key)" ] || read -r _; }}
online() {{
    ip link set eth0 up
    until udhcpc -q -n -i eth0 -s /lease -t 10 >/dev/null; do sleep 1; done
}}
called() {{
    online
    until answer=$(wget -q -O - "$1" 2>/dev/null); do sleep 1; done
    echo "NETBOOTD-LAB CALLED <$answer>"
}}
echo
case $(said lab) in
system)
    echo "{LOCAL}"
    online
    echo "NETBOOTD-LAB SYSTEM <$(ip -4 addr show dev eth0 | sed -n 's/.*inet \\([0-9.]*\\).*/\\1/p')>"
    while :; do sleep 1000; done ;;
hang)
    echo "{HANGS}"
    while :; do sleep 1000; done ;;
fail)
    echo "{FAILS}"
    called "$(said failed)?message=$(echo '{WHY}' | sed 's/ /%20/g')"
    while :; do sleep 1000; done ;;
esac
echo "NETBOOTD-LAB INSTALLER <$(cat /proc/cmdline)>"
key
last=$(($(cat /sys/block/vda/size) - 1))
times=$(dd if=/dev/vda bs=512 skip=$last 2>/dev/null | tr -d '\\000')
times=$((times + 1))
echo $times | dd of=/dev/vda bs=512 seek=$last 2>/dev/null
dd if=/image of=/dev/vda bs=1M 2>/dev/null
sync
echo "NETBOOTD-LAB WRITTEN <$times>"
key
[ -z "$(said done)" ] || called "$(said done)"
echo "NETBOOTD-LAB RESTARTS"
reboot -f
"""
_LEASE = """#!/bin/sh
[ "$1" != bound ] || ip addr add "$ip/$mask" dev "$interface"
"""
_APPLETS = (
    *("sh", "cat", "dd", "dmesg", "echo", "ip", "modprobe", "mount", "reboot", "sed", "sleep", "sync", "tr", "udhcpc"),
    *("wget",),
)
_GRUB = """\
set timeout=0
set default=0
menuentry "Start what was installed" {
    linux /vmlinuz console=ttyS0 quiet lab=system
    initrd /system.gz
}
"""


class Brings(Enum):
    """What an installer installs.  All of them say `LOCAL` when they are booted."""

    BIOS = "a boot sector"
    UEFI = "a program for UEFI"
    SYSTEM = "a Linux for UEFI, which then asks for an address"


def write(directory: Path, brings: Brings) -> None:
    """An installer, as `FILES`.  Raises `LabError` where something to make it of is missing."""
    image = _image(brings)
    directory.mkdir(parents=True)
    shutil.copyfile(distribution.kernel(), directory / "vmlinuz")
    # First, since plain cpio has to begin where nothing is before it.
    (directory / "image.cpio").write_bytes(cpio.archive([Entry("image", Segments.of(image))]).joined())
    (directory / "installer.gz").write_bytes(payload.packed(list(_userland())))


def blank_disk(path: Path) -> Path:
    """Nothing is on it."""
    with path.open("wb") as disk:
        disk.truncate(_DISK)
    return path


def times_installed(disk: Path) -> int:
    """How often something was installed on it."""
    with disk.open("rb") as opened:
        opened.seek(_COUNT)
        return int(opened.read(512).strip(b"\0\n") or b"0")


def _image(brings: Brings) -> bytes:
    match brings:
        case Brings.BIOS:
            return boot_sector().ljust(_MIB << 20, b"\0")
        case Brings.UEFI:
            return uefi_image({"EFI/BOOT/BOOTX64.EFI": uefi_program()}, mib=_MIB)
        case Brings.SYSTEM:
            files = {
                "EFI/BOOT/BOOTX64.EFI": grub.program(),
                "EFI/BOOT/grub.cfg": _GRUB.encode(),
                "vmlinuz": distribution.kernel().read_bytes(),
                "system.gz": payload.packed(list(_userland())),
            }
            return uefi_image(files, mib=_MIB)


def _userland() -> Iterator[Entry]:
    program = payload.busybox()
    assert program is not None
    for name in ("bin", "dev", "proc", "sys"):
        yield Entry(name, mode=DIRECTORY)
    yield Entry("bin/busybox", Segments.of(program.read_bytes()), PROGRAM)
    for applet in _APPLETS:
        yield Entry(f"bin/{applet}", Segments.of(b"busybox"), 0o120777)
    yield Entry("init", Segments.of(_INIT.encode()), PROGRAM)
    yield Entry("lease", Segments.of(_LEASE.encode()), PROGRAM)
    yield from distribution.modules(("virtio_pci", "virtio_blk", "virtio_net"))
