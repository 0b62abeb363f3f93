"""EVE's installer arguments: which there are, since when, and how its installer reads them.

It reads them with grep and sed from /proc/cmdline (EVE pkg/installer/install): a flag is set when its letters stand
anywhere in the line, and of a value everything up to its last "=" is dropped.  `netbootd.payloads.eve.judgement` says
what that makes of a machine's arguments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

Release = tuple[int, ...]


class Kind(Enum):
    FLAG = "flag"
    VALUE = "value"
    WORD = "word"
    """A flag whose name is a plain word, and so the likeliest to stand somewhere by accident."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a value must look like, and the sentence for one that does not."""

    pattern: re.Pattern[str]
    why: str


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; its meaning fits on a line."""

    name: str
    kind: Kind
    meaning: str
    since: Release = ()
    grammar: Grammar | None = None
    destroys: str = ""
    """What is lost by it; such an argument must be named by the machine itself."""
    removed: Release = ()
    removed_lts: Release = ()
    """Where a long-term line lost it before its number says so."""
    now: str = ""
    """What it is called since ``removed``."""
    before: str = ""
    """What it was called until ``since``."""
    truth: str | None = None
    """The one value that a flag may have, because EVE's own menu writes it so."""


def _grammar(pattern: str, why: str) -> Grammar:
    return Grammar(re.compile(pattern, re.ASCII), why)


_SERIAL = _grammar(
    r"[A-Za-z0-9.-]+", "it becomes a directory's name and an HTTP header: letters, digits, '.' and '-' only"
)
_SERVER = _grammar(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", "EVE wants a host's name, with ':' and a port where it is not 443")
_DISK = _grammar(r"[A-Za-z0-9!_-]+", "EVE wants one kernel name such as sda or nvme0n1, without /dev/")
_DISKS = _grammar(
    r"[A-Za-z0-9!_-]+(,[A-Za-z0-9!_-]+)*", "EVE wants kernel names such as sda or sda,sdb,sdc, without /dev/"
)
_RAID = _grammar(r"none|raid1|raid5|raid6", "EVE knows none, raid1, raid5 and raid6")
_SIZE = _grammar(r"[1-9][0-9]{0,4}", "EVE wants a whole number of GiB")

_FLAG, _VALUE, _WORD = Kind.FLAG, Kind.VALUE, Kind.WORD

ARGUMENTS = (
    Argument("eve_soft_serial", _VALUE, "the serial number the node calls itself by", (6, 3), _SERIAL),
    Argument("eve_install_server", _VALUE, "the controller, in place of the configuration's own", (6, 0), _SERVER),
    Argument("eve_install_disk", _VALUE, "the disk to install on; else the first free one", (3, 0), _DISK),
    Argument("eve_persist_disk", _VALUE, "where the persistent data go; several disks are a ZFS pool", (5, 19), _DISKS),
    Argument(
        "eve_nuke_disks",
        _VALUE,
        "wipe the partition tables of these disks, then install",
        (6, 14),
        _DISKS,
        destroys="it wipes the partition tables of the disks it names",
    ),
    Argument(
        "eve_nuke_all_disks",
        _FLAG,
        "wipe the partition tables of every disk, then power off: nothing is installed",
        (5, 15),
        destroys="it wipes the partition table of every disk and installs nothing",
    ),
    Argument("eve_reboot_after_install", _FLAG, "reboot at the end; else power off", (6, 0)),
    Argument("eve_pause_before_install", _FLAG, "a shell on the console before", (3, 0)),
    Argument("eve_pause_after_install", _FLAG, "a shell on the console after", (3, 0)),
    Argument(
        "eve_blackbox",
        _FLAG,
        "collect facts, do not install; not read-only",
        (5, 12),
        # Only the writing of the image is skipped; the script goes on to make a file system on an existing P3.
        destroys="in spite of its name it makes a new file system on an existing EVE's persistent partition, and "
        "installs nothing",
    ),
    Argument(
        "eve_install_skip_rootfs",
        _FLAG,
        "install without a root file system",
        (3, 0),
        destroys="it leaves the node with an empty root file system",
    ),
    Argument(
        "eve_install_skip_config",
        _FLAG,
        "install without a configuration",
        (3, 0),
        destroys="it leaves the node with an empty configuration",
    ),
    Argument(
        "eve_install_skip_persist",
        _FLAG,
        "install without the persistent partition's image",
        (3, 0),
        destroys="it leaves the node's persistent partition without its image",
    ),
    Argument("eve_install_skip_zfs_checks", _FLAG, "take ZFS with less than 64 GB of RAM or three disks", (7, 7)),
    Argument("eve_install_zfs_with_raid_level", _VALUE, "the ZFS pool: none, raid1, raid5, raid6", (7, 11), _RAID),
    Argument(
        "eve_install_k3s_etcd_sizeGB",
        _VALUE,
        "etcd's volume on HV k; the installed system's own command line counts",
        (15, 11),
        _SIZE,
        before="eve_install_kubevirt_etcd_sizeGB",
    ),
    Argument(
        "eve_install_kubevirt_etcd_sizeGB",
        _VALUE,
        "etcd's volume on HV kubevirt",
        (12, 0),
        _SIZE,
        removed=(15, 11),
        now="eve_install_k3s_etcd_sizeGB",
    ),
    Argument(
        "eve_install_random_disk_uuids",
        _FLAG,
        "random GUIDs for the partitions",
        (7, 10),
        removed=(17, 1),
        removed_lts=(17, 0),
    ),
    Argument("eve_disable_verify", _FLAG, "skip the hardware's probing and measuring", (13, 4)),
    Argument("eve_skip_dev_cert", _FLAG, "make no device certificate in the installer", (16, 13)),
    Argument("eve_install_debug", _FLAG, "trace the installer's scripts", (13, 4), truth="true"),
    Argument("interactive", _WORD, "the text installer", (13, 4)),
    Argument("getty", _WORD, "a root shell on every console"),
    # Read by the system at run time, not by the installer.
    Argument("eve_no_dirsync", _FLAG, "mount the configuration without dirsync", (16, 13)),
    Argument("eve_mem", _VALUE, "memory of EVE's services"),
    Argument("eve_max_vcpus", _VALUE, "CPUs of EVE's services"),
)

FLAGS = frozenset(argument.name for argument in ARGUMENTS if argument.kind is not Kind.VALUE)
"""Found anywhere in the command line, so ``=0`` would still be true."""


def argument(name: str) -> Argument | None:
    """The argument of that name."""
    return next((each for each in ARGUMENTS if each.name == name), None)
