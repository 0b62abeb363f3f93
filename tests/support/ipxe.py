"""How iPXE reads a script (image/script.c, core/exec.c): lines, labels, comments, commands and what joins them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SEPARATORS = ("||", "&&", ";")

MAY_FAIL = frozenset(
    {"boot", "chain", "choose", "dhcp", "ifopen", "initrd", "iseq", "isset", "kernel", "menu", "poweroff", "prompt"}
    | {"sanboot"}
)
"""Commands that fail for reasons outside the script: uncaught, such a failure ends it."""

COMMANDS = MAY_FAIL | {"echo", "exit", "goto", "imgfree", "inc", "item", "set", "shell", "sleep"}
"""Those the shipped templates use; all are in iPXE of January 2019."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command with its words, unexpanded, and the separator behind it."""

    words: tuple[str, ...]
    separator: str

    @property
    def name(self) -> str:
        return self.words[0] if self.words else ""


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    commands: tuple[Command, ...]


def read(script: str) -> list[Line]:
    """The script's lines that do something."""
    assert script.startswith("#!ipxe\n"), "iPXE knows a script by its first line"
    lines = [_line(text) for text in script.replace("\\\n", "").split("\n")]
    return [line for line in lines if line.label or line.commands]


def commands(script: str) -> list[Command]:
    """Every command, in order; the empty one behind a last ``||`` is left out."""
    return [command for line in read(script) for command in line.commands if command.words]


def names(script: str) -> list[str]:
    return [command.name for command in commands(script)]


def shape(script: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """What the script does, whatever values stand in it: labels, command names and separators."""
    return [(line.label, tuple((c.name, c.separator) for c in line.commands)) for line in read(script)]


def labels(script: str) -> list[str]:
    return [line.label for line in read(script) if line.label]


def kernel_args(script: str) -> list[str]:
    """What the kernel finds on its command line, ``initrd=`` included, unexpanded."""
    (line,) = [c for c in commands(script) if c.name == "kernel"]
    assert line.words[1] == "--name"
    return list(line.words[4:])


def _line(text: str) -> Line:
    label, text = "", text.strip()
    if text.startswith(":"):
        label, _, text = text[1:].partition(" ")
    return Line(label, tuple(_commands(text.split())))


def _commands(words: list[str]) -> Iterator[Command]:
    current: list[str] = []
    for word in words:
        if word.startswith("#"):
            break
        if word in SEPARATORS:
            yield Command(tuple(current), word)
            current = []
        else:
            current.append(word)
    if current:
        yield Command(tuple(current), "")
