"""The arguments EVE's GRUB gives its kernel, by architecture and board, for a bundle whose own menu says nothing.

Each row is what EVE's pkg/grub/rootfs.cfg sets, as of 17.3; a bundle's own menu, where it can be followed, goes before
(`netbootd.payloads.eve.kernel_line`).  Words stand in the order of that file.
"""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.payloads.eve.arguments import Release
from netbootd.payloads.eve.grubcommands import Smbios


@dataclass(frozen=True, slots=True)
class Board:
    """What one board adds.  An empty ``console`` leaves the architecture's own."""

    arch: str
    """GRUB's word."""
    manufacturer: str
    """All of it, or "" for any."""
    product: str
    """All of it, or a part of it with ``partly``."""
    evidence: str
    """The function of rootfs.cfg it stands in."""
    tweaks: tuple[str, ...] = ()
    console: tuple[str, ...] = ()
    partly: bool = False
    asset: str = ""
    """A part of the chassis's asset tag."""

    def fits(self, arch: str, machine: Smbios) -> bool:
        return (
            arch == self.arch
            and self.manufacturer in ("", machine.manufacturer)
            and (self.product in machine.product if self.partly else self.product == machine.product)
            and self.asset in machine.asset
        )


@dataclass(frozen=True, slots=True)
class Pieces:
    """A kernel's arguments in the groups of rootfs.cfg's menu entry, without its root."""

    console: tuple[str, ...]
    sizes: tuple[str, ...]
    tweaks: tuple[str, ...]
    flavor: tuple[str, ...]
    cmdline: tuple[str, ...]
    extra: tuple[str, ...]


SIZES = (
    *("dom0_mem=640M,max:800M", "dom0_max_vcpus=1", "dom0_vcpus_pin"),
    *("eve_mem=520M,max:650M", "eve_max_vcpus=1"),
    *("ctrd_mem=320M,max:400M", "ctrd_max_vcpus=1"),
    "change=500",
)
"""``set_generic``: the installer's own flavor is kvm, whatever the bundle's."""
FLAVOR = ("pcie_acs_override=downstream,multifunction",)
CRASHKERNEL = "crashkernel=2G-16G:128M,16G-128G:256M,128G-:512M"
CMDLINE = ("panic=120", "rfkill.default_state=0", "split_lock_detect=off", "log_buf_len=2M")

VIRTUAL = ("QEMU", "Google")
"""Manufacturers of virtual machines (``set_grub_virt``)."""
_ARM = ("console=tty0", "console=ttyS0,115200", "console=hvc0")
_BARE = {"x86_64": ("console=tty0",)}
_HOSTED = {"x86_64": ("console=ttyS0", "console=hvc0")}
_HOSTED_TWEAKS = {"x86_64": ("clocksource=tsc", "clocksource_failover=xen")}

_X86, _ARM64 = "set_x86_64_baremetal", "set_arm64_baremetal"
_TTY = ("console=tty0", "earlycon=tty0")
_ORIN = (
    *("fbcon=map:0", "video=efifb:off", "nospectre_bhb", "bl_prof_dataptr=2031616@0x271E10000"),
    *("bl_prof_ro_ptr=65536@0x271E00000", "nvgpu.devfreq_timer=delayed"),
)
_XAVIER = "NVIDIA Jetson Xavier NX Developer Kit"

BOARDS = (
    Board("x86_64", "HPE", "m750", _X86, ("pci=realloc=off",), partly=True),
    Board("x86_64", "Kontron America", "Agora Gateway", _X86, ("xr_usb_serial_common.mode=2h,3h",), partly=True),
    Board("x86_64", "SIEMENS AG", "SIMATIC IPC227G", _X86, ("modprobe.blacklist=wdat_wdt",)),
    Board(
        "arm64",
        "raspberrypi",
        "Raspberry Pi 5 Model B Rev",
        _ARM64,
        console=("console=ttyAMA10", "console=tty1"),
        partly=True,
    ),
    Board(
        "arm64",
        "OnLogic",
        "FR201",
        _ARM64,
        ("eve_install_disk=mmcblk0", "eve_persist_disk=sdb", "rootdelay=10"),
        ("console=ttyS0,115200", "console=tty1", "earlycon=tty1"),
    ),
    # Unprintable characters stand behind the product's name.
    Board(
        "arm64",
        "Huawei",
        "XR320",
        _ARM64,
        ("pcie_aspm=off", "pci=pcie_bus_perf"),
        ("console=ttyAMA0,115200n8",),
        partly=True,
    ),
    Board(
        "arm64",
        "rockchip",
        "evb_rk3399",
        _ARM64,
        ("video=HDMI-A-1", "coherent_pool=1M", "drm.debug=0x04"),
        ("console=ttyS2", "console=ttyS2,115200n8"),
    ),
    Board(
        "arm64",
        "fsl",
        "imx8mq-evk",
        _ARM64,
        console=("console=ttymxc0,115200", "earlycon=ec_imx6q,0x30860000,115200"),
    ),
    Board(
        "arm64",
        "phytec",
        "pollux",
        _ARM64,
        console=(
            *("console=tty0", "console=hvc0", "console=ttymxc0,115200"),
            "earlycon=ec_imx6q,0x30860000,115200",
        ),
    ),
    Board(
        "arm64",
        "advantech",
        "imx8mp_rsb3720a1",
        _ARM64,
        console=(
            *("console=tty0", "console=hvc0", "console=ttymxc2,115200"),
            "earlycon=ec_imx6q,0x30880000,115200",
        ),
    ),
    # Siemens IPC520A, a carrier of the Xavier NX: the asset tag tells it.
    Board(
        "arm64",
        "",
        _XAVIER,
        _ARM64,
        (
            *("fbcon=map:0", "video=efifb:off", "pci=noaer", "usbcore.warm_reset_workaround=1"),
            *("eve_nuke_disks=mmcblk0", "eve_install_disk=nvme0n1"),
        ),
        _TTY,
        asset="699-13668-0001-",
    ),
    Board("arm64", "", _XAVIER, _ARM64, ("video=efifb:off",), _TTY, asset="3668-0001-"),
    Board(
        "arm64",
        "",
        _XAVIER,
        _ARM64,
        ("video=efifb:off",),
        ("console=ttyTCU0,115200", "console=tty0", "earlycon=ttyTCU0,115200"),
    ),
    Board(
        "arm64",
        "",
        "ThinkEdge SE70 (NVIDIA Jetson Xavier NX)",
        _ARM64,
        ("fbcon=map:0", "eve_nuke_disks=mmcblk0", "eve_install_disk=nvme0n1", "video=efifb:off"),
        _TTY,
    ),
    Board(
        "arm64",
        "",
        "NVIDIA Jetson Orin NX",
        _ARM64,
        _ORIN,
        ("console=ttyTCU0,115200", "console=tty1", "earlycon=tty1"),
    ),
    Board(
        "arm64",
        "",
        "NVIDIA Orin Nano Developer Kit",
        _ARM64,
        ("fbcon=map:0", "video=efifb:off", "nospectre_bhb"),
        ("console=ttyAMA0,115200", "console=tty1", "console=ttyTCU0,115200", "earlycon=ttyTCU0,115200"),
    ),
    Board(
        "arm64",
        "",
        "NVIDIA Jetson Orin Nano Developer Kit",
        _ARM64,
        _ORIN,
        ("console=ttyAMA0,115200", "console=ttyTCU0,115200", "console=tty1", "earlycon=tty1"),
    ),
    Board(
        "arm64",
        "",
        "NVIDIA Jetson AGX Orin Developer Kit",
        _ARM64,
        (
            *("fbcon=map:0", "nospectre_bhb", "video=efifb:off", "bl_prof_dataptr=2031616@0x102C610000"),
            *("bl_prof_ro_ptr=65536@0x102C600000", "nvethernet.macsec_enable=0"),
            *("eve_install_disk=mmcblk0", "eve_persist_disk=nvme0n1"),
        ),
        ("console=ttyTCU0,115200", "console=ttyAMA0,115200", "console=tty1"),
    ),
    Board(
        "arm64",
        "",
        "NVIDIA Jetson AGX Thor Developer Kit",
        _ARM64,
        (
            *("clk_ignore_unused", "fbcon=map:0", "nospectre_bhb", "efi=runtime"),
            *("bl_prof_dataptr=6225920@0x2008010000", "bl_prof_ro_ptr=65536@0x20"),
            *("bl_prof_dataptr=6225920@0x2004010000", "bl_prof_ro_ptr=65536@0x2004000000"),
        ),
        ("earlycon=tegra_utc,mmio32,0xc5a0000", "console=ttyUTC0,115200", "console=tty1"),
    ),
)
"""The first that fits counts.  Device trees are left to the firmware: a direct boot cannot load one."""


def board(arch: str, machine: Smbios) -> Board | None:
    """The machine's row, if it is no virtual one."""
    if machine.manufacturer in VIRTUAL:
        return None
    return next((each for each in BOARDS if each.fits(arch, machine)), None)


def pieces(arch: str, machine: Smbios, cmdline: str, version: str, release: Release | None) -> Pieces:
    """``cmdline`` is the ISO's ``boot/cmdline``."""
    found, hosted = board(arch, machine), machine.manufacturer in VIRTUAL
    console = (_HOSTED if hosted else _BARE).get(arch, (*_ARM, "console=ttyAMA0") if hosted else _ARM)
    tweaks = _HOSTED_TWEAKS.get(arch, ("hmp-unsafe=true",)) if hosted else ()
    return Pieces(
        console=(found.console if found else ()) or console,
        sizes=SIZES,
        tweaks=found.tweaks if found else tweaks,
        flavor=(*FLAVOR, CRASHKERNEL) if arch == "x86_64" else FLAVOR,
        cmdline=(*cmdline.split(), *CMDLINE),
        extra=("getty",) if _before_rootwait(version, release) else ("getty", "rootwait"),
    )


def _before_rootwait(version: str, release: Release | None) -> bool:
    """``rootwait`` came with 14.4.0, and with 13.4.2 in the long-term line."""
    if release is None:
        return False
    return release < ((13, 4, 2) if version.endswith("-lts") and release[:2] == (13, 4) else (14, 4))
