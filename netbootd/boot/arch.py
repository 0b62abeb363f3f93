"""Client system architectures (DHCP option 93, RFC 4578 section 2.1) and what can boot on each.

The codes are IANA's "Processor Architecture Types".  A code without a ``cpu`` has no iPXE of its own width, and its
``why`` says so: a client never gets a binary it cannot run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Cpu(Enum):
    """An instruction set, by iPXE's ``${buildarch}`` word where iPXE has one."""

    I386 = "i386"
    X86_64 = "x86_64"
    ARM32 = "arm32"
    ARM64 = "arm64"
    RISCV32 = "riscv32"
    RISCV64 = "riscv64"
    LOONG64 = "loong64"


class Platform(Enum):
    """How the firmware starts a program, by iPXE's ``${platform}`` word."""

    BIOS = "pcbios"
    EFI = "efi"


@dataclass(frozen=True, slots=True)
class Architecture:
    """One row of the registry."""

    code: int
    name: str
    cpu: Cpu | None = None
    platform: Platform | None = None
    http: bool = False
    """The firmware fetches its boot file by HTTP (UEFI 2.5 section 23.7) and needs a URL."""
    why: str = ""
    """Why nothing can be given, for a row without ``cpu``."""
    own_files: bool = False
    """It loads its own boot files and never a program of ours; a row without ``cpu``."""

    def __str__(self) -> str:
        return f"{self.name} (architecture {self.code}, 0x{self.code:02x})"


def _efi(code: int, name: str, cpu: Cpu, *, http: bool = False) -> Architecture:
    return Architecture(code, name, cpu, Platform.EFI, http)


def _none(code: int, name: str, why: str = "no iPXE exists for it") -> Architecture:
    return Architecture(code, name, why=why)


_TABLE = (
    # "7 and 9 alike": RFC 4578 as printed has 7 = EFI BC and 9 = EFI x86-64; IANA and EDK2 use the opposite, and old
    # firmware sends either for x86-64.  27 decimal is RISC-V 64; 0x27 is LoongArch 64.
    Architecture(0, "x86 BIOS", Cpu.I386, Platform.BIOS),
    _none(1, "NEC PC-98"),
    _none(2, "Itanium UEFI"),
    _none(3, "DEC Alpha"),
    _none(4, "Arc x86"),
    _none(5, "Intel Lean Client"),
    _efi(6, "x86 UEFI, 32-bit", Cpu.I386),
    _efi(7, "x86-64 UEFI", Cpu.X86_64),
    _none(8, "Xscale UEFI"),
    _efi(9, "x86-64 UEFI (as EBC)", Cpu.X86_64),
    _efi(10, "ARM UEFI, 32-bit", Cpu.ARM32),
    _efi(11, "ARM64 UEFI", Cpu.ARM64),
    _none(12, "PowerPC Open Firmware"),
    _none(13, "PowerPC ePAPR"),
    _none(14, "POWER OPAL v3"),
    _efi(15, "x86 UEFI HTTP, 32-bit", Cpu.I386, http=True),
    _efi(16, "x86-64 UEFI HTTP", Cpu.X86_64, http=True),
    _efi(17, "x86-64 UEFI HTTP (as EBC)", Cpu.X86_64, http=True),
    _efi(18, "ARM UEFI HTTP, 32-bit", Cpu.ARM32, http=True),
    _efi(19, "ARM64 UEFI HTTP", Cpu.ARM64, http=True),
    Architecture(20, "x86 BIOS HTTP", Cpu.I386, Platform.BIOS, http=True),
    _efi(21, "ARM U-Boot, 32-bit", Cpu.ARM32),
    _efi(22, "ARM64 U-Boot", Cpu.ARM64),
    _efi(23, "ARM U-Boot HTTP, 32-bit", Cpu.ARM32, http=True),
    _efi(24, "ARM64 U-Boot HTTP", Cpu.ARM64, http=True),
    _efi(25, "RISC-V UEFI, 32-bit", Cpu.RISCV32),
    _efi(26, "RISC-V UEFI HTTP, 32-bit", Cpu.RISCV32, http=True),
    _efi(27, "RISC-V 64 UEFI", Cpu.RISCV64),
    _efi(28, "RISC-V 64 UEFI HTTP", Cpu.RISCV64, http=True),
    _none(29, "RISC-V 128 UEFI"),
    _none(30, "RISC-V 128 UEFI HTTP"),
    _none(31, "s390 Basic"),
    _none(32, "s390 Extended"),
    _none(33, "MIPS UEFI, 32-bit"),
    _none(34, "MIPS 64 UEFI"),
    _none(35, "Sunway UEFI, 32-bit"),
    _none(36, "Sunway 64 UEFI"),
    _none(37, "LoongArch UEFI, 32-bit"),
    _none(38, "LoongArch UEFI HTTP, 32-bit"),
    _efi(39, "LoongArch 64 UEFI", Cpu.LOONG64),
    _efi(40, "LoongArch 64 UEFI HTTP", Cpu.LOONG64, http=True),
    Architecture(
        41, "Raspberry Pi boot ROM", why="it loads its own boot files from the TFTP root, not iPXE", own_files=True
    ),
)

_BY_CODE = {row.code: row for row in _TABLE}


def architecture(code: int) -> Architecture | None:
    """The registry's row for ``code``, or None for a code IANA has not given out."""
    return _BY_CODE.get(code)


def first_known(codes: tuple[int, ...]) -> Architecture | None:
    """The first code of option 93 that stands in the registry: the client lists what it accepts in order."""
    return next((row for code in codes if (row := _BY_CODE.get(code))), None)
