"""Where the files of an ISO 9660 image lie (ECMA-119), so that they can be served without unpacking it.

Names are those of Rock Ridge, else of Joliet, else the plain ones as Linux shows them: in small letters, without
``;1``.  An image is hostile until read: every extent lies inside it, no two files share a part of it, and what a
maze of directories may cost is limited.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from netbootd.wire.errors import WireError
from netbootd.wire.file_names import below
from netbootd.wire.iso9660_records import SECTOR, Names, Record, Volume, records, volume_of
from netbootd.wire.rock_ridge import SystemUse, skipped, system_use
from netbootd.wire.segments import Extent, Segments

OUTSIDE = "extent beyond the image"
TRUNCATED = "truncated image"
NOT_AN_ISO = "not an ISO 9660 image"
TWICE = "the same name twice"
LOOP = "directory loop"
OVERLAP = "overlapping files"
TOO_DEEP = "directories too deep"
TOO_MUCH = "too much to read"
BROKEN_SECTIONS = "broken multi-extent file"
TOO_BIG = "file too big to read"

_MAX_DESCRIPTORS = 32
_FILE_TYPE, _REGULAR = 0o170000, 0o100000

Read = Callable[[int, int], bytes]
"""(offset, length) -> bytes of the image; shorter only where it ends."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one image may cost."""

    entries: int = 100_000
    """Files and directories."""

    depth: int = 32
    """Directories in one another."""

    metadata: int = 32 << 20
    """Bytes read: descriptors, directories, continuation areas."""


@dataclass(frozen=True, slots=True)
class Run:
    """Bytes of a file in a row in the image."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: ``path`` without a leading slash, and its content, one run unless it lies in pieces."""

    path: str
    runs: tuple[Run, ...]
    compressed: bool = False
    """zisofs: the runs are not the file's own bytes."""

    @property
    def size(self) -> int:
        return sum(run.length for run in self.runs)

    def content(self, source: str | int) -> Segments:
        """The file as extents of ``source``, the image."""
        return Segments.of(*(Extent(source, run.offset, run.length) for run in self.runs))


@dataclass(frozen=True, slots=True)
class Image:
    """What an image holds; ``files`` are in the order of their paths."""

    label: str
    names: Names
    files: tuple[File, ...]

    def find(self, path: str) -> File | None:
        place = bisect_left(self.files, path, key=lambda file: file.path)
        found = self.files[place : place + 1]
        return found[0] if found and found[0].path == path else None


def read_image(read: Read, size: int, limits: Limits = Limits()) -> Image:
    """The files of an image of ``size`` bytes.  Raises `WireError`, and whatever ``read`` raises."""
    source = _Source(read, size, limits.metadata)
    volume = _volume(source)
    walk = _Walk(source, volume, limits)
    files = sorted(walk.files(), key=lambda file: file.path)
    _refuse_twins(files)
    _refuse_overlaps([*walk.taken, *(run for file in files for run in file.runs)])
    return Image(volume.label, walk.names, tuple(files))


def contents(read: Read, file: File, at_most: int) -> bytes:
    """The bytes of a small file.  Raises `WireError`."""
    if file.size > at_most:
        raise WireError(TOO_BIG, f"{file.path} has {file.size} bytes")
    return b"".join(_exactly(read, run) for run in file.runs)


def _exactly(read: Read, run: Run) -> bytes:
    data = read(run.offset, run.length)
    if len(data) != run.length:
        raise WireError(TRUNCATED, f"{len(data)} of {run.length} bytes at {run.offset}")
    return data


@dataclass(slots=True)
class _Source:
    """The image, and what may still be read of it."""

    read: Read
    size: int
    left: int

    def take(self, offset: int, length: int) -> bytes:
        self.check(offset, length)
        self.left -= max(length, 256)  # a read costs something however short
        if self.left < 0:
            raise WireError(TOO_MUCH, "directories")
        return _exactly(self.read, Run(offset, length))

    def check(self, offset: int, length: int) -> None:
        if offset + length > self.size:
            raise WireError(OUTSIDE, f"{offset}+{length} of {self.size}")


def _volume(source: _Source) -> Volume:
    """The descriptors start at sector 16 (ECMA-119 6.2.1); among them, the primary and a Joliet one are of interest."""
    descriptors = []
    for number in range(16, 16 + _MAX_DESCRIPTORS):
        if (number + 1) * SECTOR > source.size:
            break
        descriptor = source.take(number * SECTOR, SECTOR)
        if descriptor[1:6] != b"CD001" or descriptor[0] == 255:
            break
        descriptors.append(descriptor)
    if (volume := volume_of(descriptors)) is None:
        raise WireError(NOT_AN_ISO)
    return volume


@dataclass(frozen=True, slots=True)
class _Directory:
    path: str
    block: int
    size: int
    depth: int


@dataclass(slots=True)
class _Walk:
    """``taken`` is what descriptors and directories occupy; ``names`` whose names the files have."""

    source: _Source
    volume: Volume
    limits: Limits
    names: Names = Names.PLAIN
    taken: list[Run] = field(default_factory=list)
    _root: Record = field(init=False)
    _skip: int = 0
    _entries: int = 0
    _seen: set[int] = field(default_factory=set)
    _todo: deque[_Directory] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.taken.append(Run(16 * SECTOR, self.volume.descriptors * SECTOR))
        self._root = self.volume.primary
        if (skip := skipped(self._first(self._root.block).system_use)) is not None:
            self._skip = skip
            self.names = Names.ROCK_RIDGE
        elif self.volume.joliet is not None:
            self._root = self.volume.joliet
            self.names = Names.JOLIET

    def files(self) -> Iterator[File]:
        self._todo.append(_Directory("", self._root.block, self._root.size, 0))
        while self._todo:
            yield from self._files_in(self._todo.popleft())

    def _files_in(self, directory: _Directory) -> Iterator[File]:
        sections: list[Record] = []
        for record in records(self._content(directory)):
            self._count()
            if sections and sections[0].name != record.name:
                raise WireError(BROKEN_SECTIONS, repr(sections[0].name))
            sections.append(record)
            # ECMA-119 9.1.6: the flag is set in all sections' records but the last
            if not record.more_sections:
                if (file := self._entry(directory, sections)) is not None:
                    yield file
                sections = []
        if sections:
            raise WireError(BROKEN_SECTIONS, repr(sections[0].name))

    def _content(self, directory: _Directory) -> bytes:
        if directory.block in self._seen:
            raise WireError(LOOP, directory.path)
        if directory.depth > self.limits.depth:
            raise WireError(TOO_DEEP, directory.path)
        self._seen.add(directory.block)
        run = Run(directory.block * self.volume.block_size, directory.size)
        self.taken.append(run)
        return self.source.take(run.offset, run.length)

    def _count(self) -> None:
        self._entries += 1
        if self._entries > self.limits.entries:
            raise WireError(TOO_MUCH, "entries")

    def _entry(self, directory: _Directory, sections: list[Record]) -> File | None:
        """A file to serve; what is a directory is put on the list instead, and what is neither passed over."""
        record = sections[-1]
        if record.is_self_or_parent or record.associated:
            return None
        extra = self._extra(record)
        path = below(directory.path, self._name(record, extra))
        if extra.child is not None:
            record = self._first(extra.child)
        elif extra.relocated or not _is_regular(record, extra):
            return None
        if record.is_directory:
            self._todo.append(_Directory(path, record.block, record.size, directory.depth + 1))
            return None
        return File(path, _joined(map(self._run, sections)), extra.compressed)

    def _extra(self, record: Record) -> SystemUse:
        if self.names is not Names.ROCK_RIDGE:
            return SystemUse()
        return system_use(record.system_use[self._skip :], self._continuation)

    def _continuation(self, block: int, offset: int, length: int) -> bytes:
        return self.source.take(block * self.volume.block_size + offset, length)

    def _name(self, record: Record, extra: SystemUse) -> str:
        if extra.name is not None:
            return extra.name.decode("utf-8", "backslashreplace")
        return record.joliet_name() if self.names is Names.JOLIET else record.plain_name()

    def _first(self, block: int) -> Record:
        """A directory's record of itself, which is its first (ECMA-119 6.8.2.2)."""
        for record in records(self.source.take(block * self.volume.block_size, SECTOR)):
            return record
        raise WireError(NOT_AN_ISO, f"no directory in block {block}")

    def _run(self, record: Record) -> Run:
        run = Run(record.block * self.volume.block_size, record.size)
        if run.length:  # empty files lie anywhere
            self.source.check(run.offset, run.length)
        return run


def _is_regular(record: Record, extra: SystemUse) -> bool:
    """A directory or a file with bytes of its own: no symbolic link, no device."""
    if record.is_directory or extra.mode is None:
        return not extra.link
    return extra.mode & _FILE_TYPE == _REGULAR


def _joined(runs: Iterable[Run]) -> tuple[Run, ...]:
    """The runs that hold anything, made one where they follow each other."""
    joined: list[Run] = []
    for run in runs:
        if joined and joined[-1].offset + joined[-1].length == run.offset:
            joined[-1] = Run(joined[-1].offset, joined[-1].length + run.length)
        elif run.length:
            joined.append(run)
    return tuple(joined)


def _refuse_twins(files: list[File]) -> None:
    for before, file in pairwise(files):
        if before.path == file.path:
            raise WireError(TWICE, file.path)


def _refuse_overlaps(runs: Iterable[Run]) -> None:
    """Two names of one file are welcome; parts that are shared are not: to replace one file would change another."""
    apart = sorted({(run.offset, run.length) for run in runs if run.length})
    for (offset, length), (following, _) in pairwise(apart):
        if offset + length > following:
            raise WireError(OVERLAP, f"{offset}+{length} and {following}")
