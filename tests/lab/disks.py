"""Disks a machine may boot by itself: the smallest program for BIOS and for UEFI, which says `LOCAL` and halts."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

from netbootd.wire import fat

LOCAL = "NETBOOTD-LAB LOCAL DISK"
"""What a machine prints that boots one of these."""

_TEXT = f"\r\n{LOCAL}\r\n"

_BOOT_SECTOR = bytes.fromhex(
    "31c0"  #     xor ax, ax
    "8ed8"  #     mov ds, ax
    "be187c"  #   mov si, text
    "ac"  # next: lodsb
    "84c0"  #     test al, al
    "7409"  #     jz done
    "b40e"  #     mov ah, 0x0e      (write a character)
    "bb0700"  #   mov bx, 7
    "cd10"  #     int 0x10
    "ebf2"  #     jmp next
    "f4"  # done: hlt
    "ebfd"  #     jmp done
)
_UEFI_PROGRAM = bytes.fromhex(
    "4883ec28"  #       sub rsp, 40
    "488b4a40"  #       mov rcx, [rdx + 0x40]      (the system table's ConOut)
    "488d1506000000"  # lea rdx, [rip + 6]         (text)
    "ff5108"  #         call [rcx + 8]             (OutputString)
    "f4"  #       done: hlt
    "ebfd"  #           jmp done
)


def bios_disk(path: Path) -> Path:
    """Write a raw disk of 1 MiB with a boot sector."""
    path.write_bytes(boot_sector().ljust(1 << 20, b"\0"))
    return path


def boot_sector() -> bytes:
    """The first sector of a disk that a BIOS boots."""
    return (_BOOT_SECTOR + _TEXT.encode() + b"\0").ljust(510, b"\0") + b"\x55\xaa"


def uefi_disk(directory: Path) -> Path:
    """Make a directory that QEMU shows a machine as a FAT disk, with the program firmware looks for on any disk."""
    program = directory / "EFI" / "BOOT" / "BOOTX64.EFI"
    program.parent.mkdir(parents=True)
    program.write_bytes(uefi_program())
    return directory


def uefi_program() -> bytes:
    """The program itself."""
    return _portable_executable(_UEFI_PROGRAM + _TEXT.encode("utf-16-le") + b"\0\0")


def uefi_image(files: Mapping[str, bytes], *, mib: int) -> bytes:
    """A disk whose one partition firmware reads, with these files in it."""
    first, sectors = 2048, (mib - 1) * 2048
    entry = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEF, b"\xff\xff\xff", first, sectors)
    table = (bytes(446) + entry).ljust(510, b"\0") + b"\x55\xaa"
    return table.ljust(first * 512, b"\0") + fat.image(files, kib=sectors // 2, label="ESP").joined()


def _portable_executable(code: bytes) -> bytes:
    """A PE32+ image with one section of at most 512 bytes; it runs wherever it is loaded."""
    assert len(code) <= 512
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    # x86-64, one section, 240 bytes of optional header; executable, large addresses
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x0022)
    # magic, linker, sizes of code and data, entry, base of code
    optional = struct.pack("<HBBIIIII", 0x020B, 0, 0, 512, 0, 0, 0x1000, 0x1000)
    # image base, alignment in memory and in the file, versions
    optional += struct.pack("<QII6HI", 0x400000, 0x1000, 512, 0, 0, 0, 0, 0, 0, 0)
    # size in memory, size of headers, checksum, subsystem 10: EFI application; stack, heap; 16 empty directories
    optional += struct.pack("<IIIHHQQQQII", 0x2000, 512, 0, 10, 0, 0x10000, 0x1000, 0x10000, 0x1000, 0, 16)
    section = struct.pack("<8s6I2HI", b".text", 512, 0x1000, 512, 512, 0, 0, 0, 0, 0x60000020)
    return (dos + coff + optional.ljust(240, b"\0") + section).ljust(512, b"\0") + code.ljust(512, b"\0")
