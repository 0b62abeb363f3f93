"""A machine's own configuration files: merged from layers, and written out where they are templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from netbootd.boot.model import ConfigFile, Machine, Profile

_BINARY = (".pb", ".img", ".gz", ".der", ".p12")
_OPENINGS = ("{{", "{%", "{#")
_BLANKS = frozenset("\t\n\r")


def over(*layers: Iterable[ConfigFile]) -> tuple[ConfigFile, ...]:
    """Later layers win, file by file."""
    files = {file.path: file for layer in layers for file in layer}
    return tuple(files.values())


def told(
    files: Iterable[ConfigFile], profile: Profile, machine: Machine | None, stock: Iterable[ConfigFile] = ()
) -> tuple[ConfigFile, ...]:
    """All that a machine will find, each with an origin that says whose it is: ``files`` of the settings, and under
    them what the release has in ``stock``."""
    whose = {file.path: f"profile {profile.name}, " for file in profile.config}
    whose |= {file.path: f"machine {machine.name}, " for file in machine.config} if machine else {}
    made = tuple(replace(file, origin=f"{whose.get(file.path, '')}{file.origin}") for file in files)
    named = {file.path.lower() for file in made}  # FAT knows no other names
    return (*made, *(file for file in stock if file.path.lower() not in named))


def template(file: ConfigFile) -> str | None:
    """The text of a file that is to be written for each machine; None for any other, which is taken as it is.

    Only text is a template, and only text that says so: a certificate, a key or a protocol buffer stays what it was,
    byte for byte.
    """
    if file.path.endswith(_BINARY):
        return None
    try:
        text = file.data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    marked = any(opening in text for opening in _OPENINGS)
    return text if marked and all(c.isprintable() or c in _BLANKS for c in text) else None


def written(file: ConfigFile, expand: Callable[[str, str], str]) -> ConfigFile:
    """The file with ``expand(template, where)`` in its place.  Raises what that raises."""
    if (text := template(file)) is None:
        return file
    return replace(file, data=expand(text, f"file {file.path} of config ({file.origin})").encode())
