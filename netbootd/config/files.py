"""The files a profile or a machine brings for its nodes' own configuration: read once, at load, and kept as values.

Nothing of them is shown in a problem but their names, for some are keys.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netbootd.boot.model import ConfigFile
from netbootd.config.problems import Place, Problems, said
from netbootd.config.yaml import Table, line_of
from netbootd.wire.fat_names import FatError, check_name

LIMIT = 5 << 20
"""Bytes of all files of one ``config``: the largest partition EVE has for them."""

_MOST = 500
_DEEPEST = 8


class _Wrong(Exception):
    """What is wrong with a file, in words that go behind its name."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A file, the path a node finds it at, and where the settings name it."""

    name: str
    path: Path
    place: Place
    said: str = ""
    """In front of a problem, where the place does not name the file."""


class Files:
    """Reads ``config`` keys; their paths are relative to ``base``.  What lies under ``public`` is refused."""

    def __init__(self, base: Path, public: Path | None, problems: Problems) -> None:
        self._base = base
        self._public = public.resolve() if public else None
        self._problems = problems

    def read(self, table: Table, key: str) -> tuple[ConfigFile, ...]:
        """The files that a table's ``config`` names; ``key`` leads to the table."""
        value = table.get("config")
        place = Place(table.file, line_of(table, ("config",)), f"{key}.config")
        match value:
            case None:
                return ()
            case str():
                return self._contents(self._in_directory(value, place), place)
            case Table():
                return self._contents(self._in_table(value, place), place)
        self._problems.error(place, f"must be a directory or a table of files, not {said(value)}")
        return ()

    def _in_table(self, table: Table, place: Place) -> Iterator[_Named]:
        for name, value in table.items():
            at = Place(table.file, table.lines[name], f"{place.key}.{name}")
            if isinstance(value, str) and value:
                yield _Named(name, self._base / value, at)
            else:
                self._problems.error(at, f"must be the path of a file, not {said(value)}")

    def _in_directory(self, text: str, place: Place) -> Iterator[_Named]:
        root = self._base / text
        if root.is_dir():
            yield from self._walk(root, root.resolve(), "", place)
        elif root.exists():
            self._problems.error(place, f"{text} is no directory; one file is written as {{NAME: {text}}}")
        else:
            self._problems.error(place, f"there is no directory {text}")

    def _walk(self, directory: Path, root: Path, above: str, place: Place) -> Iterator[_Named]:
        """All files but hidden ones, in the order of their names; links may lead to files of the same directory."""
        try:
            entries = sorted(entry for entry in directory.iterdir() if not entry.name.startswith("."))
        except OSError as error:
            self._problems.error(place, f"{above or directory}: cannot be read: {error.strerror}")
            return
        for entry in entries:
            name = f"{above}{entry.name}"
            if not entry.is_symlink() and entry.is_dir():
                if name.count("/") < _DEEPEST:
                    yield from self._walk(entry, root, f"{name}/", place)
                else:
                    self._problems.error(place, f"{name}: is too deep")
            elif not entry.resolve().is_relative_to(root):
                self._problems.error(place, f"{name}: is a link that leads outside of the directory")
            else:
                yield _Named(name, entry, place, f"{name}: ")

    def _contents(self, named: Iterator[_Named], place: Place) -> tuple[ConfigFile, ...]:
        files: list[ConfigFile] = []
        left = LIMIT
        for number, each in enumerate(named):
            if number == _MOST:
                self._problems.error(place, f"are more than {_MOST} files")
                break
            try:
                data = self._data(each, left)
            except _Wrong as wrong:
                self._problems.error(each.place, f"{each.said}{wrong}")
                continue
            left -= len(data)
            files.append(ConfigFile(each.name, data, str(each.place)))
        return tuple(files)

    def _data(self, named: _Named, left: int) -> bytes:
        _check_name(named.name)
        if self._public and named.path.resolve().is_relative_to(self._public):
            raise _Wrong("lies under artifacts, where anybody can fetch it: keep it elsewhere")
        data = _read(named.path, left + 1)
        if len(data) > left:
            raise _Wrong(f"is too large: all files of a config may have {LIMIT >> 20} MiB together")
        return data


def _check_name(name: str) -> None:
    try:
        for part in name.split("/"):
            check_name(part, name)
    except FatError as error:
        raise _Wrong(f"cannot be a file's name: {error}") from None


def _read(path: Path, at_most: int) -> bytes:
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _Wrong(f"{path} is not a file")
            return file.read(at_most)
    except OSError as error:
        raise _Wrong(f"{path} cannot be read: {error.strerror}") from None


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # for a FIFO that nobody writes to
