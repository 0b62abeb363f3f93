"""A real GRUB, and a menu for the lab's EVE that has EVE's hooks.

The GRUB is Debian's, put together for ``/EFI/BOOT`` as EVE puts its own together.  It lacks what EVE adds to it, so the
menu, which is our own, does without: it sources what EVE's menu runs with ``configfile`` and an export to the outer
context.  In both a node's own include, ``config_grub_cfg``, comes last before the entries, and finds the same
variables to set: ``dom0_*`` and ``initrd``.

One more thing is worked around.  GRUB 2.06 writes the names of ``newc:`` files without the NUL at their end, and
kernels since 2024 pass such files over ("initramfs name without nulterm").  So the menu has headers of its own for
them, and gives GRUB the parts of the archive in turns; it fetches what it was told to all the same.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import NamedTemporaryFile

from netbootd.payloads.eve.bundle import Era
from netbootd.wire import cpio
from tests.lab.namespace import LabError
from tests.support import eve_bundles

BOARD = "LAB BOARD"
"""A product whose tweaks are in the menu, with a disk to install on."""

_PLACE = Path("/usr/lib/grub/x86_64-efi")
_UNKNOWN = 0xFEDCBA98  # a size no file here has
_MODULES = (
    *("part_msdos", "fat"),
    *("normal", "configfile", "test", "echo", "true", "sleep", "cat", "minicmd", "serial", "terminal"),
    *("net", "efinet", "http", "tftp", "loopback", "iso9660", "newc", "probe", "regexp", "smbios"),
    *("boot", "linux", "reboot", "halt"),
)
_MENU = f"""\
# The lab's own menu, with the hooks of EVE's
set timeout=5
set default=0

function set_global {{
   set $1="$2"
   export $1
}}

source ($root)/EFI/BOOT/grub_include.cfg

set_global dom0_console "console=tty0 console=ttyS0"
set_global dom0_platform_tweaks " "
smbios -t 1 -s 5 --set product
if [ "$product" = "{BOARD}" ]; then
   set_global dom0_platform_tweaks "fbcon=map:0 eve_install_disk=mmcblk0"
fi
set_global memory "dom0_mem=640M,max:800M dom0_max_vcpus=1 dom0_vcpus_pin"
set_global dom0_cmdline "{eve_bundles.CMDLINE} panic=120"
set_global dom0_rootfs "root=$rootfs_root"

if [ -n "$config_grub_cfg" ]; then
   source $config_grub_cfg
fi

menuentry "Boot the lab's EVE" {{
   echo "the lab's menu boots"
   linux /boot/kernel $dom0_console $dom0_rootfs $memory $dom0_platform_tweaks $dom0_cmdline $dom0_extra_args
   source ($root)/EFI/BOOT/initrds.cfg
}}
"""
_INITRDS = """\
set parts=
for word in $initrd; do
   if regexp --set 1:name --set 2:file '^newc:/([^:]*):(.*)' "$word"; then
      set parts="$parts ($root)/newc/$name $file"
   else
      set parts="$parts $word"
   fi
done
initrd $parts ($root)/newc/end
"""
_INCLUDE = """\
set install_part="$cmddevice"
set_global dom0_extra_args "getty rootwait"
set_global eve_flavor kvm
probe --set label --label $root
"""


def files(era: Era) -> dict[str, bytes]:
    """What GRUB is and reads, for the ISO of that era.  Raises `LabError` where GRUB is not installed."""
    return {
        "EFI/BOOT/BOOTX64.EFI": program(),
        "EFI/BOOT/grub.cfg": _MENU.encode(),
        "EFI/BOOT/grub_include.cfg": (_INCLUDE + eve_bundles.include(era)).encode(),
        "EFI/BOOT/initrds.cfg": _INITRDS.encode(),
        "newc/installer.iso": _header("installer.iso", _UNKNOWN),
        "newc/end": cpio.archive(()).joined(),
    }


def headers(tree: Path) -> dict[str, bytes]:
    """For the files of the ISO that go into an initrd."""
    names = [name for name in ("rootfs_installer.img", "config.img") if (tree / name).exists()]
    return {f"newc/{name}": _header(name, (tree / name).stat().st_size) for name in names}


def complete(image: Path) -> None:
    """Write into an ISO how long it is."""
    unknown, known = _header(image.name, _UNKNOWN), _header(image.name, image.stat().st_size)
    data = image.read_bytes()
    assert data.count(unknown) == 1
    image.write_bytes(data.replace(unknown, known))


def _header(name: str, size: int) -> bytes:
    """What stands before the file in an archive."""
    whole = cpio.archive([cpio.Entry(name)]).joined()
    head = whole[: whole.index(b"070701", 1)]
    return head[:54] + b"%08X" % size + head[62:]


def program(modules: Path = _PLACE) -> bytes:
    """BOOTX64.EFI out of a directory of GRUB's modules."""
    if shutil.which("grub-mkimage") is None or not (modules / "moddep.lst").exists():
        raise LabError("the lab's EVE has no GRUB: sudo apt-get install grub-common grub-efi-amd64-bin")
    with NamedTemporaryFile() as made:
        options = ("-O", "x86_64-efi", "-p", "/EFI/BOOT", "-d", str(modules), "-o", made.name)
        subprocess.run(["grub-mkimage", *options, *_MODULES], check=True, capture_output=True)
        return Path(made.name).read_bytes()
