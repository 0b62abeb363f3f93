"""A directory that is served: opens what lies inside it, and nothing else.

Every component of a path is opened from the directory before it and never through a symbolic link; links are read and
walked by the same rules from the top.  So nothing that changes meanwhile can lead outside.  A file that is not there
may yet lie in a bundle's installer.iso, see `inside`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Self

from netbootd.artifacts.inside import Inside, inside
from netbootd.boot.bundle import Bundle

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # NONBLOCK: a FIFO must not hold us
_MAX_LINKS = 40  # as the kernel's MAXSYMLINKS


class Why(Enum):
    """Why a path is not served."""

    MISSING = "no such file"
    BAD_NAME = "not a name that can be asked for"
    HIDDEN = "hidden"
    LEAVES = "leads outside the served directory"
    LOOP = "too many symbolic links"
    NOT_A_FILE = "not a regular file"
    UNREADABLE = "netbootd is not allowed to read it"
    REPLACED = "its installer.iso is not the one that netbootd has read; a reload reads it anew"


class NotServed(Exception):
    """There is nothing to serve under this name; ``reason`` says why."""

    def __init__(self, reason: Why) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Opened:
    """An open regular file, or with an ``offset`` a file that lies in it, ``behind`` bytes before its end.

    ``etag`` is a strong entity-tag as it goes on the wire, with its quotes.
    """

    fd: int
    size: int
    mtime_ns: int
    etag: str
    name: str
    offset: int = 0
    behind: int = 0

    def changed(self) -> bool:
        """Whether the open file is no longer what was opened."""
        now = os.fstat(self.fd)
        return (now.st_size, now.st_mtime_ns) != (self.offset + self.size + self.behind, self.mtime_ns)

    def close(self) -> None:
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Tree:
    """The files under ``root``, and those in the installers of ``bundles``, by every name that a bundle has.

    Its methods wait for the disk: call them in a thread.
    """

    root: Path
    bundles: Mapping[str, Bundle] = field(default_factory=dict)

    def open(self, path: str, *, lenient: bool = False) -> Opened:
        r"""Open a file by its path below the root, ``/`` between components; a leading or doubled ``/`` is ignored.

        ``lenient`` reads names as boot ROMs send them: ``\`` for ``/`` and letters in the wrong case.
        Raises `NotServed`, or OSError when the system is at fault (no descriptors left, a disk error).
        """
        asked = path.replace("\\", "/") if lenient else path
        try:
            return self._file(asked, lenient, path)
        except NotServed as error:
            found = inside(self.bundles, asked) if error.reason is Why.MISSING else None
            if found is None:
                raise
        return self._inside(found, path)

    def _inside(self, found: Inside, name: str) -> Opened:
        image = self._file(found.image, False, name)
        if image.size != found.image_size:
            image.close()
            raise NotServed(Why.REPLACED)
        etag = f'{image.etag[:-1]}-{found.offset:x}-{found.size:x}"'
        behind = image.size - found.offset - found.size
        return replace(image, size=found.size, etag=etag, offset=found.offset, behind=behind)

    def _file(self, path: str, lenient: bool, name: str) -> Opened:
        fd = self._walk(_components(path), lenient)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise NotServed(Why.NOT_A_FILE)
        except BaseException:
            os.close(fd)
            raise
        etag = f'"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"'
        return Opened(fd, found.st_size, found.st_mtime_ns, etag, name)

    def _walk(self, components: list[str], lenient: bool) -> int:
        try:
            walk = _Walk(self.root, components, lenient)
            try:
                return walk.to_the_end()
            except BaseException:
                os.close(walk.here)
                raise
        except OSError as error:
            raise _not_served(error) from error


def _components(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if "\0" in path or ".." in parts or not _encodable(path):
        raise NotServed(Why.BAD_NAME)
    if parts and parts[0].startswith("."):  # what is being imported lies under such names
        raise NotServed(Why.HIDDEN)
    return parts


def _encodable(path: str) -> bool:
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True


def _not_served(error: OSError) -> Exception:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return NotServed(Why.MISSING)
        case errno.ENAMETOOLONG | errno.EILSEQ | errno.EINVAL:
            return NotServed(Why.BAD_NAME)
        case errno.EACCES | errno.EPERM:
            return NotServed(Why.UNREADABLE)
        case errno.ELOOP:  # became a link after we looked
            return NotServed(Why.LEAVES)
        case errno.ENXIO | errno.ENODEV:  # a socket, or a device without a driver
            return NotServed(Why.NOT_A_FILE)
    return error


class _Walk:
    """``here`` is the descriptor reached so far; ``done`` the names that led there, links already resolved."""

    def __init__(self, root: Path, components: list[str], lenient: bool) -> None:
        self._root = root
        self._lenient = lenient
        self._links = 0
        self._done: list[str] = []
        self._todo = deque(components)
        self.here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def to_the_end(self) -> int:
        while self._todo:
            name = self._todo.popleft()
            if name == "..":
                self._up()
            elif (target := self._link(name := self._spelled(name))) is not None:
                self._follow(target)
            else:
                self._move(os.open(name, _FLAGS, dir_fd=self.here))
                self._done.append(name)
        return self.here

    def _up(self) -> None:
        """``..`` comes only from a link's target."""
        if not self._done:
            raise NotServed(Why.LEAVES)
        self._again(self._done[:-1])

    def _follow(self, target: str) -> None:
        self._links += 1
        if self._links > _MAX_LINKS:
            raise NotServed(Why.LOOP)
        path = Path(target)
        if path.is_absolute():
            self._again(self._below_root(path))
        else:
            self._again([*self._done, *path.parts])

    def _below_root(self, target: Path) -> list[str]:
        for root in (self._root.absolute(), self._root.resolve()):
            if target.is_relative_to(root):
                return list(target.relative_to(root).parts)
        raise NotServed(Why.LEAVES)

    def _again(self, start: list[str]) -> None:
        """Walk ``start`` from the top, then what was left."""
        self._todo.extendleft(reversed(start))
        self._done = []
        self._move(os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def _move(self, fd: int) -> None:
        os.close(self.here)
        self.here = fd

    def _link(self, name: str) -> str | None:
        try:
            return os.readlink(name, dir_fd=self.here)
        except OSError as error:
            if error.errno == errno.EINVAL:  # there, and not a link
                return None
            raise

    def _spelled(self, name: str) -> str:
        """The name as the directory spells it, for firmware that sends it in another case."""
        if not self._lenient or _exists(name, self.here):
            return name
        with os.scandir(self.here) as entries:
            return min((entry.name for entry in entries if entry.name.casefold() == name.casefold()), default=name)


def _exists(name: str, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
