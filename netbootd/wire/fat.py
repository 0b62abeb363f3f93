"""FAT images written the same way each time: EVE's ``config.img``, for each node its own.

A bare file system without a partition table; FAT12 where the size allows, else FAT16.  No clock and no randomness
goes in: all times are 1980-01-01 and the volume's number is a digest of the content.  What is not used of the image
is zeros shared with all others, so an image of 5 MiB holds a few KiB.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from netbootd.wire.fat_names import FatError, aliases, check_name, folded, long_entries, pieces_of
from netbootd.wire.segments import Segments

SECTOR = 512
MIN_KIB, MAX_KIB = 64, 512 << 10

_FATS = 2
_ROOT_ENTRIES = 512
_DIRECTORY_ENTRIES = 65536
_ENTRY = 32
_BEFORE_FATS = 1  # sectors
_EPOCH = 1 << 5 | 1  # 1980-01-01, the first day FAT knows
_DIRECTORY, _LABEL, _ARCHIVE = 0x10, 0x08, 0x20
_DEEPEST = 32

# Bits of an entry, sectors of a cluster: the first whose number of clusters tells the bits beyond doubt is taken.  The
# specification warns of drivers that are off by up to 16 at 4085 and 65525.
_SHAPES = ((12, 1), (12, 2), (12, 4), (12, 8), (16, 4), (16, 8), (16, 16), (16, 32))
_CLUSTERS = {12: (1, 4085 - 17), 16: (4085 + 16, 65525 - 17)}


class DoesNotFit(FatError):
    """The files are too many for the image."""

    def __init__(self, kib: int, excess_kib: int) -> None:
        super().__init__(f"{excess_kib} KiB too much for an image of {kib} KiB")
        self.excess_kib = excess_kib


def image(files: Mapping[str, bytes], *, kib: int, label: str = "EVE") -> Segments:
    """An image of exactly ``kib`` KiB with these files, by path with ``/`` between; their order does not matter.

    Raises `FatError`.
    """
    shape = _shape(kib)
    root = _tree(files)
    nodes = _allocated(root, shape)
    number = _digest(files, kib, label)
    head = _boot_sector(shape, number, _volume_label(label)) + _fat(shape, nodes) * _FATS
    contents = (Segments.of(node.content()).padded(shape.cluster) for node in nodes[1:])
    used = Segments.of(head, _root_content(root, label), *contents)
    return used + Segments.zeros(kib * 1024 - used.length)


@dataclass(frozen=True, slots=True)
class _Shape:
    """``fat_sectors`` is the length of one table."""

    kib: int
    bits: int
    cluster_sectors: int
    fat_sectors: int
    clusters: int

    @property
    def cluster(self) -> int:
        return self.cluster_sectors * SECTOR


def _shape(kib: int) -> _Shape:
    if not MIN_KIB <= kib <= MAX_KIB:
        raise FatError(f"images have {MIN_KIB} to {MAX_KIB} KiB, not {kib}")
    for bits, cluster_sectors in _SHAPES:
        room = kib * 1024 // SECTOR - _BEFORE_FATS - _ROOT_ENTRIES * _ENTRY // SECTOR
        # a table for the clusters there would be without tables: a little long, and never too short
        fat_sectors = -(-(room // cluster_sectors + 2) * bits // (8 * SECTOR))
        clusters = (room - _FATS * fat_sectors) // cluster_sectors
        if _CLUSTERS[bits][0] <= clusters <= _CLUSTERS[bits][1]:
            return _Shape(kib, bits, cluster_sectors, fat_sectors, clusters)
    raise AssertionError(f"no shape for {kib} KiB")


@dataclass(slots=True)
class _File:
    data: bytes
    first: int = 0
    clusters: int = 0

    @property
    def size(self) -> int:
        return len(self.data)

    def content(self) -> bytes:
        return self.data


@dataclass(slots=True)
class _Directory:
    """``first`` is 0 for the root, and that is also how the ``..`` of its children names it."""

    parent: _Directory | None = None
    entries: dict[str, _File | _Directory] = field(default_factory=dict)
    first: int = 0
    clusters: int = 0

    @property
    def size(self) -> int:
        """In bytes; a name takes its long entries and a short one."""
        own = 1 if self.parent is None else 2  # the label, or itself and its parent
        return _ENTRY * (own + sum(pieces_of(name) + 1 for name in self.entries))

    def content(self) -> bytes:
        above = self.parent.first if self.parent else 0
        itself = _entry(b".".ljust(11), _DIRECTORY, self.first) + _entry(b"..".ljust(11), _DIRECTORY, above)
        return itself + b"".join(self.named_entries())

    def named_entries(self) -> Iterator[bytes]:
        short = aliases(self.entries)
        for name, node in self.entries.items():
            yield from long_entries(name, short[name])
            match node:
                case _File():
                    yield _entry(short[name], _ARCHIVE, node.first, node.size)
                case _Directory():
                    yield _entry(short[name], _DIRECTORY, node.first)


_Node = _File | _Directory


def _tree(files: Mapping[str, bytes]) -> _Directory:
    root = _Directory()
    for path in sorted(files):  # so "a" comes before "a/b"
        *parents, name = path.split("/")
        if len(parents) > _DEEPEST:
            raise FatError(f"{path!r}: more than {_DEEPEST} directories deep")
        directory = root
        for parent in parents:
            directory = _directory(directory, parent, path)
        check_name(name, path)
        directory.entries[name] = _File(files[path])
    _refuse_twins(root)
    return root


def _directory(within: _Directory, name: str, path: str) -> _Directory:
    match within.entries.get(name):
        case _Directory() as found:
            return found
        case _File():
            raise FatError(f"{path!r}: {name!r} is a file and a directory")
    check_name(name, path)
    made = within.entries[name] = _Directory(within)
    return made


def _refuse_twins(root: _Directory) -> None:
    for directory in (node for node in _nodes(root) if isinstance(node, _Directory)):
        seen: dict[str, str] = {}
        for name in directory.entries:
            if (other := seen.setdefault(folded(name), name)) != name:
                raise FatError(f"{name!r} and {other!r} are the same name on FAT")


def _nodes(root: _Directory) -> list[_Node]:
    """All of the tree, level by level, the root first."""
    nodes: list[_Node] = [root]
    for node in nodes:
        if isinstance(node, _Directory):
            nodes.extend(node.entries.values())
    return nodes


def _allocated(root: _Directory, shape: _Shape) -> list[_Node]:
    """The nodes, each with its clusters, which follow each other in that order from cluster 2 on."""
    nodes = _nodes(root)
    for node in nodes:
        most = _ROOT_ENTRIES if node is root else _DIRECTORY_ENTRIES
        if isinstance(node, _Directory) and node.size > most * _ENTRY:
            raise FatError(
                f"a directory of {node.size // _ENTRY} entries, of which long names take several; FAT ends at {most}"
            )
    position = 2
    for node in nodes[1:]:
        node.clusters = -(-node.size // shape.cluster)
        node.first = position if node.clusters else 0
        position += node.clusters
    if (excess := position - 2 - shape.clusters) > 0:
        raise DoesNotFit(shape.kib, -(-excess * shape.cluster // 1024))
    return nodes


def _digest(files: Mapping[str, bytes], kib: int, label: str) -> bytes:
    digest = hashlib.sha256(f"{kib} {label}".encode())
    for path in sorted(files):
        name = path.encode("utf-8", "surrogatepass")
        digest.update(struct.pack("<QQ", len(name), len(files[path])) + name + files[path])
    return digest.digest()[:4]


def _volume_label(label: str) -> bytes:
    if not label or len(label) > 11 or not all(each.isascii() and (each.isalnum() or each in " -_") for each in label):
        raise FatError(f"{label!r} is no label: 1 to 11 letters, digits, blanks, - or _")
    return label.upper().encode("ascii").ljust(11)


def _boot_sector(shape: _Shape, number: bytes, label: bytes) -> bytes:
    sectors = shape.kib * 1024 // SECTOR
    few = sectors if sectors < 1 << 16 else 0
    parameters = struct.pack(
        "<3s8sHBHBHHBHHHIIBBB4s11s8s",
        b"\xeb\x3c\x90",
        b"netbootd",
        SECTOR,
        shape.cluster_sectors,
        _BEFORE_FATS,
        _FATS,
        _ROOT_ENTRIES,
        few,
        0xF8,  # a fixed disk
        shape.fat_sectors,
        math.gcd(sectors, 32),  # sectors per track: mtools wants the size to be a multiple
        2,  # heads
        0,  # hidden sectors
        0 if few else sectors,
        0x80,  # drive
        0,
        0x29,  # the three fields that follow are there
        number,
        label,
        b"FAT%-5d" % shape.bits,
    )
    return parameters.ljust(SECTOR - 2, b"\0") + b"\x55\xaa"


def _fat(shape: _Shape, nodes: Sequence[_Node]) -> bytes:
    end = (1 << shape.bits) - 1
    table = [end & ~7, end]  # the first holds the medium, F8
    for node in nodes[1:]:
        if node.clusters:
            table += [*range(node.first + 1, node.first + node.clusters), end]
    packed = _packed_12(table) if shape.bits == 12 else struct.pack(f"<{len(table)}H", *table)
    return packed.ljust(shape.fat_sectors * SECTOR, b"\0")


def _packed_12(table: list[int]) -> bytes:
    """Two entries share three bytes."""
    even = [*table, 0] if len(table) % 2 else table
    pairs = zip(even[::2], even[1::2], strict=True)
    return b"".join((low | high << 12).to_bytes(3, "little") for low, high in pairs)


def _root_content(root: _Directory, label: str) -> bytes:
    entries = _entry(_volume_label(label), _LABEL, 0) + b"".join(root.named_entries())
    return entries.ljust(_ROOT_ENTRIES * _ENTRY, b"\0")


def _entry(alias: bytes, attributes: int, first: int, size: int = 0) -> bytes:
    return struct.pack("<11sBBBHHHHHHHI", alias, attributes, 0, 0, 0, _EPOCH, _EPOCH, 0, 0, _EPOCH, first, size)
