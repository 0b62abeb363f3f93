"""What EVE's GRUB would have booted: a bundle's own menu, followed for one machine.

The menu (``EFI/BOOT/grub.cfg`` of the ISO, EVE's pkg/grub/rootfs.cfg) builds the kernel's arguments from what GRUB
finds: SMBIOS strings, the label of the ISO, files in it.  Here GRUB is played: `Smbios` and the names of the ISO's
files stand for the machine, and the arguments of ``linux`` in the default entry come out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from netbootd.payloads.eve import ere
from netbootd.payloads.eve.grubshell import Builtin, Shell
from netbootd.payloads.eve.grubsyntax import Command, Literal, MenuError, Script, Variable, Word, parse
from netbootd.payloads.eve.grubtest import holds

__all__ = ["Menu", "MenuError", "Smbios", "evaluate"]

LABEL = "EVEISO"
_CONFIG = "(http,server)/grub.cfg"
_LINUX = ("linux", "linuxefi")
_PATTERN_COST = 40
"""What one character against one of a pattern costs, in characters made."""
BLOCK = 512
"""``cat -s`` reads no more than a disk block into a variable (EVE's patch 0002 to GRUB)."""


@dataclass(frozen=True, slots=True)
class Smbios:
    """What the firmware says of the machine; "" where it says nothing."""

    manufacturer: str = ""
    product: str = ""
    version: str = ""
    serial: str = ""
    sku: str = ""
    family: str = ""
    asset: str = ""
    """The chassis's asset tag."""


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
    played = _Grub(machine, _Iso(include, cmdline, frozenset(path.strip("/") for path in files)), config)
    device = "loop0" if netboot else "cd0"
    # As the outer grub.cfg of installer_net leaves it.  The server's name does not matter: the menu tells a disk by it.
    outer = {"root": device, "grub_cpu": arch, "grub_platform": "efi", "cmddevice": "http,server" if netboot else "cd0"}
    if netboot:
        outer["isnetboot"] = "true"
    if config is not None:
        outer["config_grub_cfg"] = _CONFIG
    shell = Shell(played.commands(), outer)
    with shell.context():
        shell.run(parse(grub) if isinstance(grub, str) else grub)
        entry = _chosen(played.entries, shell.get("default"))
        shell.run(entry.body)
        return _menu(entry, played, shell)


def _menu(entry: _Entry, played: _Grub, shell: Shell) -> Menu:
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
            case Command((command, _, *words), None) if _text_of(command, shell) in _LINUX:
                names = [word.pieces[0].name for word in words if _is_variable(word)]  # type: ignore[union-attr]
                return tuple(names) if len(names) == len(words) else ()
    return ()


def _is_variable(word: Word) -> bool:
    return len(word.pieces) == 1 and isinstance(word.pieces[0], Variable)


def _text_of(word: Word, shell: Shell) -> str:
    return "".join(piece.text if isinstance(piece, Literal) else shell.get(piece.name) for piece in word.pieces)


@dataclass(frozen=True, slots=True)
class _Entry:
    title: str
    body: Script


def _chosen(entries: list[_Entry], default: str) -> _Entry:
    if not entries:
        raise MenuError("it has no entry to boot")
    for number, entry in enumerate(entries):
        if default in (str(number), entry.title):
            return entry
    return entries[0]


@dataclass(frozen=True, slots=True)
class _Iso:
    """The one device with files on it; GRUB can list nothing on a network device, so nothing is found there."""

    include: str
    cmdline: str
    files: frozenset[str]

    def path(self, name: str, root: str) -> str:
        """A file's path in the ISO, or "" where GRUB's name for it is on another device."""
        device, closing, path = name[1:].partition(")") if name.startswith("(") else (root, ")", name)
        return path.strip("/") if closing and device == root and device in ("loop0", "cd0") else ""

    def has(self, path: str) -> bool:
        return path != "" and (path in self.files or self.text(path) is not None)

    def text(self, path: str) -> str | None:
        known = {"EFI/BOOT/grub_include.cfg": self.include, "boot/cmdline": self.cmdline}
        return known.get(path) or None


@dataclass(slots=True)
class _Grub:
    """GRUB's commands, and what they leave behind."""

    machine: Smbios
    iso: _Iso
    config: str | None = None
    entries: list[_Entry] = field(default_factory=list)
    kernel: tuple[str, ...] = ()
    initrds: tuple[str, ...] = ()

    def commands(self) -> Mapping[str, Builtin]:
        return {
            **dict.fromkeys(_QUIET, _true),
            **dict.fromkeys(_FAILING, _false),
            **dict.fromkeys(_LINUX, self._linux),
            **dict.fromkeys(("initrd", "initrdefi"), self._initrd),
            **dict.fromkeys(("menuentry", "submenu"), self._menuentry),
            **dict.fromkeys(("source", "."), self._source),
            "[": self._bracket,
            "test": self._test,
            "cat": self._cat,
            "configfile": self._configfile,
            "export": _export,
            "probe": self._probe,
            "regexp": _regexp,
            "set": _set,
            "smbios": self._smbios,
            "unset": _unset,
        }

    def _linux(self, _shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
        self.kernel = args
        return bool(args)

    def _initrd(self, _shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
        self.initrds += args
        return bool(args)

    def _menuentry(self, shell: Shell, args: tuple[str, ...], block: Script | None) -> bool:
        if shell.contexts == 2:  # another file's entries are a menu of their own
            self.entries.append(_Entry(args[0] if args else "", block or ()))
        return True

    def _source(self, shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
        text = self._text(shell, args)
        if text is None:
            return False
        shell.spend(len(text))
        return shell.run(parse(text))

    def _configfile(self, shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
        with shell.context():
            return self._source(shell, args, None)

    def _text(self, shell: Shell, args: tuple[str, ...]) -> str | None:
        if self.config is not None and args[:1] == (_CONFIG,):
            return self.config
        path = self.iso.path(args[0], shell.get("root")) if args else ""
        text = self.iso.text(path)
        if text is None:
            shell.note(f"its file {args[0][:60]!r} is not known here and was left out" if args else "it loads no file")
        return text

    def _test(self, shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
        return holds(args, lambda name: self.iso.has(self.iso.path(name, shell.get("root"))))

    def _bracket(self, shell: Shell, args: tuple[str, ...], block: Script | None) -> bool:
        # EVE's menus have '"riscv64"]' without the blank: GRUB complains and takes the condition for false.
        return args[-1:] == ("]",) and self._test(shell, args[:-1], block)

    def _cat(self, shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
        options, files = _parted(args, {"-s": "set", "--set": "set"})
        name = files[0] if files else ""
        path = self.iso.path(name, shell.get("root"))
        text = self.iso.text(path)
        if text is None or len(text.encode(errors="replace")) >= BLOCK:
            if self.iso.has(path):
                shell.note(f"what {path[:60]!r} says is not known here and was left out")
            return False
        if variable := options.get("set"):
            # The patch ends the text at its first line's end.
            shell.set(variable, text.replace("\r", "\n").partition("\n")[0])
        return True

    def _probe(self, shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
        options, rest = _parted(args, {"-s": "set", "--set": "set"})
        about = {"--label": LABEL, "-l": LABEL, "--fs": "iso9660", "-f": "iso9660"}
        device = rest[-1].strip("()") if rest else ""
        value = next((about[word] for word in rest if word in about), "") if device == shell.get("root") else ""
        if variable := options.get("set"):
            shell.set(variable, value)
        return value != ""

    def _smbios(self, shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
        words = {"-t": "type", "--type": "type", "-s": "string", "--get-string": "string", "--set": "set"}
        options, _ = _parted(args, words)
        key = (_int(options.get("type", "")), _int(options.get("string", "")))
        if key not in _SMBIOS:
            shell.note(f"SMBIOS type {key[0]} at {key[1]} is not known here and was left out")
            return False
        value: str = getattr(self.machine, _SMBIOS[key])
        if variable := options.get("set"):
            shell.set(variable, value)
        return True


_SMBIOS = {
    # The byte at offset 0 is the structure's type, 1, and so names string 1: EVE's menus get the manufacturer by it.
    (1, 0): "manufacturer",
    (1, 4): "manufacturer",
    (1, 5): "product",
    (1, 6): "version",
    (1, 7): "serial",
    (1, 25): "sku",
    (1, 26): "family",
    (3, 8): "asset",
}
_QUIET = ("true", "echo", "insmod", "loopback", "measurefs", "sleep", "devicetree", "terminal_output", "clear")
_FAILING = (
    "false",
    "search",
    "search.file",
    "search.fs_label",
    "search.fs_uuid",
    "search.part_label",
    "search.part_uuid",
    "search.disk_uuid",
    "getenv",  # EFI variables: what an administrator left on the node itself
)


def _true(_shell: Shell, _args: tuple[str, ...], _block: Script | None) -> bool:
    return True


def _false(_shell: Shell, _args: tuple[str, ...], _block: Script | None) -> bool:
    return False


def _set(shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
    name, equals, value = (args[0] if args else "").partition("=")
    if name and equals:
        shell.set(name, value)
    return bool(name and equals) or not args


def _export(shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
    for name in args:
        shell.export(name)
    return bool(args)


def _unset(shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
    for name in args:
        shell.unset(name)
    return bool(args)


def _regexp(shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
    options, rest = _parted(args, {"-s": "set", "--set": "set"})
    if len(rest) != 2:
        return False
    shell.spend(_PATTERN_COST * len(rest[0]) * len(rest[1]))
    try:
        found = ere.search(rest[0], rest[1])
    except ere.PatternError as error:
        raise MenuError(f"its pattern {rest[0][:60]!r}: {error}") from None
    if found is not None and (variable := options.get("set")):
        number, _, name = variable.rpartition(":")
        group = _int(number) if number else 1
        shell.set(name, found[group] if 0 <= group < len(found) else "")
    return found is not None


def _parted(args: tuple[str, ...], words: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Options that take a value, by their long name, and the rest; ``--`` ends the options."""
    options: dict[str, str] = {}
    rest: list[str] = []
    waiting = list(args)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.partition("=")
        if word == "--":
            return options, (*rest, *waiting)
        if name in words and (equals or waiting):
            options[words[name]] = value if equals else waiting.pop(0)
        else:
            rest.append(word)
    return options, tuple(rest)


def _int(text: str) -> int:
    """A number as C writes them, 26 or 0x1a; -1 for what is none."""
    try:
        return int(text, 0) if len(text) < 10 else -1
    except ValueError:
        return -1
