"""DER, as much of it as certificates and keys are made of: elements that follow each other (ITU-T X.690, 8.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from netbootd.wire.errors import WireError

INTEGER, BIT_STRING, OCTET_STRING, SEQUENCE = 0x02, 0x03, 0x04, 0x30
_LONG = 0x80
_MOST = 4  # octets of a length: 4 GiB


@dataclass(frozen=True, slots=True)
class Element:
    """``content`` may be a key, and is not shown."""

    tag: int
    content: bytes = field(repr=False)


def elements(data: bytes) -> tuple[Element, ...]:
    """Those that fill ``data``, without what is nested in them.  Raises `WireError`."""
    return tuple(_elements(data))


def _elements(data: bytes) -> Iterator[Element]:
    position = 0
    while position < len(data):
        start, size = _place(data, position)
        if start + size > len(data):
            raise WireError("truncated element", f"{size} octets at {start}")
        yield Element(data[position], data[start : start + size])
        position = start + size


def _place(data: bytes, position: int) -> tuple[int, int]:
    """Where the content of the element that begins here begins, and its length."""
    start = position + 2
    if start > len(data):
        raise WireError("truncated element", "no length")
    short = data[position + 1]
    if short < _LONG:
        return start, short
    more = short - _LONG
    # 10.1: "The definite form of length encoding shall be used", and 0x80 is the other one.
    if not 0 < more <= _MOST or start + more > len(data):
        raise WireError("bad length of an element", f"0x{short:02x}")
    return start + more, int.from_bytes(data[start : start + more], "big")
