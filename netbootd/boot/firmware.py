"""Which iPXE binaries there are, as a value: the choice of a boot program for a client."""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.boot.arch import Cpu, Platform

_PREFERENCE = {
    # undionly drives the card through the ROM that booted it, so it needs no driver of its own.
    Platform.BIOS: ("undionly.kpxe", "undionly.kkpxe", "undionly.pxe", "ipxe.pxe"),
    # snponly does the same through UEFI's own driver; ipxe.efi brings drivers and may lack the one needed.
    Platform.EFI: ("snponly", "snp", "ipxe"),
}


_ENDINGS = (".efi", ".kpxe", ".kkpxe", ".kkkpxe", ".pxe", ".lkrn", ".0")


def is_boot_program(name: str) -> bool:
    """Whether a file of this name is for firmware to run."""
    return name.lower().endswith(_ENDINGS)


@dataclass(frozen=True, slots=True)
class Binary:
    """One boot program, by the name it is served under (TFTP and ``/firmware/``)."""

    name: str
    cpu: Cpu
    platform: Platform
    size: int
    version: str = ""
    """iPXE's own version string where it could be read, ``1.0.0+git-20190125.36a4c85``."""
    ipxe: bool = True
    """Another boot program (GRUB, a shim) is given only to who names it."""


@dataclass(frozen=True, slots=True)
class Firmware:
    """Every boot program found at start."""

    binaries: tuple[Binary, ...] = ()

    def choose(self, cpu: Cpu, platform: Platform, wanted: str | None = None) -> Binary | None:
        """The binary for this width and platform, or None: ``wanted`` by name if it fits, else the preferred one.

        ``ipxe.efi`` also names ``arm64-efi/ipxe.efi``, so that one word does for machines of several widths.
        """
        fitting = [b for b in self.binaries if b.cpu is cpu and b.platform is platform]
        named = [b for b in fitting if wanted and b.name in (wanted, f"{b.name.rpartition('/')[0]}/{wanted}")]
        return min(named or [b for b in fitting if b.ipxe], key=_rank, default=None)

    def named(self, name: str) -> Binary | None:
        """The binary served under exactly this name."""
        return next((b for b in self.binaries if b.name == name), None)


def _rank(binary: Binary) -> tuple[int, int, str]:
    base = binary.name.rsplit("/", 1)[-1].lower()
    order = _PREFERENCE[binary.platform]
    place = next((i for i, start in enumerate(order) if base.startswith(start)), len(order))
    return place, len(binary.name), binary.name
