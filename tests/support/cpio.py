"""A cpio archive ("newc") written the same way each time: no clock, no owner, no inode of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

DIRECTORY = 0o040755
FILE = 0o100644
PROGRAM = 0o100755


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or directory; parents must come before what is in them."""

    name: str
    mode: int = FILE
    data: bytes = b""


def newc(entries: Iterable[Entry]) -> bytes:
    """The archive of ``entries``, ended and padded to 512 bytes."""
    parts = [_member(number, entry) for number, entry in enumerate(entries, start=1)]
    parts.append(_member(0, Entry("TRAILER!!!", mode=0)))
    return _padded(b"".join(parts), 512)


def _member(inode: int, entry: Entry) -> bytes:
    name = entry.name.encode() + b"\0"
    fields = (inode, entry.mode, 0, 0, 1, 0, len(entry.data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % value for value in fields)
    return _padded(header + name, 4) + _padded(entry.data, 4)


def _padded(data: bytes, size: int) -> bytes:
    return data + bytes(-len(data) % size)
