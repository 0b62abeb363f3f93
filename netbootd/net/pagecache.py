"""A file kept in memory just ahead of what is being sent, so that ``sendfile`` never waits for a disk.

``os.sendfile`` on a non-blocking socket still blocks the event loop while the page cache fills.  So each piece is
asked for first without waiting (RWF_NOWAIT, about a microsecond); only when that says "not in memory" does a thread
read a window ahead.  Files that are in memory, the usual case when many machines boot, never cost a thread.
"""

from __future__ import annotations

import asyncio
import os

_WINDOW = 1 << 20  # read ahead at a time; the next one is on its way from the disk meanwhile
_READ = 256 << 10


class ReadAhead:
    """Makes pieces of one open file ready to be sent; offsets only grow."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._read_to = 0

    async def ready(self, offset: int, count: int) -> None:
        """Return when ``count`` bytes from ``offset`` can be read without waiting.  Raises OSError of the disk."""
        if offset + count <= self._read_to or (
            _in_memory(self._fd, offset) and _in_memory(self._fd, offset + count - 1)
        ):
            return
        await asyncio.get_running_loop().run_in_executor(None, _read_through, self._fd, offset, offset + _WINDOW)
        self._read_to = offset + _WINDOW


def _in_memory(fd: int, offset: int) -> bool:
    try:
        os.preadv(fd, [bytearray(1)], offset, os.RWF_NOWAIT)
    except BlockingIOError:
        return False
    except OSError:  # a file system that cannot tell; then sendfile finds out
        return True
    return True


def _read_through(fd: int, start: int, end: int) -> None:
    """Read and drop; runs in a thread.  The next window is ordered from the disk while this one is being sent."""
    os.posix_fadvise(fd, end, _WINDOW, os.POSIX_FADV_WILLNEED)
    while start < end and (got := len(os.pread(fd, min(_READ, end - start), start))):
        start += got
