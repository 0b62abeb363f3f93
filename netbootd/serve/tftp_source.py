"""What a TFTP read delivers, and the refusal to deliver anything."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from netbootd.wire.text import printable
from netbootd.wire.tftp import ErrorCode, netascii

_NETASCII_MOST = 64 << 10


@dataclass(frozen=True, slots=True)
class Content:
    """A file in memory, shared by all who read it."""

    name: str
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file on disk, or ``size`` bytes of it from ``offset`` on.

    ``fd`` belongs to whoever serves it, who closes it at the end.
    """

    name: str
    fd: int
    size: int
    offset: int = 0


Source = Content | OpenFile


class Refused(Exception):
    """A request is answered with ERROR: its RFC 1350 code, and why in a few words."""

    def __init__(self, tftp_code: int, reason: str) -> None:
        super().__init__(reason)
        self.tftp_code = tftp_code
        self.reason = reason


def in_mode(mode: str, source: Source) -> Source:
    """The source as the mode carries it; raises `Refused`.

    netascii is for text: a script asked by hand arrives right, a binary would arrive damaged (many command-line
    clients ask for netascii unless told), so a large file is refused with the cure.
    """
    if mode == "octet":
        return source
    if mode == "netascii" and isinstance(source, Content) and source.size <= _NETASCII_MOST:
        return replace(source, data=netascii(source.data))
    raise Refused(ErrorCode.NOT_DEFINED, f"ask for mode octet (binary), not {printable(mode, 20)}")


def dispose(source: Source) -> None:
    """Let go of a source that nobody will read, or whose reader is done."""
    if isinstance(source, OpenFile):
        os.close(source.fd)
