"""Reading ahead of a transfer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netbootd.net.pagecache import ReadAhead


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(8 << 20))
    return path


async def test_pieces_of_a_file_that_was_dropped_from_memory_become_readable(file: Path) -> None:
    fd = os.open(file, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    ahead = ReadAhead(fd)
    for offset in range(0, 8 << 20, 1 << 20):
        await ahead.ready(offset, 1 << 20)
    os.close(fd)


async def test_the_end_of_a_file_that_became_shorter_is_not_waited_for(file: Path) -> None:
    fd = os.open(file, os.O_RDONLY)
    os.truncate(file, 10)
    await ReadAhead(fd).ready(1 << 20, 1 << 20)
    os.close(fd)
