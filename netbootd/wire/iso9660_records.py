"""The fixed forms of ISO 9660: volume descriptors (ECMA-119 8.4, 8.5) and directory records (9.1)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from netbootd.wire.errors import WireError
from netbootd.wire.text import printable

BAD_DESCRIPTOR = "bad volume descriptor"
BAD_RECORD = "bad directory record"

SECTOR = 2048
"""Descriptors are this long, and no record crosses such a boundary, whatever the block size."""

_PRIMARY, _SUPPLEMENTARY = 1, 2
_JOLIET = (b"%/@", b"%/C", b"%/E")  # escape sequences of UCS-2 levels 1 to 3
_DIRECTORY, _ASSOCIATED, _MORE = 0x02, 0x04, 0x80


class Names(Enum):
    """Whose names the files have."""

    ROCK_RIDGE = "Rock Ridge"
    JOLIET = "Joliet"
    PLAIN = "ISO 9660"


@dataclass(frozen=True, slots=True)
class Record:
    """A directory record; ``block`` is past the extended attributes, ``size`` in bytes."""

    name: bytes
    block: int
    size: int
    flags: int = 0
    system_use: bytes = b""

    @property
    def is_directory(self) -> bool:
        return bool(self.flags & _DIRECTORY)

    @property
    def associated(self) -> bool:
        """A second stream of the file of that name, as Macintosh resource forks."""
        return bool(self.flags & _ASSOCIATED)

    @property
    def more_sections(self) -> bool:
        """The next record goes on with this file."""
        return bool(self.flags & _MORE)

    @property
    def is_self_or_parent(self) -> bool:
        return self.name in (b"\0", b"\1")

    def plain_name(self) -> str:
        """As Linux shows it (``map=normal``): ``README.;1`` is ``readme``."""
        name = self.name.decode("ascii", "backslashreplace").lower()
        return name.partition(";")[0].removesuffix(".")

    def joliet_name(self) -> str:
        return self.name.decode("utf-16-be", "backslashreplace").removesuffix(";1")


@dataclass(frozen=True, slots=True)
class Volume:
    """``primary`` and ``joliet`` are the records of the roots; ``descriptors`` is how many sectors describe it."""

    label: str
    block_size: int
    primary: Record
    joliet: Record | None
    descriptors: int


def volume_of(descriptors: Sequence[bytes]) -> Volume | None:
    """The volume these descriptors, of a sector each, describe; None when none is primary.  Raises `WireError`."""
    primary = next((each for each in descriptors if each[0] == _PRIMARY), None)
    if primary is None:
        return None
    joliet = next((each for each in descriptors if each[0] == _SUPPLEMENTARY and each[88:91] in _JOLIET), None)
    label = printable(primary[40:72].decode("ascii", "backslashreplace").rstrip(" \0"))
    return Volume(label, _block_size(primary), _root(primary), _root(joliet) if joliet else None, len(descriptors))


def _block_size(descriptor: bytes) -> int:
    (size,) = struct.unpack_from("<H", descriptor, 128)
    if size not in (512, 1024, 2048):
        raise WireError(BAD_DESCRIPTOR, f"blocks of {size} bytes")
    return int(size)


def _root(descriptor: bytes) -> Record:
    record = _record(descriptor[156:190])
    if not record.is_directory:
        raise WireError(BAD_DESCRIPTOR, "the root is no directory")
    return record


def records(directory: bytes) -> Iterator[Record]:
    """The records of a directory's content.  Raises `WireError`."""
    position = 0
    while position < len(directory):
        length = directory[position]
        sector_end = position - position % SECTOR + SECTOR
        if length == 0:  # what is left of a sector is filled with zeros
            position = sector_end
            continue
        if position + length > min(sector_end, len(directory)):
            raise WireError(BAD_RECORD, f"{length} bytes at {position}")
        yield _record(directory[position : position + length])
        position += length


def _record(data: bytes) -> Record:
    """All numbers are there in both byte orders; the little-endian one counts, as in Linux."""
    if len(data) < 34 or 33 + data[32] > len(data) or data[32] == 0:
        raise WireError(BAD_RECORD, f"{len(data)} bytes")
    block, size = struct.unpack_from("<I4xI", data, 2)
    if data[26] or data[27]:
        raise WireError(BAD_RECORD, "interleaved file")
    end = 33 + data[32]
    # ECMA-119 9.1.12: a padding byte follows a name of even length
    return Record(data[33:end], block + data[1], size, data[25], data[end + end % 2 :])
