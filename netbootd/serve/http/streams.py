"""Documents put together while they are sent: literals out of memory, extents by sendfile out of open files.

Nothing is copied, and what a stream costs does not grow with its length.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Self

from netbootd.artifacts.tree import Opened, Tree
from netbootd.net.sendfile import Ending, Progress, SendResult, send_bytes, send_file
from netbootd.net.turns import Turns
from netbootd.wire.segments import Extent, Piece, Segments


class TooShort(Exception):
    """A file ends before an extent of it does."""


@dataclass(frozen=True, slots=True)
class Stream:
    """``content`` and the files its extents are of, which are open until the end of a ``with``."""

    content: Segments
    sources: Mapping[str, Opened]

    @classmethod
    def open(cls, content: Segments, tree: Tree) -> Self:
        """Waits for the disk.  Raises `TooShort`, and what `Tree.open` raises."""
        with ExitStack() as stack:
            sources: dict[str, Opened] = {}
            for extent in content.pieces:
                if isinstance(extent, Extent):
                    name = _name(extent)
                    if name not in sources:
                        sources[name] = stack.enter_context(tree.open(name))
                    if extent.offset + extent.length > sources[name].size:
                        raise TooShort(f"{name} has {sources[name].size} bytes")
            stack.pop_all()
        return cls(content, sources)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for source in self.sources.values():
            source.close()

    def etag(self) -> str:
        """Strong, with its quotes: the same for the same bytes of the same files, and another for any other."""
        digest = hashlib.sha256()
        for piece in self.content.pieces:
            match piece:
                case Extent(_, offset, length):
                    digest.update(f"extent {self.sources[_name(piece)].etag} {offset} {length};".encode())
                case _:
                    digest.update(b"literal %d;" % len(piece))
                    digest.update(piece)
        return f'"{digest.hexdigest()[:32]}"'

    def changed(self) -> bool:
        """Whether a file is no longer what was opened."""
        return any(source.changed() for source in self.sources.values())

    async def send(
        self,
        transport: asyncio.WriteTransport,
        offset: int,
        count: int,
        *,
        stall: float,
        turns: Turns,
        progress: Progress | None = None,
    ) -> SendResult:
        """``count`` bytes from ``offset`` on, as `send_file` does; never anything else in place of them."""
        sent = 0
        for piece in self.content.slice(offset, count).pieces:
            if self.changed():
                return SendResult(sent, Ending.CHANGED)
            result = await self._send_piece(transport, piece, stall, turns, progress)
            sent += result.sent
            if not result.complete:
                return replace(result, sent=sent)
        return SendResult(sent, Ending.COMPLETE)

    async def _send_piece(
        self, transport: asyncio.WriteTransport, piece: Piece, stall: float, turns: Turns, progress: Progress | None
    ) -> SendResult:
        match piece:
            case Extent(_, offset, length):
                source = self.sources[_name(piece)]
                at = source.offset + offset
                return await send_file(transport, source.fd, at, length, stall=stall, turns=turns, progress=progress)
            case _:
                return await send_bytes(transport, piece, stall=stall, turns=turns, progress=progress)


def _name(extent: Extent) -> str:
    if not isinstance(extent.source, str):
        raise AssertionError(f"not a path under artifacts: {extent.source}")
    return extent.source
