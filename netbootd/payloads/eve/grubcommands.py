"""GRUB's commands, as far as a menu of EVE's needs them to find out what it boots.

A command that is not here is left out and noted by the shell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netbootd.payloads.eve import ere
from netbootd.payloads.eve.grubshell import Builtin, Shell
from netbootd.payloads.eve.grubsyntax import MenuError, Script, parse
from netbootd.payloads.eve.grubtest import holds

CONFIG = "(http,server)/grub.cfg"
"""What a node's own part of a menu is called."""
LINUX = ("linux", "linuxefi")

_LABEL = "EVEISO"
_PATTERN_COST = 40
"""What one character against one of a pattern costs, in characters made."""
_BLOCK = 512
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
class Entry:
    """One of the menu."""

    title: str
    body: Script


@dataclass(frozen=True, slots=True)
class Iso:
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
class Grub:
    """GRUB's commands, and what they leave behind."""

    machine: Smbios
    iso: Iso
    config: str | None = None
    entries: list[Entry] = field(default_factory=list)
    kernel: tuple[str, ...] = ()
    initrds: tuple[str, ...] = ()

    def commands(self) -> Mapping[str, Builtin]:
        return {
            **dict.fromkeys(_QUIET, _true),
            **dict.fromkeys(_FAILING, _false),
            **dict.fromkeys(LINUX, self._linux),
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
            self.entries.append(Entry(args[0] if args else "", block or ()))
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
        if self.config is not None and args[:1] == (CONFIG,):
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
        if text is None or len(text.encode(errors="replace")) >= _BLOCK:
            if self.iso.has(path):
                shell.note(f"what {path[:60]!r} says is not known here and was left out")
            return False
        if variable := options.get("set"):
            # The patch ends the text at its first line's end.
            shell.set(variable, text.replace("\r", "\n").partition("\n")[0])
        return True

    def _probe(self, shell: Shell, args: tuple[str, ...], _block: Script | None) -> bool:
        options, rest = _parted(args, {"-s": "set", "--set": "set"})
        about = {"--label": _LABEL, "-l": _LABEL, "--fs": "iso9660", "-f": "iso9660"}
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
