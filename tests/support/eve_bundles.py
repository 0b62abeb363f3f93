"""Small stand-ins for EVE's network installers, one of each era, in the layouts of the releases.

Nothing of EVE's is in them: the boot menus are a few lines of our own with the phrases that tell the eras apart, and
the kernels are magic numbers.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from netbootd.artifacts.eve_content import Content, detect
from netbootd.payloads.eve.bundle import Bundle, Era

MIB = 1 << 20
X86_KERNEL = bytes(0x202) + b"HdrS" + b"x86 kernel".ljust(3000, b".")
ARM_KERNEL = bytes(56) + b"ARM\x64" + b"arm64 kernel".ljust(3000, b".")

VERSIONS = {Era.A: "13.3.0", Era.B1: "14.3.0", Era.B1X: "15.1.0", Era.B2: "17.3.0", Era.B3: "17.4.0"}
CMDLINE = "rootdelay=3 linuxkit.unified_cgroup_hierarchy=0"

_MENU = "# stands for the menu of the ISO\nset timeout=5\n"
_INCLUDE = """\
# stands for the installer's part of the menu
if [ "$label" = "EVEISO" ]; then
   if [ "$isnetboot" = "true" ]; then
{network}
   else
      set_global initrd "/boot/initrd.img"
      set_global rootfs_root "LABEL=$label{local}"
   fi
fi
"""
_WHOLE_ISO = 'set_global initrd "/boot/initrd.img newc:/installer.iso:($install_part)/installer.iso"'
_NETWORK = {
    Era.B1: (_WHOLE_ISO, 'set_global rootfs_root "/installer.iso"'),
    Era.B1X: (_WHOLE_ISO, 'set_global rootfs_root "/installer.iso"'),
    Era.B2: (
        _WHOLE_ISO,
        'set_global rootfs_root "/installer.iso rootimg=/rootfs_installer.img rootaddmount=/config.img:/config.img"',
    ),
    Era.B3: (
        'set extra=""',
        'set mount=""',
        'if [ -f "($root)/config.img" ]; then',
        '   set extra="newc:/config.img:($root)/config.img"',
        '   set mount="rootaddmount=/config.img:/config.img"',
        "fi",
        'set_global initrd "/boot/initrd.img newc:/rootfs_installer.img:($root)/rootfs_installer.img $extra"',
        'set_global rootfs_root "/rootfs_installer.img $mount"',
    ),
}
_OUTER = "loopback loop0 ($cmddevice)/installer.iso\nset isnetboot=true\nconfigfile (loop0)/EFI/BOOT/grub.cfg\n"


def include(era: Era) -> str:
    """The grub_include.cfg of that era."""
    network = "\n".join(f"      {line}" for line in _NETWORK[era])
    return _INCLUDE.format(network=network, local="" if era is Era.B1 else " rootimg=/rootfs_installer.img")


def iso_files(era: Era, *, config: int = MIB) -> dict[str, bytes]:
    """What is in its installer.iso."""
    files = {
        "EFI/BOOT/BOOTX64.EFI": b"MZ grub",
        "EFI/BOOT/grub.cfg": _MENU.encode(),
        "EFI/BOOT/grub_include.cfg": include(era).encode(),
        "boot/kernel": X86_KERNEL,
        "boot/cmdline": f"{CMDLINE}\n".encode(),
        "boot/initrd.img": b"\x1f\x8binitrd".ljust(5001, b"i"),
        "boot/.uuid": b"11111111-2222-3333-4444-555555555555",
    }
    if era is Era.B1:
        return files | {"etc/eve-release": b"14.3.0-kvm-amd64\n", "sbin/init": b"#!/bin/sh\n"}
    return files | {"rootfs_installer.img": b"hsqs" + bytes(40_000)} | ({"config.img": bytes(config)} if config else {})


@cache
def iso(era: Era, *, config: int = MIB, more: tuple[tuple[str, bytes], ...] = (), less: tuple[str, ...] = ()) -> bytes:
    """Its installer.iso; ``more`` files, and ``less``."""
    files = {path: data for path, data in (iso_files(era, config=config) | dict(more)).items() if path not in less}
    with tempfile.TemporaryDirectory() as directory:
        tree = put(Path(directory) / "tree", files)
        image = Path(directory) / "installer.iso"
        command = ["xorriso", "-as", "mkisofs", "-quiet", "-R", "-V", "EVEISO", "-o", str(image), str(tree)]
        subprocess.run(command, check=True, capture_output=True)
        return image.read_bytes()


@cache
def bundle(era: Era, *, config: int = MIB) -> Bundle:
    """The bundle of its installer.iso alone, as an import finds it; for eras that have one."""
    image = iso(era, config=config)
    found = detect(Content({"installer.iso": len(image)}, lambda _path, at, size: image[at : at + size]))
    return replace(found, name=f"eve-{VERSIONS[era]}", version=VERSIONS[era], directory="sha256-1")


def files_of(era: Era, *, config: int = MIB, ipxe: bool = True) -> dict[str, bytes]:
    """The files of its ``installer_net``."""
    own = {"ipxe.efi": b"MZ iPXE"} if ipxe else {}
    if era is Era.A:
        names = ("initrd.img", "installer.img", "initrd.bits", "rootfs.img")
        script = {"ipxe.efi.cfg": b"#!ipxe\n# set url https://foo.bar/\n"}
        return {"kernel": X86_KERNEL, **{name: name.encode() * 200 for name in names}, **script, **own}
    return {
        "EFI/BOOT/BOOTX64.EFI": b"MZ grub",
        "EFI/BOOT/grub.cfg": _OUTER.encode(),
        "installer.iso": iso(era, config=config),
        "ipxe.efi.cfg": b"#!ipxe\n",
        **own,
    }


def put(directory: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a directory."""
    for path, data in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return directory


def tar_of(
    files: Mapping[str, bytes],
    *,
    prefix: str = "./",
    extra: Iterable[tarfile.TarInfo] = (),
    form: int = tarfile.GNU_FORMAT,
) -> bytes:
    """A tar as the newer eras make it, names starting with ``./``; ``extra`` members without content at its end."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as tar:
        for path, data in files.items():
            info = tarfile.TarInfo(prefix + path)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for info in extra:
            tar.addfile(info)
    return made.getvalue()


def net_tar(era: Era) -> bytes:
    """Its ``installer_net``."""
    return tar_of(files_of(era), prefix="" if era is Era.A else "./")
