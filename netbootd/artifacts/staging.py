"""Where an import is put together, out of sight, and gone again if it fails.

Files are written under numbers, so that a name in a hostile archive never becomes a path before it has been looked at.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from netbootd.artifacts.faults import ImportFault
from netbootd.artifacts.layout import Layout
from netbootd.artifacts.manifest import Stored
from netbootd.artifacts.sources import Entry
from netbootd.wire.errors import WireError
from netbootd.wire.file_names import below

_WORK = ".import-"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a source may hold, however it is packed."""

    files: int = 10_000
    size: int = 16 << 30
    """Bytes of all files together."""


DEFAULT = Limits()


@contextmanager
def workshop(artifacts: Path) -> Iterator[Path]:
    """A hidden directory to work in, gone at the end; those that a crash left behind are cleared away first."""
    with _locked(artifacts, wait=True):
        for left in artifacts.glob(f"{_WORK}*"):
            with _locked(left) as ours:
                if ours:
                    shutil.rmtree(left, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=_WORK, dir=artifacts))
        lock = _lock(work)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(lock)


def sync(directory: Path) -> None:
    """Have the names in a directory outlive a power cut."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@dataclass(slots=True)
class Staged:
    """Files as they come, under numbers; ``files`` by the path they were given."""

    directory: Path
    limits: Limits
    files: dict[str, Stored] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _left: int = 0

    def __post_init__(self) -> None:
        self.directory.mkdir()
        self._left = self.limits.size

    def take(self, entry: Entry) -> None:
        path = _clean(entry.path)
        if path in self.files:
            raise ImportFault(f"{path} is there twice")
        if len(self.files) == self.limits.files:
            raise ImportFault(f"there are more than {self.limits.files} files: that is no EVE installer")
        number = self._numbers[path] = len(self._numbers)
        self.files[path] = self._write(self.directory / str(number), path, entry.chunks)

    def arrange(self, layout: Layout, where: Path) -> tuple[Stored, ...]:
        """Move what the layout wants to where it wants it."""
        where.mkdir(mode=0o755)
        where.chmod(0o755)
        for place, path in sorted(layout.places.items()):
            target = where / place
            try:
                _directories(where, target.parent)
                (self.directory / str(self._numbers[path])).rename(target)
            except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
                raise ImportFault(f"{place} is both a file and a directory") from error
        return tuple(replace(self.files[path], path=place) for place, path in sorted(layout.places.items()))

    def _write(self, target: Path, path: str, chunks: Iterator[bytes]) -> Stored:
        digest, size = hashlib.sha256(), 0
        with target.open("xb", buffering=0) as file:
            for chunk in chunks:
                self._left -= len(chunk)
                if self._left < 0:
                    raise ImportFault(
                        f"there is more than {self.limits.size >> 30} GiB in it: that is no EVE installer"
                    )
                digest.update(chunk)
                size += file.write(chunk)
            os.fchmod(file.fileno(), 0o444)
            os.fsync(file.fileno())
        return Stored(path, size, digest.hexdigest())


def _clean(path: str) -> str:
    """A path below the bundle.  Raises `ImportFault` for what leads anywhere else."""
    clean = ""
    try:
        if path.startswith("/"):
            raise WireError("an absolute path")
        for part in path.removeprefix("./").split("/"):
            clean = below(clean, part)
        clean.encode()
    except (WireError, UnicodeEncodeError) as error:
        raise ImportFault(f"hostile name {path[:80]!r}: nothing was imported") from error
    return clean


def _directories(top: Path, directory: Path) -> None:
    for each in reversed([directory, *directory.parents]):
        if each.is_relative_to(top) and each != top and not each.is_dir():
            each.mkdir()
            each.chmod(0o755)  # whatever the umask: the daemon is another user


@contextmanager
def _locked(directory: Path, *, wait: bool = False) -> Iterator[bool]:
    """Whether nobody else works there; nobody will while this lasts."""
    try:
        fd = _lock(directory, wait=wait)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        os.close(fd)


def _lock(directory: Path, *, wait: bool = False) -> int:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW * (not wait))
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(fd)
        raise
    return fd
