"""What the lab needs from the system, and the one line that gets it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.lab import payload
from tests.lab.firmware import OVMF
from tests.lab.namespace import PATH, LabError

_PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "dnsmasq": "dnsmasq-base",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
_FILES = {"/usr/lib/ipxe/undionly.kpxe": "ipxe", "/usr/lib/ipxe/qemu/pxe-e1000.rom": "ipxe-qemu"}
_TUN = Path("/dev/net/tun")


def require() -> None:
    """Raise `LabError`, in one line that says how to mend it, when a machine cannot be booted here."""
    if packages := sorted(set(_missing())):
        raise LabError(f"the firmware lab lacks packages: sudo apt-get install {' '.join(packages)}")
    if not os.access(_TUN, os.R_OK | os.W_OK):
        how = "sudo chmod 666 /dev/net/tun" if _TUN.exists() else "sudo modprobe tun"
        raise LabError(f"virtual machines cannot be plugged into a network without {_TUN}: {how}, or run as root")


def _missing() -> Iterator[str]:
    yield from (package for program, package in _PROGRAMS.items() if shutil.which(program, path=PATH) is None)
    yield from (package for file, package in _FILES.items() if not Path(file).exists())
    if not any(Path(code).exists() for code, _ in OVMF):
        yield "ovmf"
    if payload.busybox() is None:
        yield "busybox-static"
    if payload.kernel() is None:
        yield "debian-installer-12-netboot-amd64"
