"""Kernel arguments: merged from several layers, key by key, each remembering where it came from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto

from netbootd.boot.facts import unsafe

# "--" and "---" part what the kernel reads from what init or Debian's installer passes on.
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.,:/-]*|---?")

COMMAND_LINE_LIMIT = 2047
"""x86's COMMAND_LINE_SIZE is 2048 with the NUL; what is longer the kernel cuts off without a word."""


class ArgError(ValueError):
    """An argument cannot stand on a kernel command line; names the key and its origin."""


class Layer(Enum):
    """Who sets an argument; each goes over those before it.  What may be asked hangs on this, never on ``origin``."""

    PAYLOAD = auto()
    """The system that is booted, by itself."""
    PLACE = auto()
    """Where the machine stands: its provider, its network."""
    PROFILE = auto()
    RULE = auto()
    MACHINE = auto()
    """Whoever set it, set it for this one machine."""


@dataclass(frozen=True, slots=True)
class ArgSetting:
    """One key as one layer sets it.

    ``values`` is None to take an inherited argument away, ``()`` for a bare flag, else one text per repetition
    (``console=tty0 console=ttyS0``).  Texts may be templates.
    """

    key: str
    values: tuple[str, ...] | None
    origin: str
    """Who says so, in words."""
    layer: Layer


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument as it stands on the command line; ``value`` is None for a bare flag."""

    key: str
    value: str | None
    origin: str
    layer: Layer

    @property
    def word(self) -> str:
        """The argument without quotes, for a loader that keeps its words apart and quotes them itself (GRUB)."""
        return self.key if self.value is None else f"{self.key}={self.value}"

    def __str__(self) -> str:
        if self.value is None:
            return self.key
        # The kernel takes double quotes around a value with blanks (kernel/params.c, next_arg).
        return f'{self.key}="{self.value}"' if " " in self.value else f"{self.key}={self.value}"


def merge(*layers: Iterable[ArgSetting]) -> tuple[ArgSetting, ...]:
    """Later layers win, key by key; a key keeps the place where it first stood, so overriding does not reorder."""
    merged: dict[str, ArgSetting] = {}
    for layer in layers:
        for setting in layer:
            merged[setting.key] = setting
    return tuple(s for s in merged.values() if s.values is not None)


def expand(settings: Iterable[ArgSetting], render: Callable[[str, str], str]) -> tuple[Arg, ...]:
    """Render each value with ``render(template, where)`` and check it.  Raises `ArgError`."""
    return tuple(arg for setting in settings for arg in _expanded(setting, render))


def _expanded(setting: ArgSetting, render: Callable[[str, str], str]) -> Iterable[Arg]:
    if why := misnamed(setting.key):
        raise ArgError(f"argument {setting.key!r} of {setting.origin}: {why}")
    if setting.values == ():
        yield Arg(setting.key, None, setting.origin, setting.layer)
        return
    for template in setting.values or ():
        where = f"argument {setting.key} of {setting.origin}"
        value = render(template, where) if "{" in template else template
        if why := problem(value):
            raise ArgError(f"{where}: {why}")
        yield Arg(setting.key, value, setting.origin, setting.layer)


def misnamed(key: str) -> str:
    """Why no argument can be called so, or ""."""
    return "" if _KEY.fullmatch(key) else "not a name a kernel argument can have"


def problem(value: str) -> str:
    """Why this value cannot be passed as it is, or ""."""
    if '"' in value:
        return "it holds a double quote, which the kernel takes for its own"
    if "  " in value:
        return "it holds two blanks in a row, which iPXE would join"
    why = unsafe(value)
    if why and "${" in value:
        why += "; write {{ machine.mac | hexhyp }} and the like instead"
    return why


def command_line(args: Iterable[Arg]) -> str:
    """The arguments as one line."""
    return " ".join(map(str, args))
