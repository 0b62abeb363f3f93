"""The kernel's arguments of an installer from 13.4 on, in the order in which EVE's GRUB would have put them.

The values are those of EVE's pkg/grub/rootfs.cfg and of the installer's part of it, which boots as kvm whatever the
hypervisor.  An argument of the profile or the machine takes the place of all that stand here under the same key.
"""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.boot.args import Arg
from netbootd.boot.facts import Facts
from netbootd.boot.plan import Variant
from netbootd.payloads.eve.bundle import Bundle

ORIGIN = "EVE default"
QEMU = "QEMU"

_SIZES = (
    *("dom0_mem=640M,max:800M", "dom0_max_vcpus=1", "dom0_vcpus_pin"),
    *("eve_mem=520M,max:650M", "eve_max_vcpus=1"),
    *("ctrd_mem=320M,max:400M", "ctrd_max_vcpus=1"),
    "change=500",
)
_FLAVOR = ("pcie_acs_override=downstream,multifunction",)
_CRASH = ("crashkernel=2G-16G:128M,16G-128G:256M,128G-:512M",)
_CMDLINE = ("panic=120", "rfkill.default_state=0", "split_lock_detect=off", "log_buf_len=2M")
_EXTRA = ("getty", "rootwait")
_ARM_CONSOLES = ("console=tty0", "console=ttyS0,115200", "console=hvc0")
_QEMU_BOARD = ("console=ttyS0", "console=hvc0", "clocksource=tsc", "clocksource_failover=xen")
_OTHER_BOARD = ("console=tty0",)


@dataclass(frozen=True, slots=True)
class Line:
    """As `KernelPlan` has them."""

    args: tuple[Arg, ...]
    fallback: tuple[Arg, ...] = ()
    variants: tuple[Variant, ...] = ()


def kernel_line(bundle: Bundle, facts: Facts, root: tuple[str, ...], own: tuple[Arg, ...]) -> Line:
    """``root`` says where the installer's root is; ``own`` are the arguments of profile and machine."""
    own = tuple(arg for arg in own if not _of_the_old_layout(arg))
    asked = {arg.key for arg in own}
    fixed = _left((*root, *_fixed(bundle)), asked)
    if bundle.arch not in ("amd64", ""):
        return Line((*_left(_ARM_CONSOLES, asked), *fixed, *own))
    if facts.manufacturer is not None:
        board = _QEMU_BOARD if facts.manufacturer == QEMU else _OTHER_BOARD
        return Line((*_left(board, asked), *fixed, *own))
    qemu, other = _left(_QEMU_BOARD, asked), _left(_OTHER_BOARD, asked)
    return Line((*fixed, *own), other, (Variant(QEMU, qemu),) if qemu else ())


def _fixed(bundle: Bundle) -> tuple[str, ...]:
    crash = _CRASH if bundle.arch in ("amd64", "") else ()
    return (*_SIZES, *_FLAVOR, *crash, *bundle.cmdline.split(), *_CMDLINE, *_EXTRA)


def _left(words: tuple[str, ...], asked: set[str]) -> tuple[Arg, ...]:
    args = (_arg(word) for word in words)
    return tuple(arg for arg in args if arg.key not in asked)


def _arg(word: str) -> Arg:
    key, equals, value = word.partition("=")
    return Arg(key, value if equals else None, ORIGIN)


def _of_the_old_layout(arg: Arg) -> bool:
    """Of the payload's defaults, which are those of 6.3 to 13.3, the soft serial and the reboot still mean the same."""
    return arg.origin.startswith(ORIGIN) and not arg.key.startswith("eve_")
