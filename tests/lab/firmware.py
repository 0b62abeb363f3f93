"""The kinds of machine the lab boots, as QEMU arguments.

Each kind is real firmware as Debian ships it; nothing is patched.
"""

from __future__ import annotations

import shutil
from enum import Enum
from pathlib import Path

from tests.lab.namespace import LabError


class Firmware(Enum):
    """What runs at power-on."""

    BIOS_IPXE = "SeaBIOS, iPXE option ROM"
    """Legacy BIOS whose network card brings iPXE itself (user class iPXE, architecture 0)."""
    BIOS_PXE = "SeaBIOS, PXE ROM"
    """Legacy BIOS with a PXE ROM that does not say it is iPXE: it loads undionly.kpxe.  See `tests.lab.disguise`."""
    UEFI_PXE = "OVMF, PXE over IPv4"
    """UEFI, architecture 7."""
    UEFI_HTTP = "OVMF, HTTP Boot"
    """UEFI, architecture 16, with PXE switched off."""

    @property
    def uefi(self) -> bool:
        """UEFI rather than BIOS."""
        return self in (Firmware.UEFI_PXE, Firmware.UEFI_HTTP)

    @property
    def patience(self) -> float:
        """Seconds a boot may take on a slow machine: four times what it takes on a two-core one without KVM."""
        return 160.0 if self.uefi else 100.0


# OVMF's two halves: the code, and the variables of which each machine gets a copy.
OVMF = (
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
)


def boot_arguments(firmware: Firmware, directory: Path) -> list[str]:
    """The arguments that choose the firmware; ``directory`` is the machine's own."""
    match firmware:
        case Firmware.BIOS_IPXE | Firmware.BIOS_PXE:
            return []
        case Firmware.UEFI_PXE:
            return [*_ovmf(directory), *_without_pxe(6)]
        case Firmware.UEFI_HTTP:
            return [*_ovmf(directory), *_without_pxe(4), *_without_pxe(6)]


def card(firmware: Firmware) -> str:
    """The network card, with the ROM that belongs to this kind."""
    match firmware:
        case Firmware.BIOS_IPXE:
            return "virtio-net-pci"
        case Firmware.BIOS_PXE:
            # Not virtio: the tap's virtio header would travel through the disguise with each frame.
            return "e1000"
        case Firmware.UEFI_PXE | Firmware.UEFI_HTTP:
            # Without QEMU's iPXE ROM, so that UEFI's own network stack boots.
            return "virtio-net-pci,romfile="


def provider_ipxe(script: Path) -> list[str]:
    """A cloud's own iPXE in place of the card's, with the script its boot service would give it; BIOS alone."""
    program = Path("/usr/lib/ipxe/ipxe.lkrn")
    if not program.exists():
        raise LabError(f"no {program} for a cloud's machines: sudo apt-get install ipxe")
    return ["-kernel", str(program), "-initrd", str(script)]


def _without_pxe(version: int) -> list[str]:
    return ["-fw_cfg", f"name=opt/org.tianocore/IPv{version}PXESupport,string=n"]


def _ovmf(directory: Path) -> list[str]:
    for code, variables in OVMF:
        if Path(code).exists():
            mine = directory / "nvram.fd"
            shutil.copyfile(variables, mine)
            return [
                "-drive",
                f"if=pflash,format=raw,readonly=on,file={code}",
                "-drive",
                f"if=pflash,format=raw,file={mine}",
                # OVMF of 2024 and later has no network without a source of randomness.
                "-device",
                "virtio-rng-pci",
            ]
    raise LabError("no UEFI firmware for virtual machines: sudo apt-get install ovmf")
