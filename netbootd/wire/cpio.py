"""The cpio archives Linux takes as an initramfs: "newc", as Linux' ``buffer-format.rst`` describes it.

Written the same way each time: no clock, no owner, no inode of this machine.  Contents are `Segments`, so an archive
around a file of gigabytes is a few hundred bytes of headers; the kernel unpacks several archives one after another,
and what a later one brings wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netbootd.wire.errors import WireError
from netbootd.wire.segments import NOTHING, Segments

DIRECTORY = 0o040755
FILE = 0o100644
PROGRAM = 0o100755

NOT_NEWC = "not a newc archive"
TRUNCATED = "truncated archive"

MAX_SIZE = 0xFFFF_FFFF
"""Bytes of one file: the field is eight hexadecimal digits."""

_MAGICS = (b"070701", b"070702")  # 070702 has checksums, which are not looked at
_HEADER = 6 + 13 * 8
_TRAILER = "TRAILER!!!"
_DIGITS = frozenset(b"0123456789abcdefABCDEF")


class TooLong(ValueError):
    """The file's size cannot be written into a newc header."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or with ``mode`` DIRECTORY a directory; ``name`` without a leading slash."""

    name: str
    content: Segments = NOTHING
    mode: int = FILE


@dataclass(frozen=True, slots=True)
class Member:
    """One entry as read; ``name`` is as written, with whatever slashes and dots, and ``data`` shares the archive."""

    name: str
    mode: int
    data: memoryview


def archive(entries: Iterable[Entry]) -> Segments:
    """The archive of ``entries``, ended and padded to 512 bytes; directories that lead to an entry come before it.

    It is to start at a multiple of 4: at any other place the kernel does not recognise it.  Raises `TooLong`.
    """
    members = [_member(number, entry) for number, entry in enumerate(_with_parents(entries), start=1)]
    return Segments.of(*members, _member(0, Entry(_TRAILER, mode=0))).padded(512)


def _with_parents(entries: Iterable[Entry]) -> Iterator[Entry]:
    made: set[str] = set()
    for entry in entries:
        for parent in _parents(entry.name):
            if parent not in made:
                made.add(parent)
                yield Entry(parent, mode=DIRECTORY)
        made.add(entry.name)
        yield entry


def _parents(name: str) -> Iterator[str]:
    parts = name.split("/")
    if "" in parts or "\0" in name:
        raise AssertionError(f"not a name for an archive: {name!r}")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def _member(inode: int, entry: Entry) -> Segments:
    if entry.content.length > MAX_SIZE:
        raise TooLong(f"{entry.name} has {entry.content.length} bytes; newc ends at 4 GiB")
    name = entry.name.encode("utf-8", "surrogateescape") + b"\0"
    # inode, mode, owner, group, links, time, size, two device numbers of the file and two of its node, name, checksum
    fields = (inode, entry.mode, 0, 0, 1, 0, entry.content.length, 0, 0, 0, 0, len(name), 0)
    header = _MAGICS[0] + b"".join(b"%08X" % value for value in fields)
    return Segments.of(_aligned(header + name), entry.content, bytes(-entry.content.length % 4))


def _aligned(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def members(data: bytes | memoryview) -> Iterator[Member]:
    """The entries of all archives in ``data``, which may follow each other with zeros between them.

    Raises `WireError` where something else stands or an archive does not end; what came before has been handed out.
    """
    view = memoryview(data)
    position = _next_archive(view, 0)
    while position < len(view):
        member, position = _read(view, position)
        if member.name == _TRAILER:
            position = _next_archive(view, position)
            if position == len(view):
                return
        else:
            yield member
    raise WireError(TRUNCATED, f"no {_TRAILER} at its end")


def _next_archive(view: memoryview, position: int) -> int:
    """The next byte that is not zero, or the end."""
    while position < len(view):
        block = bytes(view[position : position + 4096])
        if rest := block.lstrip(b"\0"):
            return position + len(block) - len(rest)
        position += len(block)
    return len(view)


def _read(view: memoryview, position: int) -> tuple[Member, int]:
    header = bytes(view[position : position + _HEADER])
    if header[:6] not in _MAGICS:
        raise WireError(NOT_NEWC, f"{header[:6]!r} at {position}")
    mode, size, name_size = (_field(header, number) for number in (1, 6, 11))
    start = _up(position + _HEADER + name_size)
    if start > len(view) or start + size > len(view):
        raise WireError(TRUNCATED, f"the entry at {position} ends at {start + size} of {len(view)}")
    name = bytes(view[position + _HEADER : position + _HEADER + name_size])
    if not name.endswith(b"\0") or b"\0" in name[:-1]:
        raise WireError(NOT_NEWC, f"the name at {position} is {name[:40]!r}")
    text = name[:-1].decode("utf-8", "surrogateescape")
    return Member(text, mode, view[start : start + size]), _up(start + size)


def _field(header: bytes, number: int) -> int:
    digits = header[6 + 8 * number : 14 + 8 * number]
    if len(digits) != 8 or not _DIGITS.issuperset(digits):
        raise WireError(NOT_NEWC, f"{digits!r} is not a number")
    return int(digits, 16)


def _up(position: int) -> int:
    return position + -position % 4
