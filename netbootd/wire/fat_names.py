"""Names on a FAT file system: long ones, and the 8.3 alias that each of them has.

After Microsoft's "FAT: General Overview of On-Disk Format" 1.03, sections "Long Directory Entries" and "Short
Directory Entries".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

LONG_NAME = 0x0F
"""The attribute byte of an entry that holds a piece of a long name."""

LAST_PIECE = 0x40
"""Set in the number of the piece that ends the name, which comes first."""

PIECE = 13
"""UTF-16 units in one entry."""

MAX_UNITS = 255

_SHORT = re.compile(r"[A-Z0-9$%'_@~`!(){}^#&-]{1,8}(\.[A-Z0-9$%'_@~`!(){}^#&-]{1,3})?")
_NOT_SHORT = re.compile(r"[^A-Z0-9$%'_@~`!(){}^#&-]")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f"*/:<>?\\|]')


class FatError(ValueError):
    """These files cannot be put on a FAT file system; the text says why, in words for who named them."""


def check_name(name: str, path: str) -> None:
    """Raise `FatError`, which speaks of ``path``, unless ``name`` can be held and is read back as it is."""
    if found := _FORBIDDEN.search(name):
        raise FatError(f"{path!r}: FAT has no names with {found[0]!r}")
    if not name or not name.strip(". ") or name[-1] in ". ":
        raise FatError(f"{path!r}: FAT has no names that are empty or end in a dot or a blank")
    try:
        units = len(name.encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        raise FatError(f"{path!r}: not a name in Unicode") from None
    if units > MAX_UNITS:
        raise FatError(f"{path!r}: a name of {units} characters; FAT ends at {MAX_UNITS}")


def folded(name: str) -> str:
    """Equal for names that FAT takes for the same: letters are compared one by one, as capitals."""
    return "".join(upper if len(upper := letter.upper()) == 1 else letter for letter in name)


def aliases(names: Iterable[str]) -> dict[str, bytes]:
    """A different 8.3 name, of 11 bytes as a directory holds it, for each of the names of one directory.

    A name that is 8.3 but for its small letters gets itself in capitals, and first, so that no number made up for
    another name hides it.
    """
    found = {name: name.upper() for name in names if name.isascii() and _SHORT.fullmatch(name.upper())}
    taken = set(found.values())
    numbers: dict[tuple[str, str], int] = {}
    for name in (each for each in names if each not in found):
        found[name] = _numbered(*_basis(name), taken, numbers)
        taken.add(found[name])
    return {name: _packed(alias) for name, alias in found.items()}


def _basis(name: str) -> tuple[str, str]:
    """What is left of a name in 8.3: capitals, no blanks, one dot, an underscore for what else cannot be."""
    stem, dot, extension = name.upper().replace(" ", "").lstrip(".").rpartition(".")
    if not dot:
        stem, extension = extension, ""
    stem, extension = (_NOT_SHORT.sub("_", part.replace(".", "")) for part in (stem, extension))
    return stem or "_", extension[:3]


def _numbered(stem: str, extension: str, taken: set[str], numbers: dict[tuple[str, str], int]) -> str:
    suffix = f".{extension}" if extension else ""
    number = numbers.get((stem[:6], extension), 0)
    while True:
        number += 1
        tail = f"~{number}"
        alias = stem[: 8 - len(tail)] + tail + suffix
        if alias not in taken:
            numbers[stem[:6], extension] = number
            return alias


def _packed(alias: str) -> bytes:
    stem, _, extension = alias.partition(".")
    return f"{stem:8}{extension:3}".encode("ascii")


def checksum(alias: bytes) -> int:
    """Of an 8.3 name; the pieces of a long name carry it, to show whose they are."""
    total = 0
    for byte in alias:
        total = ((total & 1) << 7 | total >> 1) + byte & 0xFF
    return total


def pieces_of(name: str) -> int:
    """How many entries the long name takes."""
    return -(-len(name.encode("utf-16-le")) // (2 * PIECE))


def long_entries(name: str, alias: bytes) -> Iterator[bytes]:
    """The entries of the long name, in the order they stand before the short one: the end of the name first."""
    text = name.encode("utf-16-le")
    size = 2 * PIECE
    count = pieces_of(name)
    if len(text) % size:  # the name ends in NUL, unless it fills its last piece, and then come ones
        text = (text + b"\0\0").ljust(count * size, b"\xff")
    total = checksum(alias)
    for number in range(count, 0, -1):
        piece = text[(number - 1) * size : number * size]
        head = bytes((number | (LAST_PIECE if number == count else 0),))
        yield head + piece[:10] + bytes((LONG_NAME, 0, total)) + piece[10:22] + b"\0\0" + piece[22:]
