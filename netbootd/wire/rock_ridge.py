"""Rock Ridge: what the system use area of an ISO 9660 directory record adds to it (SUSP 1.12 and RRIP 1.12).

Only what finding and serving a file needs is read: its name and kind, directories moved up because they lay too deep,
and whether its content is compressed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from netbootd.wire.errors import WireError

BAD_ENTRY = "bad system use entry"
TOO_MANY_CONTINUATIONS = "too many continuation areas"
NAME_TOO_LONG = "name too long"

MAX_NAME = 255
_MAX_CONTINUATIONS = 32
_XA = 14  # CD-ROM XA puts 14 bytes of its own before
_CONTINUE, _CURRENT, _PARENT = 1, 2, 4  # flags of NM

Fetch = Callable[[int, int, int], bytes]
"""(block, offset in it, length) -> bytes of a continuation area."""


@dataclass(frozen=True, slots=True)
class SystemUse:
    """What one record's system use area says."""

    name: bytes | None = None
    mode: int | None = None
    """``st_mode``, where PX gives it."""
    link: bool = False
    child: int | None = None
    """The block of the directory that this record stands for, which lies elsewhere (CL)."""
    relocated: bool = False
    """A directory that another record stands for (RE)."""
    compressed: bool = False
    """The extents hold zisofs blocks and not the file's own bytes (ZF)."""


def skipped(area: bytes) -> int | None:
    """From the system use area of the root's own record: how many bytes to pass over in all the others.

    None when the volume does not use SUSP: its SP entry is to be the first there (SUSP 5.3).
    """
    for start in (0, _XA):
        entry = area[start : start + 7]
        if entry[:2] == b"SP" and entry[4:6] == b"\xbe\xef" and len(entry) == 7:
            return entry[6]
    return None


def system_use(area: bytes, fetch: Fetch) -> SystemUse:
    """What ``area``, and the areas it continues in, say.  Raises `WireError`."""
    name: bytes | None = None
    mode: int | None = None
    child: int | None = None
    seen: set[bytes] = set()
    for signature, data in _entries(area, fetch):
        seen.add(signature)
        match signature:
            case b"NM" if data and not data[0] & (_CURRENT | _PARENT):
                name = _longer(name, data)
            case b"PX":
                mode = _number(data, 0)
            case b"CL":
                child = _number(data, 0)
    return SystemUse(name, mode, b"SL" in seen, child, b"RE" in seen, b"ZF" in seen)


def _longer(name: bytes | None, data: bytes) -> bytes:
    """A name may come in pieces; all but the last are marked with CONTINUE, which need not be looked at."""
    name = (name or b"") + data[1:]
    if len(name) > MAX_NAME:
        raise WireError(NAME_TOO_LONG, repr(name[:40]))
    return name


def _entries(area: bytes, fetch: Fetch) -> Iterator[tuple[bytes, bytes]]:
    """(signature, data) of each entry.

    SUSP 5.1: an area's continuation is read when its own end is reached, wherever in it the CE entry stands.
    """
    for _ in range(_MAX_CONTINUATIONS):
        following: bytes | None = None
        for signature, data in _split(area):
            if signature == b"ST":
                break
            if signature == b"CE":
                following = data
            else:
                yield signature, data
        if following is None:
            return
        area = fetch(_number(following, 0), _number(following, 8), _number(following, 16))
    raise WireError(TOO_MANY_CONTINUATIONS)


def _split(area: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    # SUSP 4: "If the remaining allocated space following the last recorded System Use Entry in a System Use field or
    # Continuation Area is less than four bytes long, it cannot contain a System Use Entry"; and writers pad with zeros.
    while len(area) - position >= 4 and area[position]:
        length = area[position + 2]
        if length < 4 or position + length > len(area):
            raise WireError(BAD_ENTRY, f"{area[position : position + 2]!r} has length {length}")
        yield area[position : position + 2], area[position + 4 : position + length]
        position += length


def _number(data: bytes, position: int) -> int:
    """ECMA-119 7.3.3: a 32-bit number in both byte orders; the first is little-endian."""
    if position + 4 > len(data):
        raise WireError(BAD_ENTRY, f"{len(data)} bytes of data")
    (number,) = struct.unpack_from("<I", data, position)
    return int(number)
