"""Which way a bundle is booted, or why it cannot be.

Era A is booted as its own script does it (`classic`), the others without GRUB (`direct`).
"""

from __future__ import annotations

from netbootd.payloads.eve.bundle import Bundle, Era

_OF_THE_ISO = ("boot/kernel", "boot/initrd.img")
_ROOTFS = "rootfs_installer.img"


def refusal(bundle: Bundle) -> str:
    """Why this version of netbootd does not boot the bundle; "" where it does."""
    if not bundle.era.has_iso:
        return ""
    wanted = _OF_THE_ISO if bundle.era is Era.B1 else (*_OF_THE_ISO, _ROOTFS)
    if lacking := [path for path in wanted if bundle.in_iso(path) is None]:
        return f"bundle {bundle.name}: its installer.iso has no {', no '.join(lacking)} that lies in it in one piece"
    return ""
