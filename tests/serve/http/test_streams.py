"""Documents put together while they are sent: out of memory and of files, and never anything else in their place."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from netbootd.artifacts.tree import NotServed, Opened, Tree
from netbootd.net.sendfile import Ending
from netbootd.net.turns import Turns
from netbootd.serve.http.streams import Stream, TooShort
from netbootd.wire.segments import Extent, Segments
from tests.support.tcp import connection

ISO = bytes(range(256)) * 2000
CONTENT = Segments.of(
    b"head", Extent("a.iso", 100, 300_000), b"between", Extent("b.img", 0, 10), Extent("a.iso", 0, 50)
)
BYTES = b"head" + ISO[100:300_100] + b"between" + b"0123456789" + ISO[:50]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "a.iso").write_bytes(ISO)
    (tmp_path / "b.img").write_bytes(b"0123456789")
    return Tree(tmp_path)


def is_open(file: Opened) -> bool:
    try:
        os.fstat(file.fd)
    except OSError:
        return False
    return True


async def sent(stream: Stream, offset: int, count: int) -> bytes:
    async with connection() as line:
        result, data = await asyncio.gather(
            stream.send(line.transport, offset, count, stall=60, turns=Turns()), line.take(count)
        )
        assert (result.sent, result.reason) == (count, Ending.COMPLETE)
        return data


@pytest.mark.parametrize(("offset", "count"), [(0, len(BYTES)), (2, 100), (300_000, 60), (len(BYTES) - 3, 3), (7, 0)])
async def test_any_part_of_it_is_what_it_would_be_in_one_piece(tree: Tree, offset: int, count: int) -> None:
    with Stream.open(CONTENT, tree) as stream:
        assert await sent(stream, offset, count) == BYTES[offset : offset + count]


def test_each_file_is_open_once_and_closed_at_the_end(tree: Tree) -> None:
    with Stream.open(CONTENT, tree) as stream:
        assert sorted(stream.sources) == ["a.iso", "b.img"]
        assert all(map(is_open, stream.sources.values()))
    assert not any(map(is_open, stream.sources.values()))


@pytest.mark.parametrize("missing", [Extent("none", 0, 1), Extent("b.img", 5, 6)])
def test_what_is_not_there_whole_is_not_begun_and_nothing_stays_open(tree: Tree, missing: Extent) -> None:
    opened: list[Opened] = []

    class Watched(Tree):
        def open(self, path: str, *, lenient: bool = False) -> Opened:
            opened.append(Tree.open(self, path, lenient=lenient))
            return opened[-1]

    with pytest.raises((NotServed, TooShort)):
        Stream.open(Segments.of(CONTENT, missing), Watched(tree.root))
    assert len(opened) >= 2
    assert not any(map(is_open, opened))


async def test_a_file_that_changes_ends_it_where_its_next_piece_would_begin(tree: Tree) -> None:
    """What is cut short can be asked for again; what was mixed of two files would be booted."""
    with Stream.open(CONTENT, tree) as stream:
        (tree.root / "b.img").write_bytes(b"something else")
        async with connection() as line:
            result = await stream.send(line.transport, 0, len(BYTES), stall=60, turns=Turns())
        assert (result.sent, result.reason, result.complete) == (0, Ending.CHANGED, False)


async def test_what_was_sent_before_a_client_went_away_is_counted_over_all_pieces(tree: Tree) -> None:
    taken: list[int] = []
    with Stream.open(CONTENT, tree) as stream:
        async with connection() as line:
            result = await stream.send(line.transport, 0, 4, stall=60, turns=Turns(), progress=taken.append)
            line.transport.abort()
            again = await stream.send(line.transport, 0, 300_004, stall=60, turns=Turns())
    assert (result.sent, sum(taken)) == (4, 4)
    assert not again.complete
    assert again.reason is Ending.GONE


def test_its_tag_stands_for_its_bytes(tree: Tree) -> None:
    """The same for the same bytes of the same files; another for any other, also where only the seams differ."""

    def tag(content: Segments) -> str:
        with Stream.open(content, tree) as stream:
            return stream.etag()

    assert tag(CONTENT) == tag(CONTENT)
    others = [
        Segments.of(CONTENT, b"x"),
        Segments.of(b"HEAD", CONTENT.slice(4, CONTENT.length - 4)),
        Segments.of(b"head", Extent("a.iso", 101, 300_000)),
        Segments.of(b"head", Extent("a.iso", 100, 300_001)),
    ]
    assert len({tag(each) for each in (CONTENT, *others)}) == 5
    before = tag(CONTENT)
    os.utime(tree.root / "a.iso", ns=(0, 1))
    assert tag(CONTENT) != before


def test_what_names_no_path_is_our_own_fault(tree: Tree) -> None:
    with pytest.raises(AssertionError, match="not a path"):
        Stream.open(Segments.of(Extent(7, 0, 1)), tree)
