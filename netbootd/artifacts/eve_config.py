"""What the config.img of a release holds, which a node's own files are laid over.

In ISOs made by EVE's container it lies at the top; with era A in ``initrd.bits``, a gzipped cpio archive.  Elsewhere it
is inside the squashfs, and not looked for.  It is read anew whenever bundles are looked for: it is small.
"""

from __future__ import annotations

import zlib

from netbootd.artifacts.eve_content import Content
from netbootd.boot.model import ConfigFile
from netbootd.payloads.eve.bundle import CONFIG, ISO, Bundle, Era
from netbootd.wire.cpio import members
from netbootd.wire.errors import WireError
from netbootd.wire.fat_reader import read_fat

BITS = "initrd.bits"
ORIGIN = "the bundle's own config.img"

_IN_BITS = frozenset({"media/root-rw/config.img", "bits/config.img"})
_LARGEST = 16 << 20
_PACKED = 1 << 20
"""Of ``initrd.bits``; its names are in order, and behind config.img there is only persist.img."""
_UNPACKED = 8 << 20
_MOST = 500
_GZIP = 31


def stock_config(content: Content, bundle: Bundle) -> tuple[ConfigFile, ...]:
    """The files in it, by path; none where there is none, or it cannot be read.  Raises OSError."""
    try:
        files = read_fat(_image(content, bundle)).files
    except (WireError, zlib.error):
        return ()
    if len(files) > _MOST:
        return ()
    return tuple(ConfigFile(path, data, ORIGIN) for path, data in sorted(files.items()))


def _image(content: Content, bundle: Bundle) -> bytes | memoryview:
    if bundle.era is Era.A:
        return _in_bits(content.read(BITS, 0, _PACKED))
    found = bundle.in_iso(CONFIG)
    return content.read(ISO, found.offset, found.size) if found and found.size <= _LARGEST else b""


def _in_bits(packed: bytes) -> bytes | memoryview:
    unpacked = zlib.decompressobj(_GZIP).decompress(packed, _UNPACKED)
    for member in members(unpacked):
        if member.name.removeprefix("./").removeprefix("/") in _IN_BITS:
            return member.data
    return b""
