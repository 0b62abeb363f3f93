"""Find the boot programs: which files are iPXE, for which CPU and platform, by content rather than by name.

Names say little: Debian's ``ipxe.efi`` is x86-64, EVE's may be either, Ubuntu's ``ipxe-arm64.efi`` says it.  An EFI
program says in its PE header (Microsoft's PE format, "COFF File Header") what runs it.  All of them together are a few
MiB, so they are held in memory and no answer waits for a disk.
"""

from __future__ import annotations

import re
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from netbootd.boot.arch import Cpu, Platform
from netbootd.boot.firmware import Binary, Firmware

LIMIT = 8 * 1024 * 1024
"""Octets of one boot program; iPXE with every driver stays below 2 MiB."""

TOTAL = 256 * 1024 * 1024
"""Octets of all of them together."""

_DEPTH = 2
_MOST_ENTRIES = 2000
_BIOS_SUFFIXES = (".kpxe", ".kkpxe", ".kkkpxe", ".pxe")

_EFI_APPLICATION = 10
_MACHINES = {
    0x014C: Cpu.I386,
    0x8664: Cpu.X86_64,
    0x01C0: Cpu.ARM32,
    0x01C2: Cpu.ARM32,
    0x01C4: Cpu.ARM32,
    0xAA64: Cpu.ARM64,
    0x5032: Cpu.RISCV32,
    0x5064: Cpu.RISCV64,
    0x6264: Cpu.LOONG64,
}
# iPXE keeps its product version as a C string of its own; BIOS programs are compressed and cannot be read.
_VERSION = re.compile(rb"(?<=\0)[0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9+.()_~-]*(?=\0)")


@dataclass(frozen=True, slots=True)
class FirmwareFiles:
    """The boot programs, their bytes by every name they are served under, and what was left out and why."""

    firmware: Firmware
    contents: Mapping[str, bytes]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFirmware:
    """An iPXE binary that was not found: who gets no answer for want of it, and the command or setting that helps."""

    file: str
    needed_by: str
    fix: str = ""
    rare: Cpu | None = None
    """For UEFI machines of this CPU, which few networks have; None for a kind that any may have."""

    def __str__(self) -> str:
        return f"{self.file} ({self.needed_by} get no answer); to fix: {self.fix}"


def scan(directories: Iterable[Path]) -> FirmwareFiles:
    """Read every boot program below ``directories``, two levels deep; the first directory that has a name wins.

    A program in a folder is served as ``x86_64-efi/snponly.efi``, and as ``snponly.efi`` too where no other has that
    name.  What cannot be read or is no boot program becomes a note.
    """
    found = _Found()
    for directory in directories:
        found.search(directory)
    binaries = tuple(sorted(found.binaries.values(), key=lambda binary: binary.name))
    return FirmwareFiles(Firmware(binaries), MappingProxyType(found.contents | found.short_names()), tuple(found.notes))


def missing(firmware: Firmware) -> tuple[MissingFirmware, ...]:
    """The usual kinds of machine that would get no iPXE."""
    return tuple(
        MissingFirmware(file=file, needed_by=needed_by, fix=fix, rare=cpu if fix is _BUILD else None)
        for cpu, platform, file, needed_by, fix in _USUAL
        if firmware.choose(cpu, platform) is None
    )


_PACKAGE = "apt-get install ipxe"
_BUILD = "in iPXE's src: make bin-CPU-efi/snponly.efi; copy it to /usr/lib/ipxe/CPU-efi/"
_USUAL = (
    (Cpu.I386, Platform.BIOS, "undionly.kpxe", "BIOS machines", _PACKAGE),
    (Cpu.X86_64, Platform.EFI, "snponly.efi", "x86-64 UEFI machines", _PACKAGE),
    (Cpu.ARM64, Platform.EFI, "arm64-efi/snponly.efi", "ARM64 UEFI machines", _BUILD),
    (Cpu.I386, Platform.EFI, "i386-efi/snponly.efi", "32-bit UEFI machines", _BUILD),
)


@dataclass(slots=True)
class _Found:
    binaries: dict[str, Binary] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def search(self, directory: Path) -> None:
        if not directory.is_dir():
            self.notes.append(f"firmware: there is no directory {directory}")
            return
        for path in self._programs(directory):
            name = path.relative_to(directory).as_posix()
            if name not in self.contents:
                self._take(path, name)

    def short_names(self) -> dict[str, bytes]:
        """The plain names of programs in folders, those that only one of them has."""
        short: dict[str, list[str]] = {}
        for name in self.contents:
            short.setdefault(name.rsplit("/", 1)[-1], []).append(name)
        return {base: self.contents[names[0]] for base, names in short.items() if len(names) == 1}

    def _programs(self, directory: Path) -> Iterator[Path]:
        for seen, path in enumerate(_files(directory, _DEPTH)):
            if seen == _MOST_ENTRIES:
                self.notes.append(f"firmware: {directory} holds too many files; the rest is not looked at")
                return
            if path.name.lower().endswith((".efi", *_BIOS_SUFFIXES)):
                yield path

    def _take(self, path: Path, name: str) -> None:
        try:
            data = _read(path)
            binary = identify(name, data)
            if sum(map(len, self.contents.values())) + len(data) > TOTAL:
                raise ValueError(f"left out, for all together are larger than {TOTAL // 2**20} MiB")
        except OSError as error:
            self.notes.append(f"firmware: {path}: {error.strerror or error}")
        except ValueError as error:
            self.notes.append(f"firmware: {path}: {error}")
        else:
            self.binaries[name] = binary
            self.contents[name] = data


def identify(name: str, data: bytes) -> Binary:
    """What kind of boot program ``data`` is.  Raises ValueError if it is none."""
    if not name.lower().endswith(_BIOS_SUFFIXES):
        # Every iPXE holds its user class (option 77), however it was rebranded.
        ipxe = b"iPXE" in data
        found = _VERSION.search(data) if ipxe else None
        return Binary(name, _efi_cpu(data), Platform.EFI, len(data), found[0].decode() if found else "", ipxe)
    # The banner that iPXE's PXE prefix prints ("PXE->EB: !PXE at ..."; arch/x86/prefix/pxeprefix.S).
    if b"PXE->EB:" not in data[:8192]:
        raise ValueError("not a BIOS boot program of iPXE")
    return Binary(name, Cpu.I386, Platform.BIOS, len(data))


def _efi_cpu(data: bytes) -> Cpu:
    try:
        (header,) = struct.unpack_from("<I", data, 0x3C)
        signature, machine = struct.unpack_from("<4sH", data, header)
        magic, subsystem = struct.unpack_from("<H66xH", data, header + 24)
    except struct.error:
        raise ValueError("not an EFI program (too short)") from None
    if data[:2] != b"MZ" or signature != b"PE\0\0" or magic not in (0x10B, 0x20B):
        raise ValueError("not an EFI program (no PE header)")
    if subsystem != _EFI_APPLICATION:
        raise ValueError(f"not an EFI application (PE subsystem {subsystem})")
    if machine not in _MACHINES:
        raise ValueError(f"for a CPU that is not known here (PE machine 0x{machine:04x})")
    return _MACHINES[machine]


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise ValueError(f"larger than {LIMIT // 2**20} MiB")
    return data


def _files(directory: Path, depth: int) -> Iterator[Path]:
    """Files in the order of their names, those of ``directory`` itself first; links are followed."""
    try:
        entries = {path: _kind(path) for path in sorted(directory.iterdir()) if not path.name.startswith(".")}
    except OSError:
        return
    yield from (path for path, kind in entries.items() if kind in (stat.S_IFREG, 0))
    for path, kind in entries.items():
        if depth and kind == stat.S_IFDIR:
            yield from _files(path, depth - 1)


def _kind(path: Path) -> int:
    """``S_IFREG``, ``S_IFDIR`` ...; 0 for what cannot be looked at, so that opening it tells why."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except OSError:
        return 0
