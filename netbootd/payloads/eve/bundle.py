"""What netbootd knows of an EVE bundle: an ``installer_net`` or an ``installer.iso``, as values.

EVE's network installer has had five forms.  Long-term releases carry changes out of the order of their numbers, so
the content decides which form a bundle has (`netbootd.artifacts.eve_content`), never the version.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from netbootd.boot import bundle as boot
from netbootd.boot.model import ConfigFile
from netbootd.payloads.eve.grubsyntax import MenuError, Script, parse

ISO, ROOTFS, CONFIG = "installer.iso", "rootfs_installer.img", "config.img"
"""The one file of a bundle with an ISO, and in it the installer's squashfs and the image of its CONFIG partition."""


class Era(Enum):
    """The form of a bundle."""

    A = "A"
    """6.3 to 13.3: kernel, initrds and rootfs.img as files."""
    B1 = "B1"
    """13.4 to 14.3: GRUB and an installer.iso that is itself the root."""
    B1X = "B1x"
    """13.4.2-lts, 14.4.0, 14.5.0, 15.0, 15.1: the root became a squashfs in the ISO, the arguments did not follow."""
    B2 = "B2"
    """13.4.3-lts, 14.5.0-lts, 15.2 to 17.3: the whole ISO goes into memory, with the squashfs and config.img in it."""
    B3 = "B3"
    """After 17.3: only the squashfs and config.img go."""

    @property
    def has_iso(self) -> bool:
        return self is not Era.A


@dataclass(frozen=True, slots=True)
class IsoFile:
    """Where a file of installer.iso lies in it, in bytes."""

    path: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """One bundle, by one of its names.  What is not known is ""."""

    name: str
    """As profiles call it."""
    digest: str
    """SHA-256 of its manifest of file digests, in hexadecimal; "" for a directory that was never imported."""
    directory: str
    """Under ``artifacts``; URLs name it, so that what is behind a URL never changes."""
    era: Era
    arch: str = ""
    """amd64, arm64 or riscv64."""
    version: str = ""
    """17.3.0, 14.5.0-lts."""
    version_from: str = ""
    """How the version is known."""
    hv: str = ""
    """kvm, xen, k ..."""
    platform: str = ""
    """generic, rt, nvidia-jp6 ..."""
    size: int = 0
    """Bytes of all its files."""
    files: tuple[str, ...] = ()
    """Relative paths, in order."""
    iso: tuple[IsoFile, ...] = ()
    """The files of installer.iso that lie in one piece, in the order of their paths."""
    iso_size: int = 0
    cmdline: str = ""
    """``boot/cmdline`` of the ISO."""
    grub: str = ""
    """``EFI/BOOT/grub.cfg`` of the ISO."""
    grub_include: str = ""
    """``EFI/BOOT/grub_include.cfg`` of the ISO."""
    config_size: int = 0
    """Bytes a node's own config.img has; 0 where EVE's own way takes none."""
    stock: tuple[ConfigFile, ...] = field(default=(), repr=False, compare=False)
    """What the release's own config.img holds, as far as it could be read; found anew at each start."""
    notes: tuple[str, ...] = ()
    """What is missing or known to be broken, with the way round it."""
    _menu: Script | None = field(init=False, repr=False, compare=False)
    """Parsed once: it is followed anew for each machine that asks."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_menu", _parsed(self.grub))

    def menu(self) -> Script:
        """``grub`` as it can be followed.  Raises `MenuError`."""
        return parse(self.grub) if self._menu is None else self._menu

    def in_iso(self, path: str) -> IsoFile | None:
        """A file of installer.iso."""
        return next((file for file in self.iso if file.path == path), None)

    @property
    def release(self) -> tuple[int, ...] | None:
        """The version as numbers to compare: (14, 5, 0)."""
        numbers = self.version.split("-")[0].split(".")
        return tuple(map(int, numbers)) if all(each.isdecimal() for each in numbers) else None


def _parsed(grub: str) -> Script | None:
    try:
        return parse(grub)
    except MenuError:
        return None


def of_eve(bundle: boot.Bundle | None) -> Bundle | None:
    """The bundle, where it is one of EVE's."""
    return bundle if isinstance(bundle, Bundle) else None
