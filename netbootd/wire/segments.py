"""A stream that is described instead of held: literal bytes, and extents of files that stay where they are.

Slicing, joining and replacing touch no data, so a range of an ISO with another ``config.img`` in it costs the same
whatever its size.  Whoever sends it opens the sources, writes the literals and calls sendfile for the extents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

_ZEROS = memoryview(bytes(64 << 10))
_JOINED = 4096  # literals up to this size become one when they meet: a header and the padding before it are one write


@dataclass(frozen=True, slots=True)
class Extent:
    """``length`` bytes from ``offset`` on of whatever the caller knows as ``source``."""

    source: str | int
    offset: int
    length: int

    def __post_init__(self) -> None:
        if self.offset < 0 or self.length < 0:
            raise AssertionError(f"not an extent: {self.offset}+{self.length}")


Piece = memoryview | Extent
"""A literal is a view of bytes that others may share; it is never written to."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Pieces in a row; none is empty.  ``length`` is their sum in bytes."""

    pieces: tuple[Piece, ...] = ()
    length: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", sum(map(_size, self.pieces)))

    @classmethod
    def of(cls, *parts: bytes | Piece | Segments) -> Segments:
        """The parts one after the other."""
        return cls(tuple(_joined(piece for part in parts for piece in _pieces(part) if _size(piece))))

    @classmethod
    def zeros(cls, length: int) -> Segments:
        """``length`` zero bytes, out of one page shared by all."""
        whole, rest = divmod(length, len(_ZEROS))
        return cls((_ZEROS,) * whole + ((_ZEROS[:rest],) if rest else ()))

    def __add__(self, other: Segments) -> Segments:
        return Segments.of(self, other)

    def slice(self, start: int, length: int) -> Segments:
        """``length`` bytes from ``start`` on, which must be there."""
        if start < 0 or length < 0 or start + length > self.length:
            raise AssertionError(f"{start}+{length} is outside {self.length} bytes")
        return Segments.of(*self._cut(start, start + length))

    def _cut(self, start: int, stop: int) -> Iterator[Piece]:
        position = 0
        for piece in self.pieces:
            if position >= stop:
                return
            size = _size(piece)
            if position + size > start:
                yield _part(piece, max(start - position, 0), min(stop - position, size))
            position += size

    def replace(self, start: int, stop: int, by: Segments) -> Segments:
        """The bytes from ``start`` up to ``stop`` taken out, and ``by``, of whatever length, put there."""
        if start > stop:
            raise AssertionError(f"a range that ends before it starts: {start}..{stop}")
        return Segments.of(self.slice(0, start), by, self.slice(stop, self.length - stop))

    def padded(self, alignment: int) -> Segments:
        """Followed by the zeros that make the length a multiple of ``alignment``."""
        return self + Segments.zeros(-self.length % alignment)

    def joined(self, fetch: Callable[[Extent], bytes] | None = None) -> bytes:
        """All the bytes, for what is known to be small; ``fetch`` reads an extent."""
        return b"".join(self._fetched(fetch))

    def _fetched(self, fetch: Callable[[Extent], bytes] | None) -> Iterator[bytes | memoryview]:
        for piece in self.pieces:
            match piece:
                case Extent():
                    if fetch is None:
                        raise AssertionError(f"nobody to fetch {piece}")
                    yield fetch(piece)
                case _:
                    yield piece


def _size(piece: Piece) -> int:
    return piece.length if isinstance(piece, Extent) else len(piece)


NOTHING = Segments()


def _pieces(part: bytes | Piece | Segments) -> tuple[Piece, ...]:
    match part:
        case Segments():
            return part.pieces
        case bytes():
            return (memoryview(part),)
        case _:
            return (part,)


def _part(piece: Piece, start: int, stop: int) -> Piece:
    match piece:
        case Extent(source, offset, _):
            return Extent(source, offset + start, stop - start)
        case _:
            return piece[start:stop]


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbours made one: short literals, and extents that follow each other in one source."""
    before: Piece | None = None
    for piece in pieces:
        one = None if before is None else _one(before, piece)
        if before is not None and one is None:
            yield before
        before = one or piece
    if before is not None:
        yield before


def _one(first: Piece, second: Piece) -> Piece | None:
    match first, second:
        case Extent(), Extent():
            if (first.source, first.offset + first.length) == (second.source, second.offset):
                return Extent(first.source, first.offset, first.length + second.length)
        case memoryview(), memoryview() if len(first) + len(second) <= _JOINED:
            return memoryview(bytes(first) + bytes(second))
    return None
