"""Reading a FAT12 or FAT16 image: what a bundle's own ``config.img`` holds.

The image is hostile: no cluster is read for two files, and so what an image costs is bounded by its size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from netbootd.wire.errors import WireError
from netbootd.wire.fat_names import LAST_PIECE, LONG_NAME, checksum
from netbootd.wire.file_names import below
from netbootd.wire.text import printable

NOT_FAT = "not a FAT12 or FAT16 image"
TRUNCATED = "truncated image"
BAD_CLUSTER = "bad cluster"
SHARED_CLUSTER = "cluster used twice"
TWICE = "the same name twice"
TOO_DEEP = "directories too deep"
TOO_MANY = "too many directory entries"

_MAX_DEPTH = 32
_MAX_ENTRIES = 65536
_ENTRY = 32
_LABEL, _DIRECTORY = 0x08, 0x10
_LOWER_STEM, _LOWER_EXTENSION = 0x08, 0x10  # Windows NT's way to say that an 8.3 name is in small letters
_FREE, _NO_MORE = 0xE5, 0x00


@dataclass(frozen=True, slots=True)
class Volume:
    """``files`` by path; directories are there by what is in them."""

    label: str
    files: dict[str, bytes]


def read_fat(image: bytes | memoryview) -> Volume:
    """What an image holds; it may be longer than its file system.  Raises `WireError`."""
    volume = _Reader(_table(memoryview(image)))
    return Volume(volume.label, dict(volume.files()))


@dataclass(slots=True)
class _Table:
    """The parts of a file system; ``used`` are the clusters read so far."""

    bits: int
    fat: memoryview
    root: memoryview
    data: memoryview
    cluster: int
    boot_label: str
    used: set[int] = field(default_factory=set)

    @property
    def clusters(self) -> int:
        return len(self.data) // self.cluster

    def content(self, first: int, size: int | None = None) -> bytes:
        """The bytes of a chain; all of it, or as much as a file of ``size`` needs."""
        left = -1 if size is None else -(-size // self.cluster)
        parts = []
        cluster = first
        while left != 0 and not (size is None and self._is_end(cluster)):
            parts.append(self._take(cluster))
            cluster = self._next(cluster)
            left -= 1
        return b"".join(parts)[:size]

    def _take(self, cluster: int) -> memoryview:
        if not 2 <= cluster < self.clusters + 2:
            raise WireError(BAD_CLUSTER, str(cluster))
        if cluster in self.used:
            raise WireError(SHARED_CLUSTER, str(cluster))
        self.used.add(cluster)
        start = (cluster - 2) * self.cluster
        return self.data[start : start + self.cluster]

    def _next(self, cluster: int) -> int:
        start = cluster * self.bits // 8
        number = int.from_bytes(self.fat[start : start + 2], "little")
        return number if self.bits == 16 else number >> 4 if cluster % 2 else number & 0xFFF

    def _is_end(self, cluster: int) -> bool:
        return cluster >= (1 << self.bits) - 8


def _table(image: memoryview) -> _Table:
    if len(image) < 512:
        raise WireError(NOT_FAT, f"{len(image)} bytes")
    sector, per_cluster, reserved, fats, entries, few, fat_sectors, many = struct.unpack_from("<HBHBHHxH8xI", image, 11)
    sectors = few or many
    root = (reserved + fats * fat_sectors) * sector
    data = root + -(-entries * _ENTRY // max(sector, 1)) * sector
    _check(sector in (512, 1024, 2048, 4096), f"sectors of {sector} bytes")
    _check(per_cluster in (1, 2, 4, 8, 16, 32, 64, 128), f"clusters of {per_cluster} sectors")
    _check(reserved > 0 and fats > 0 and fat_sectors > 0 and data < sectors * sector, "no tables, or no room")
    if sectors * sector > len(image):
        raise WireError(TRUNCATED, f"{len(image)} of {sectors * sector} bytes")
    cluster = per_cluster * sector
    clusters = (sectors * sector - data) // cluster
    bits = 12 if clusters < 4085 else 16
    _check(0 < clusters < 65525, f"{clusters} clusters")
    _check((clusters + 2) * bits <= fat_sectors * sector * 8, "a table too short for its clusters")
    label = _text(bytes(image[43:54])) if image[38] == 0x29 else ""
    fat = image[reserved * sector :][: fat_sectors * sector]
    return _Table(bits, fat, image[root : root + entries * _ENTRY], image[data:][: clusters * cluster], cluster, label)


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise WireError(NOT_FAT, otherwise)


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    attributes: int
    first: int
    size: int


@dataclass(slots=True)
class _Reader:
    table: _Table
    seen: int = 0

    @property
    def label(self) -> str:
        root = self._entries(bytes(self.table.root))
        return printable(next((each.name for each in root if each.attributes & _LABEL), self.table.boot_label))

    def files(self) -> Iterator[tuple[str, bytes]]:
        found: set[str] = set()
        todo = [("", 0, bytes(self.table.root))]
        for path, depth, content in todo:
            for entry in self._entries(content):
                if entry.attributes & _LABEL:
                    continue
                entry_path = below(path, entry.name)
                if entry_path in found:
                    raise WireError(TWICE, entry_path)
                found.add(entry_path)
                if not entry.attributes & _DIRECTORY:
                    yield entry_path, self.table.content(entry.first, entry.size)
                elif depth == _MAX_DEPTH:
                    raise WireError(TOO_DEEP, entry_path)
                else:
                    todo.append((entry_path, depth + 1, self.table.content(entry.first)))

    def _entries(self, content: bytes) -> Iterator[_Entry]:
        """The named entries of a directory; ``.`` and ``..`` are not."""
        long = _LongName()
        for position in range(0, len(content) - _ENTRY + 1, _ENTRY):
            raw = content[position : position + _ENTRY]
            self.seen += 1
            if self.seen > _MAX_ENTRIES:
                raise WireError(TOO_MANY)
            if raw[0] == _NO_MORE:
                return
            if raw[0] != _FREE and raw[11] & 0x3F == LONG_NAME:
                long.add(raw)
                continue
            if raw[0] != _FREE and raw[:11].rstrip() not in (b".", b".."):
                yield _entry(raw, long.of(raw[:11]))
            long = _LongName()


def _entry(raw: bytes, long: str | None) -> _Entry:
    first, size = struct.unpack_from("<HI", raw, 26)
    if raw[11] & _LABEL:
        return _Entry(_text(raw[:11]), raw[11], first, size)
    return _Entry(long if long is not None else _short(raw), raw[11], first, size)


def _short(raw: bytes) -> str:
    """``README  TXT`` is ``README.TXT``, with the capitals NT's flags leave; a first byte of 5 stands for E5."""
    stem, extension = _text(raw[:8].replace(b"\x05", b"\xe5", 1) if raw[0] == 5 else raw[:8]), _text(raw[8:11])
    stem = stem.lower() if raw[12] & _LOWER_STEM else stem
    extension = extension.lower() if raw[12] & _LOWER_EXTENSION else extension
    return f"{stem}.{extension}" if extension else stem


def _text(field_: bytes) -> str:
    return field_.decode("cp437").rstrip(" ")


@dataclass(slots=True)
class _LongName:
    """A long name as its pieces come, the last first; pieces that are out of turn are those of nobody."""

    pieces: list[bytes] = field(default_factory=list)
    awaited: int = 0
    total: int = -1

    def add(self, raw: bytes) -> None:
        number = raw[0] & ~LAST_PIECE
        if raw[0] & LAST_PIECE:
            self.pieces, self.awaited, self.total = [], number, raw[13]
        if number != self.awaited or not 1 <= number <= 20 or raw[13] != self.total:
            self.pieces, self.awaited, self.total = [], 0, -1
            return
        self.pieces.insert(0, raw[1:11] + raw[14:26] + raw[28:32])
        self.awaited -= 1

    def of(self, alias: bytes) -> str | None:
        """The name, when it is whole and that of this 8.3 name."""
        if not self.pieces or self.awaited or self.total != checksum(alias):
            return None
        units = b"".join(self.pieces).decode("utf-16-le", "backslashreplace")
        return units.partition("\0")[0]
