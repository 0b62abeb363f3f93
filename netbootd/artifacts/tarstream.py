"""A tar as it arrives: forward only, in bounded memory, and nothing in it but files and directories.

Headers are read by the standard library's ``tarfile.TarInfo``; the way through the archive is our own, because
``tarfile`` itself reads a long name of any length into memory and takes an archive that was cut off for a whole one.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from netbootd.artifacts.faults import ImportFault

BLOCK = 512
CHUNK = 1 << 20

MOST_MEMBERS = 10_000

_LONGEST_PADDING = 64 << 20
_LONGEST_NAME = 8 * 1024
_LARGEST_EXTENSION = 1 << 20  # a pax header: names, times, attributes
_MOST_EXTENSIONS = 8  # headers before one member
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_REFUSED = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A file: its path as written, and its bytes, to be read before the next member is asked for."""

    path: str
    size: int
    chunks: Iterator[bytes]


def members(read: Callable[[int], bytes]) -> Iterator[Member]:
    """The files of a tar; ``read`` gives at most the bytes asked for, and none at the end.  Raises `ImportFault`."""
    archive = _Archive(read)
    seen = 0
    while (header := archive.header()) is not None:
        seen += 1
        if seen > MOST_MEMBERS:
            raise ImportFault(f"the tar holds more than {MOST_MEMBERS} files and directories: that is no EVE installer")
        if header.file:
            chunks = archive.chunks(header.size)
            yield Member(header.path, header.size, chunks)
            for _ in chunks:  # what nobody read
                pass
    _to_the_end(read)


def _to_the_end(read: Callable[[int], bytes]) -> None:
    """Read what pads an archive, so that whoever writes the other end of a pipe may finish."""
    left = _LONGEST_PADDING
    while data := read(CHUNK):
        left -= len(data)
        if left < 0:
            raise ImportFault("the tar goes on after its end")


@dataclass(slots=True)
class _Header:
    path: str
    size: int
    file: bool


@dataclass(slots=True)
class _Extension:
    """What headers before a member say of it."""

    path: str | None = None
    size: int | None = None


@dataclass(slots=True)
class _Archive:
    read: Callable[[int], bytes]
    begun: bool = field(default=False)

    def header(self) -> _Header | None:
        """The next file or directory; None at the end mark."""
        said = _Extension()
        for _ in range(_MOST_EXTENSIONS):
            info = self._info()
            if info is None:
                return None
            if not self._extends(info, said):
                return _member(info, said)
        raise ImportFault("the tar is damaged: headers without end")

    def chunks(self, size: int) -> Iterator[bytes]:
        left = size
        while left:
            data = self.read(min(left, CHUNK))
            if not data:
                raise ImportFault("the tar ends in the middle of a file: it was cut off")
            left -= len(data)
            yield data
        self._exactly(-size % BLOCK)

    def _info(self) -> tarfile.TarInfo | None:
        block = self._exactly(BLOCK)
        if block == bytes(BLOCK):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            raise ImportFault("the tar is damaged" if self.begun else "this is no tar and no ISO") from error
        self.begun = True
        if info.size < 0:
            raise ImportFault(f"the tar lies: {info.name!r} has {info.size} bytes")
        return info

    def _extends(self, info: tarfile.TarInfo, said: _Extension) -> bool:
        """Whether this header is about the next one; if so what it says is noted."""
        match info.type:
            case tarfile.GNUTYPE_LONGNAME:
                said.path = _text(self._small(info.size, _LONGEST_NAME).partition(b"\0")[0])
            case tarfile.GNUTYPE_LONGLINK:
                self._small(info.size, _LONGEST_NAME)
            case tarfile.XHDTYPE:
                _read_pax(self._small(info.size, _LARGEST_EXTENSION), said)
            case tarfile.XGLTYPE:
                self._small(info.size, _LARGEST_EXTENSION)
            case _:
                return False
        return True

    def _small(self, size: int, at_most: int) -> bytes:
        if size > at_most:
            raise ImportFault(f"the tar has a header of {size} bytes")
        data = self._exactly(size)
        self._exactly(-size % BLOCK)
        return data

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.read(size - len(data))
            if not more:
                raise ImportFault(
                    "the tar has no end mark: it was cut off" if self.begun else "this is no tar and no ISO"
                )
            data += more
        return data


def _member(info: tarfile.TarInfo, said: _Extension) -> _Header:
    path = info.name if said.path is None else said.path
    size = info.size if said.size is None else said.size
    if info.type in _REFUSED:
        raise ImportFault(f"{path!r} in the tar is {_REFUSED[info.type]}; only files and directories are taken")
    if info.type == tarfile.DIRTYPE:
        return _Header(path, 0, False)
    if info.type not in _FILES:
        raise ImportFault(f"{path!r} in the tar is of a kind that is not known here ({info.type!r})")
    return _Header(path, size, True)


def _read_pax(data: bytes, said: _Extension) -> None:
    """Records ``length key=value\\n`` (POSIX pax, "pax Extended Header")."""
    while data:
        digits, _, _ = data.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        key, equals, value = data[len(digits) + 1 : length - 1].partition(b"=")
        if not equals or length > len(data) or data[length - 1 : length] != b"\n":
            raise ImportFault("the tar is damaged: a pax header that cannot be read")
        if key.startswith(b"GNU.sparse."):
            raise ImportFault("the tar holds a sparse file; only whole files are taken")
        if key == b"path":
            said.path = _text(value)
        elif key == b"size":
            if not value.isdigit() or len(value) > 18:
                raise ImportFault(f"the tar lies: a file of {_text(value)[:40]!r} bytes")
            said.size = int(value)
        data = data[length:]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
