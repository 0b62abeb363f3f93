"""EVE's installer.iso: which era it is of, and what a boot needs to know of it.  Nothing is unpacked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from netbootd.artifacts.eve_release import Release, exact
from netbootd.artifacts.faults import ImportFault
from netbootd.payloads.eve.bundle import CONFIG, ISO, ROOTFS, Era, IsoFile
from netbootd.wire.errors import WireError
from netbootd.wire.iso9660 import OUTSIDE, Image, contents, read_image

INCLUDE = "EFI/BOOT/grub_include.cfg"
NEEDED = ("boot/kernel", "boot/initrd.img", "boot/cmdline", "EFI/BOOT/grub.cfg", INCLUDE)

_TEXT = 256 * 1024
_FOR_NETWORK = re.compile(r'(el)?if \[ "?\$isnetboot"? = "?true"? \]')
_ARCHES = {"BOOTX64.EFI": "amd64", "BOOTAA64.EFI": "arm64", "BOOTRISCV64.EFI": "riscv64"}

Read = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Iso:
    """What was read of an installer.iso."""

    era: Era
    files: tuple[IsoFile, ...]
    cmdline: str
    grub: str
    grub_include: str
    config_size: int
    release: Release
    """From etc/eve-release, where the ISO itself is the root or ``make installer-net`` made it."""


def read_iso(read: Read, size: int) -> Iso:
    """Raises `ImportFault` where it is none of EVE's, or lies."""
    try:
        return _Reader(read, read_image(read, size)).iso()
    except WireError as error:
        how = "; it was cut off, or damaged: download it again" if error.reason == OUTSIDE else ""
        raise ImportFault(f"installer.iso: {error}{how}") from error


def era_of(grub_include: str, *, squashfs: bool) -> Era | None:
    """The era by what the network branch of ``grub_include.cfg`` gives the kernel; ``squashfs``: the ISO has a
    rootfs_installer.img.  None where the branch says nothing that is known.
    """
    branch = "\n".join(_network_branch(grub_include))
    if "newc:/rootfs_installer.img:($root)/rootfs_installer.img" in branch:
        return Era.B3
    if 'rootfs_root "/installer.iso rootimg=' in branch:
        return Era.B2
    if 'rootfs_root "/installer.iso"' in branch:
        return Era.B1X if squashfs or "rootimg" in grub_include else Era.B1
    return None


def _network_branch(text: str) -> Iterator[str]:
    """The lines between ``if [ "$isnetboot" = "true" ]`` and its own ``else`` or ``fi``."""
    depth = 0
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if depth == 0:
            depth = int(_FOR_NETWORK.match(" ".join(words)) is not None)
            continue
        depth += (words[0] == "if") - (words[0] == "fi")
        if depth == 1 and words[0] in ("else", "elif"):
            depth = 0
        if depth:
            yield " ".join(words)


@dataclass(frozen=True, slots=True)
class _Reader:
    read: Read
    image: Image

    def iso(self) -> Iso:
        if missing := [path for path in NEEDED if self.image.find(path) is None]:
            raise ImportFault(f"{ISO} is not one of EVE's, 13.4 or newer: there is no {missing[0]} in it")
        include = self._text(INCLUDE)
        era = era_of(include, squashfs=self._has(ROOTFS))
        if era is None:
            raise ImportFault(f"{ISO}: {INCLUDE} has no branch for network boot that is known here")
        if era in (Era.B2, Era.B3) and not self._has(ROOTFS):
            raise ImportFault(f"{ISO} lacks the {ROOTFS} its boot menu names")
        return Iso(
            era,
            tuple(self._files()),
            self._text("boot/cmdline").strip(),
            self._text("EFI/BOOT/grub.cfg"),
            include,
            self._config_size(era),
            self._release(),
        )

    def _files(self) -> Iterator[IsoFile]:
        for file in self.image.files:
            if len(file.runs) <= 1 and not file.compressed:
                yield IsoFile(file.path, file.runs[0].offset if file.runs else 0, file.size)

    def _config_size(self, era: Era) -> int:
        """A config.img can be replaced where it lies in one piece at the top and the boot menu hands it over."""
        found = self.image.find(CONFIG)
        usable = era in (Era.B2, Era.B3) and found and len(found.runs) == 1 and not found.compressed
        return found.size if found and usable else 0

    def _release(self) -> Release:
        said = exact(self._text("etc/eve-release")) if self._has("etc/eve-release") else Release()
        efi = (_ARCHES.get(file.path.rpartition("/")[2].upper(), "") for file in self.image.files)
        hv, platform = (self._word(f"etc/eve-{name}") for name in ("hv-type", "platform"))
        return said.over(Release(hv=hv, platform=platform, arch=next(filter(None, efi), "")))

    def _has(self, path: str) -> bool:
        return self.image.find(path) is not None

    def _word(self, path: str) -> str:
        text = self._text(path).strip() if self._has(path) else ""
        return text if text.replace("-", "").replace("_", "").isalnum() and len(text) <= 40 else ""

    def _text(self, path: str) -> str:
        file = self.image.find(path)
        assert file is not None
        return contents(self.read, file, _TEXT).decode("utf-8", "replace")
