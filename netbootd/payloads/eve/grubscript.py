"""What EVE's GRUB would have booted: a bundle's own menu, followed for one machine.

The menu (``EFI/BOOT/grub.cfg`` of the ISO, EVE's pkg/grub/rootfs.cfg) builds the kernel's arguments from what GRUB
finds: SMBIOS strings, the label of the ISO, files in it.  Here GRUB is played: `Smbios` and the names of the ISO's
files stand for the machine, and the arguments of ``linux`` in the default entry come out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from netbootd.payloads.eve.grubcommands import CONFIG, LINUX, Entry, Grub, Iso, Smbios
from netbootd.payloads.eve.grubshell import Shell
from netbootd.payloads.eve.grubsyntax import Command, Literal, MenuError, Script, Variable, Word, parse

__all__ = ["Menu", "MenuError", "evaluate"]


@dataclass(frozen=True, slots=True)
class Menu:
    """The default entry, as it would have booted."""

    title: str
    kernel: str
    kernel_args: tuple[str, ...]
    """In GRUB's order."""
    initrds: tuple[str, ...]
    variables: Mapping[str, str]
    notes: tuple[str, ...]
    """What was left out."""
    named: tuple[str, ...] = ()
    """The variables that ``kernel_args`` are put together from, in order; empty where there is more than variables."""


def evaluate(
    grub: str | Script,
    include: str,
    machine: Smbios,
    *,
    arch: str,
    netboot: bool = True,
    cmdline: str = "",
    files: Collection[str] = (),
    config: str | None = None,
) -> Menu:
    """Follow ``grub``, as text or parsed, for ``machine``.  Raises `MenuError`.

    ``include`` and ``cmdline`` are the texts of the ISO's own files of that kind, ``files`` its paths; ``arch`` is
    GRUB's word: x86_64, arm64, riscv64.  ``config`` is a node's own part, which the menu finds by ``config_grub_cfg``.
    """
    played = Grub(machine, Iso(include, cmdline, frozenset(path.strip("/") for path in files)), config)
    device = "loop0" if netboot else "cd0"
    # As the outer grub.cfg of installer_net leaves it.  The server's name does not matter: the menu tells a disk by it.
    outer = {"root": device, "grub_cpu": arch, "grub_platform": "efi", "cmddevice": "http,server" if netboot else "cd0"}
    if netboot:
        outer["isnetboot"] = "true"
    if config is not None:
        outer["config_grub_cfg"] = CONFIG
    shell = Shell(played.commands(), outer)
    with shell.context():
        shell.run(parse(grub) if isinstance(grub, str) else grub)
        entry = _chosen(played.entries, shell.get("default"))
        shell.run(entry.body)
        return _menu(entry, played, shell)


def _menu(entry: Entry, played: Grub, shell: Shell) -> Menu:
    if not played.kernel:
        raise MenuError("its first entry starts no Linux kernel")
    kernel, *args = played.kernel
    variables = MappingProxyType(shell.variables)
    words = tuple(arg for arg in args if arg)
    return Menu(entry.title, kernel, words, played.initrds, variables, shell.notes, _named(entry.body, shell))


def _named(body: Script, shell: Shell) -> tuple[str, ...]:
    """What stands behind the kernel in the command that loads it, where each word of it is a variable."""
    for statement in body:
        match statement:
            case Command((command, _, *words), None) if _text_of(command, shell) in LINUX:
                names = [word.pieces[0].name for word in words if _is_variable(word)]  # type: ignore[union-attr]
                return tuple(names) if len(names) == len(words) else ()
    return ()


def _is_variable(word: Word) -> bool:
    return len(word.pieces) == 1 and isinstance(word.pieces[0], Variable)


def _text_of(word: Word, shell: Shell) -> str:
    return "".join(piece.text if isinstance(piece, Literal) else shell.get(piece.name) for piece in word.pieces)


def _chosen(entries: list[Entry], default: str) -> Entry:
    if not entries:
        raise MenuError("it has no entry to boot")
    for number, entry in enumerate(entries):
        if default in (str(number), entry.title):
            return entry
    return entries[0]
