"""The kernel's arguments for a bundle with an ISO, key by key, each saying where it comes from.

They are those EVE's own GRUB would have built for this machine.  The bundle's menu is followed for them; where it
cannot be, the table of `netbootd.payloads.eve.boards` stands in.  It is followed twice, for this machine and for one
that says nothing of itself: what differs comes from the board.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from netbootd.boot.args import ArgSetting, Layer, merge, misnamed, problem
from netbootd.boot.facts import Facts
from netbootd.payloads.eve import boards
from netbootd.payloads.eve.bundle import Bundle
from netbootd.payloads.eve.grubcommands import Smbios
from netbootd.payloads.eve.grubscript import Menu, MenuError, evaluate
from netbootd.payloads.eve.grubsyntax import Script

ORIGIN = "EVE default"
CMDLINE = "EVE's boot/cmdline in the ISO"

STOCK = (
    ArgSetting("eve_soft_serial", ("{{ machine.mac | hexhyp }}",), ORIGIN, Layer.PAYLOAD),
    ArgSetting("eve_reboot_after_install", (), ORIGIN, Layer.PAYLOAD),
)
"""What the bundle's ``ipxe.efi.cfg`` sets for the installer, and since 13.4 no longer reaches it."""

_ARCH = {"amd64": "x86_64", "": "x86_64"}
ROOT_KEYS = frozenset({"root", "rootimg", "rootaddmount", "BOOT_IMAGE"})


@dataclass(frozen=True, slots=True)
class Line:
    """Words in order, each with its origin; the root is not among them."""

    words: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    """What is worth knowing of how they were found."""


def kernel_line(bundle: Bundle, facts: Facts) -> tuple[ArgSetting, ...]:
    """All of them but the root, which whoever makes the initrd knows."""
    return merge(_settings(line(bundle, smbios(facts)).words), STOCK)


def smbios(facts: Facts) -> Smbios:
    """What is known of the machine, as its firmware would say it."""
    return Smbios(
        manufacturer=facts.manufacturer or "",
        product=facts.product or "",
        serial=facts.serial or "",
        asset=facts.asset or "",
    )


def line(bundle: Bundle, machine: Smbios) -> Line:
    """The bundle's menu followed, or what the table says.  Never raises."""
    try:
        return _of_menu(bundle, machine)
    except MenuError as error:
        return _of_table(bundle, machine, str(error))


def _of_menu(bundle: Bundle, machine: Smbios) -> Line:
    script = bundle.menu()
    menu = _followed(bundle, script, machine)
    stranger = _followed(bundle, script, Smbios())
    words = menu.kernel_args
    for word in words:
        if why := _unfit(word):
            raise MenuError(f"its argument {word[:60]!r}: {why}")
    if not any(word.startswith("root=") for word in words):
        raise MenuError("it names no root")
    usual = Counter(stranger.kernel_args)
    named = tuple((word, _origin(bundle, machine, word, usual)) for word in words if not _is_root(word))
    return Line(named, menu.notes)


def _followed(bundle: Bundle, script: Script, machine: Smbios) -> Menu:
    return evaluate(
        script,
        bundle.grub_include,
        machine,
        arch=arch_of(bundle),
        cmdline=bundle.cmdline,
        files=[file.path for file in bundle.iso],
    )


def _origin(bundle: Bundle, machine: Smbios, word: str, usual: Counter[str]) -> str:
    if not usual[word]:
        return _of_board(machine)
    usual[word] -= 1
    if word in bundle.cmdline.split():
        return CMDLINE
    return f"EVE {bundle.version}'s own menu" if bundle.version else "EVE's own menu"


def _of_table(bundle: Bundle, machine: Smbios, why: str) -> Line:
    arch = arch_of(bundle)
    found = boards.pieces(arch, machine, bundle.cmdline, bundle.version, bundle.release)
    usual = boards.pieces(arch, Smbios(), bundle.cmdline, bundle.version, bundle.release)
    board = _of_board(machine)
    cmdline = bundle.cmdline.split()
    words = (
        *((word, ORIGIN if found.console == usual.console else board) for word in found.console),
        *((word, ORIGIN) for word in found.sizes),
        *((word, board) for word in found.tweaks),
        *((word, ORIGIN) for word in found.flavor),
        *((word, CMDLINE if word in cmdline else ORIGIN) for word in found.cmdline),
        *((word, ORIGIN) for word in found.extra),
    )
    fit = tuple((word, origin) for word, origin in words if not _unfit(word))
    note = f"its own menu cannot be followed ({why}); EVE's usual arguments stand in for it"
    return Line(fit, (note,))


def _of_board(machine: Smbios) -> str:
    return f"{ORIGIN} for {' '.join(text for text in (machine.manufacturer, machine.product) if text)}"


def arch_of(bundle: Bundle) -> str:
    """GRUB's word for what the bundle runs on."""
    return _ARCH.get(bundle.arch, bundle.arch)


def _is_root(word: str) -> bool:
    return word.partition("=")[0] in ROOT_KEYS


def _unfit(word: str) -> str:
    """Why this word of a bundle's cannot be an argument; a bundle's text must never be a template either."""
    if "{" in word or "}" in word:
        return "it holds a brace"
    key, _, value = word.partition("=")
    return misnamed(key) or problem(value)


def _settings(words: Iterable[tuple[str, str]]) -> tuple[ArgSetting, ...]:
    """Repeated keys (``console``) become one setting, with the origin of the last value: the one that counts."""
    gathered: dict[str, ArgSetting] = {}
    for word, origin in words:
        key, equals, value = word.partition("=")
        values = (value,) if equals else ()
        old = gathered.get(key)
        if old is None:
            gathered[key] = ArgSetting(key, values, origin, Layer.PAYLOAD)
        else:
            gathered[key] = replace(old, values=(*(old.values or ()), *values), origin=origin)
    return tuple(gathered.values())
