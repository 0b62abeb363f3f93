"""A node's configuration for era A: a compressed cpio archive that lays another config.img over the installer's.

EVE's initramfs of 6.3 to 13.3 keeps what its archives bring under ``media/root-rw``, and what a later one brings wins.
Its init then looks for the squashfs by the first ``hsqs`` in all of the initrds, so this archive must not hold those
letters.  Compressed, it may follow at any offset; a plain one at an odd place is passed over without a word, and the
node gets the wrong configuration (seen in QEMU).
"""

from __future__ import annotations

import zlib
from itertools import product

from netbootd.payloads.base import CannotBoot
from netbootd.wire import cpio
from netbootd.wire.segments import Segments

NAME = "config.cpio.gz"
PATH = "media/root-rw/config.img"
SQUASHFS = b"hsqs"

_LEVELS = range(9, 0, -1)
_MEMORIES = range(9, 0, -1)  # where zlib ends its blocks depends on it, and so do all bits that follow
_GZIP = 31  # its header then has no time and no name


def archive(image: Segments) -> Segments:
    """The archive with this config.img.  Raises `CannotBoot`."""
    return Segments.of(compressed(cpio.archive((cpio.Entry(PATH, image),)).joined(), without=SQUASHFS))


def compressed(data: bytes, *, without: bytes) -> bytes:
    """gzip, always the same for the same data, and with no such bytes in it.  Raises `CannotBoot`."""
    for level, memory in product(_LEVELS, _MEMORIES):
        compressor = zlib.compressobj(level, zlib.DEFLATED, _GZIP, memory)
        packed = compressor.compress(data) + compressor.flush()
        if without not in packed:
            return packed
    raise CannotBoot(f"the configuration cannot be packed without the letters {without!r}, which would be misread")
