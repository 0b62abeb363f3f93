"""ISO 9660 images: made by xorriso as a distribution makes them, or by hand, field by field, to lie where wanted."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.support.tools import need

SECTOR = 2048
ROOT = 20
"""Where the root directory of an image made by hand lies."""


def xorriso(tree: Path, *options: str) -> bytes:
    """The image of a directory; skips the test where xorriso is not installed."""
    need("xorriso")
    image = tree.with_suffix(".iso")
    command = ["xorriso", "-as", "mkisofs", "-quiet", *options, "-o", str(image), str(tree)]
    subprocess.run(command, check=True, capture_output=True)
    made = image.read_bytes()
    image.unlink()
    return made


def by_hand(sectors: Mapping[int, bytes], *, count: int = 40, descriptors: Iterable[bytes] | None = None) -> bytes:
    """An image of ``count`` sectors; the root directory is to be in sector `ROOT`."""
    data = bytearray(count * SECTOR)
    descriptors = (descriptor(),) if descriptors is None else descriptors
    for number, content in [*enumerate((*descriptors, _TERMINATOR), start=16), *sectors.items()]:
        data[number * SECTOR : number * SECTOR + len(content)] = content
    return bytes(data[: count * SECTOR])


_TERMINATOR = b"\xffCD001\x01"


def descriptor(
    kind: int = 1, *, label: bytes = b"BY HAND", root: bytes | None = None, block: int = SECTOR, escape: bytes = b""
) -> bytes:
    """ECMA-119 8.4 and 8.5: of a primary (1) or supplementary (2) volume."""
    data = bytearray(SECTOR)
    data[:7] = bytes((kind,)) + b"CD001\x01"
    data[40:72] = label.ljust(32)
    data[88:120] = escape.ljust(32, b"\0")
    data[128:132] = struct.pack("<H", block) + struct.pack(">H", block)
    data[156:190] = root or record(b"\0", ROOT, SECTOR, flags=2)
    return bytes(data)


def directory(*entries: bytes, at: int = ROOT, own: bytes = b"") -> bytes:
    """A directory of one sector, with the records of itself (``own`` is its system use) and its parent before."""
    own_record = record(b"\0", at, SECTOR, flags=2, system_use=own)
    return b"".join((own_record, record(b"\1", ROOT, SECTOR, flags=2), *entries)).ljust(SECTOR, b"\0")


def record(name: bytes, block: int, size: int, *, flags: int = 0, system_use: bytes = b"") -> bytes:
    """ECMA-119 9.1."""
    padding = b"" if len(name) % 2 else b"\0"
    rest = (
        b"\0"  # extended attributes
        + _both(block)
        + _both(size)
        + bytes(7)  # date
        + bytes((flags, 0, 0))
        + b"\1\0\0\1"  # volume number
        + bytes((len(name),))
        + name
        + padding
        + system_use
    )
    rest += b"\0" if len(rest) % 2 == 0 else b""
    return bytes((len(rest) + 1,)) + rest


SUSP = b"SP\x07\x01\xbe\xef\x00"


def entry(signature: bytes, data: bytes) -> bytes:
    """A system use entry (SUSP 4.1)."""
    return signature + bytes((4 + len(data), 1)) + data


def name(text: bytes, flags: int = 0) -> bytes:
    return entry(b"NM", bytes((flags,)) + text)


def continued(block: int, offset: int, length: int) -> bytes:
    return entry(b"CE", _both(block) + _both(offset) + _both(length))


def child(block: int) -> bytes:
    return entry(b"CL", _both(block))


def mode(number: int) -> bytes:
    return entry(b"PX", _both(number) + _both(1) + _both(0) + _both(0))


def _both(number: int) -> bytes:
    return struct.pack("<I", number) + struct.pack(">I", number)
