"""What can be imported: a tar or an ISO, from a file or a pipe, or a directory; each as a row of files."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import select
import stat
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from netbootd.artifacts.checksums import Sums, sums_in
from netbootd.artifacts.faults import ImportFault
from netbootd.artifacts.layout import arranged
from netbootd.artifacts.tarstream import CHUNK, MOST_MEMBERS, members
from netbootd.payloads.eve.bundle import ISO

STDIN = "-"
_LOOKING_UP = 500  # milliseconds
_ISO_MAGIC_AT = 16 * 2048 + 1
_COMPRESSED = {
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"PK\3\4": "zip",
}

Count = Callable[[int], None]
"""Told of so many bytes more that were read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the source; its bytes are to be read before the next entry is asked for."""

    path: str
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Source:
    """What is imported.  ``size`` in bytes, None where it is not known before the end."""

    name: str
    """Of the file or directory, "" for standard input."""
    size: int | None
    entries: Iterator[Entry]
    sums: Sums
    left_out: tuple[str, ...] = ()
    """Files of a directory that are no part of the bundle."""
    whole: Callable[[], Mapping[str, str]] | None = None
    """The digest of the source itself by its name, once all entries are read; None for a directory, whose sums are of
    the entries."""


class Readable(Protocol):
    """At most so many bytes, and none at the end."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Pipe:
    """What comes from another program.

    A signal that arrives just before a read does not end it, and nobody knows how long that program thinks.  So the
    read waits for something to read, and looks up now and then.
    """

    fd: int

    def read(self, size: int, /) -> bytes:
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        while not poll.poll(_LOOKING_UP):
            pass
        return os.read(self.fd, size)


@contextmanager
def opened(source: str, stdin: Readable, count: Count) -> Iterator[Source]:
    """Open a source by its path, or ``-``.  Raises `ImportFault`; entries raise it too, and OSError."""
    if source == STDIN:
        yield _stream("", stdin, None, Sums(), count)
        return
    path = Path(source)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ImportFault(f"{source}: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        yield _directory(path, count)
    elif stat.S_ISREG(mode) or stat.S_ISFIFO(mode):
        with path.open("rb", buffering=0) as file:
            if stat.S_ISREG(mode):
                yield _stream(path.name, file, path.stat().st_size, sums_in(path.absolute().parent), count)
            else:
                yield _stream("", Pipe(file.fileno()), None, Sums(), count)
    else:
        raise ImportFault(f"{source} is neither a file nor a directory")


def _stream(name: str, file: Readable, size: int | None, sums: Sums, count: Count) -> Source:
    stream = _Stream(file, count, hashed=name in sums.digests)
    return Source(name, size, _entries(stream), sums, whole=stream.digests(name))


def _entries(stream: _Stream) -> Iterator[Entry]:
    head = stream.peek(_ISO_MAGIC_AT + 5)
    if not head:
        raise ImportFault("the source is empty: whatever was to write it gave nothing")
    for magic, name in _COMPRESSED.items():
        if head.startswith(magic):
            raise ImportFault(f"the source is compressed ({name}): unpack it first")
    if head[_ISO_MAGIC_AT:] == b"CD001":
        yield Entry(ISO, iter(lambda: stream.read(CHUNK), b""))
    elif head.startswith(b"\x1f\x8b"):
        yield from _tar(_gunzipped(stream))
    else:
        yield from _tar(stream.read)


def _tar(read: Callable[[int], bytes]) -> Iterator[Entry]:
    return (Entry(member.path, member.chunks) for member in members(read))


def _gunzipped(stream: _Stream) -> Callable[[int], bytes]:
    unpacked = gzip.GzipFile(fileobj=io.BufferedReader(stream, CHUNK))

    def read(size: int) -> bytes:
        try:
            return unpacked.read(min(size, CHUNK))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ImportFault(f"the compressed tar is damaged or was cut off: {error}") from error

    return read


class _Stream(io.RawIOBase):
    """A file that is read once from front to end, counted, and hashed on the way."""

    def __init__(self, file: Readable, count: Count, *, hashed: bool) -> None:
        self._file = file
        self._count = count
        self._hash = hashlib.sha256() if hashed else None
        self._ahead = b""

    def peek(self, size: int) -> bytes:
        """What comes first, without taking it."""
        while len(self._ahead) < size and (more := self._more(size - len(self._ahead))):
            self._ahead += more
        return self._ahead

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        return self._more(size)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def digests(self, name: str) -> Callable[[], Mapping[str, str]]:
        return lambda: {name: self._hash.hexdigest()} if self._hash else {}

    def _more(self, size: int) -> bytes:
        data = self._file.read(size)
        self._count(len(data))
        if self._hash:
            self._hash.update(data)
        return data


def _directory(root: Path, count: Count) -> Source:
    paths = [path.relative_to(root).as_posix() for path in _files(root)]
    layout = arranged(paths)
    wanted = tuple(layout.places.values())
    size = sum((root / path).lstat().st_size for path in wanted)
    entries = (Entry(path, _chunks(root / path, count)) for path in wanted)
    return Source(root.absolute().name, size, entries, sums_in(root), layout.left_out)


def _files(root: Path) -> list[Path]:
    """All regular files; anything else that is no directory is refused."""
    found: list[Path] = []
    todo = deque([root])
    while todo:
        for path in sorted(todo.popleft().iterdir()):
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                kind = "a symbolic link" if stat.S_ISLNK(mode) else "no file"
                raise ImportFault(f"{path} is {kind}; only files and directories are taken")
            (todo if stat.S_ISDIR(mode) else found).append(path)
            if len(found) + len(todo) > MOST_MEMBERS:
                raise ImportFault(f"{root} holds more than {MOST_MEMBERS} files: that is no EVE installer")
    return found


def _chunks(path: Path, count: Count) -> Iterator[bytes]:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(fd, "rb", buffering=0) as file:
        while data := file.read(CHUNK):
            count(len(data))
            yield data
