"""What payloads, decisions and the file server may ask of any bundle, whatever system it holds."""

from __future__ import annotations

from typing import Protocol


class Piece(Protocol):
    """Where a file lies in a disk image, in bytes."""

    @property
    def offset(self) -> int: ...

    @property
    def size(self) -> int: ...


class Bundle(Protocol):
    """The files of one version of a system, imported or found under ``artifacts``, by one of its names.

    What only its payload understands is in the payload's own type, which has more than this.
    """

    @property
    def name(self) -> str:
        """As profiles call it."""

    @property
    def directory(self) -> str:
        """Under ``artifacts``; URLs name it."""

    @property
    def arch(self) -> str:
        """What it runs on, amd64 or iPXE's word; "" where it does not say."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is missing or known to be broken, with the way round it."""

    @property
    def iso_size(self) -> int:
        """Bytes of the disk image in it; 0 where it has none."""

    def in_iso(self, path: str) -> Piece | None:
        """A file of that image."""
