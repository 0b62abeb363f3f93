"""What a daemon lives on: room on its disks, its state, descriptors, the time, and its boot programs."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import shutil
import socket
import sqlite3
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from netbootd.artifacts.firmware import missing
from netbootd.boot.arch import Platform
from netbootd.boot.firmware import Binary
from netbootd.cli.common import counted, human
from netbootd.cli.doctor.line import Line, fail, ok, skipped, warn
from netbootd.cli.doctor.patient import Patient
from netbootd.cli.doctor.together import together
from netbootd.fleet.database import peek
from netbootd.fleet.state import BadStateUrl, StateError, parse_state, shown

_GIB = 1 << 30
_NONE_LEFT = 16 << 20
_FEW = 4096
_PATIENCE = 4.0  # seconds
_NTP = 123
_UNSYNCHRONIZED = 0x40  # STA_UNSYNC, <linux/timex.h>
_SKEW = 60.0  # seconds
_SINCE_1900 = 2_208_988_800
_OLD = 2021


def boot_programs(patient: Patient) -> Iterator[Line]:
    """Which there are, for whom, and how old."""
    binaries = [each for each in patient.loaded.world.firmware.binaries if each.ipxe]
    where = ", ".join(map(str, patient.config.firmware))
    if not binaries:
        yield fail("firmware", "boot programs", f"none in {where}", "apt-get install ipxe, or name theirs: firmware:")
        return
    yield ok("firmware", "boot programs", f"{', '.join(each.name for each in binaries[:6])} in {where}")
    for each in missing(patient.loaded.world.firmware):
        if each.rare is None:
            yield warn("firmware", each.file, f"missing, {each.needed_by} get no answer", each.fix)
    yield from _age(binaries)
    if any(each.platform is Platform.EFI for each in binaries):
        yield _secure_boot(binaries, patient)


def disks(patient: Patient) -> Iterator[Line]:
    """Room, and the state."""
    yield _room("artifacts", patient.config.artifacts, _GIB, "images are imported there")
    try:
        state = parse_state(patient.config.state)
    except BadStateUrl as error:
        yield fail("state", "state", str(error), "")
        return
    if isinstance(state, Path):
        yield _room("state", state.parent, _NONE_LEFT * 4, "what is installed is written there")
        yield _file(state)
    else:
        yield _database(patient.config.state)


def descriptors(pid: int | None) -> Line:
    """How many connections at once: of the daemon, else what one that is started here could have."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if pid is not None:
        try:
            found = re.search(r"^Max open files +(\d+)", Path(f"/proc/{pid}/limits").read_text(), re.MULTILINE)
            most = int(found[1]) if found else most
        except OSError:
            pass
    if 0 <= most < _FEW:
        todo = "LimitNOFILE=65536 in the unit, or ulimit -n: a machine that downloads takes two."
        return warn("descriptors", "open files", f"at most {most}", todo)
    return ok("descriptors", "open files", "no limit" if most < 0 else f"at most {most}")


def clock(ntp: str | None) -> Iterator[Line]:
    """Whether the time is kept, by the kernel's own account; against a server where one is named."""
    synchronized = kept()
    if time.time() < 1_700_000_000:
        yield warn("clock", "clock", time.strftime("%Y-%m-%d", time.gmtime()), "It is wrong: set it, or use NTP.")
    elif synchronized is None:
        yield skipped("clock", "clock", "the kernel does not tell whether it is kept")
    elif synchronized:
        yield ok("clock", "clock", "kept by NTP, as the kernel says")
    else:
        yield warn("clock", "clock", "not kept by NTP", "timedatectl set-ntp true: certificates depend on the time.")
    if ntp is not None:
        yield against(ntp)


def kept() -> bool | None:
    """Whether something keeps the kernel's clock (adjtimex(2)); None: it does not tell."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        memory = ctypes.create_string_buffer(512)
        if libc.adjtimex(memory) < 0:
            return None
    except (OSError, AttributeError):
        return None
    layout = struct.Struct("@I4li")  # modes, offset, freq, maxerror, esterror, status
    status: int = layout.unpack_from(memory.raw)[5]
    return not status & _UNSYNCHRONIZED


def against(server: str) -> Line:
    """This clock and an NTP server's (SNTP, RFC 4330)."""
    tried = f"clock against {server}"
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(_PATIENCE / 2)
            sock.connect((server, _NTP))
            sent = time.time()
            sock.send(bytes((0x23,)) + bytes(47))
            said = sock.recv(256)
            took = time.time() - sent
        seconds, fraction = struct.unpack_from("!II", said, 40)
    except (OSError, struct.error) as error:
        return skipped("clock.ntp", tried, f"no answer: {getattr(error, 'strerror', None) or error}")
    off = seconds - _SINCE_1900 + fraction / (1 << 32) - sent - took / 2
    if abs(off) > _SKEW:
        return warn("clock.ntp", tried, f"{off:+.0f} s off", "Set it: certificates and tokens depend on the time.")
    return ok("clock.ntp", tried, f"{off:+.2f} s off")


def _age(binaries: list[Binary]) -> Iterator[Line]:
    known = {each.version: each.name for each in binaries if each.version}
    for version, name in known.items():
        found = re.search(r"\b(20\d\d)(\d\d)(\d\d)", version)
        year = int(found[1]) if found else None
        if year is not None and year < _OLD:
            yield warn(
                "firmware.age",
                "iPXE's age",
                f"{name} is of {found[1]}-{found[2]} ({version})" if found else version,
                "It boots most machines. It lacks drivers of newer cards (snponly.efi needs none), speaks no ECDHE to"
                " TLS servers, and waits long where IPv6 routers are silent. Newer: build iPXE 2.0, and name its"
                " directory first in firmware:",
            )
        else:
            yield ok("firmware.age", "iPXE's age", f"{name} is {version}")
    if not known:
        yield skipped("firmware.age", "iPXE's age", "these programs do not say their version")


def _secure_boot(binaries: list[Binary], patient: Patient) -> Line:
    efi = [each for each in binaries if each.platform is Platform.EFI]
    signed = [each.name for each in efi if is_signed(patient.loaded.firmware[each.name])]
    if signed:
        return ok("firmware.secure-boot", "Secure Boot", f"signed, by whom is not looked at: {', '.join(signed)}")
    return ok(
        "firmware.secure-boot", "Secure Boot", "none of these is signed: switch it off on machines, or they refuse them"
    )


def is_signed(data: bytes) -> bool:
    """Whether an EFI program carries a certificate table (PE, "Optional Header Data Directories", entry 4)."""
    try:
        (header,) = struct.unpack_from("<I", data, 0x3C)
        (magic,) = struct.unpack_from("<H", data, header + 24)
        at = header + 24 + (112 if magic == 0x20B else 96) + 4 * 8
        (size,) = struct.unpack_from("<I", data, at + 4)
        (count,) = struct.unpack_from("<I", data, header + 24 + (108 if magic == 0x20B else 92))
    except struct.error:
        return False
    return bool(count > 4 and size)


def _room(what: str, path: Path, wanted: int, why: str) -> Line:
    tried = f"room for {what}"
    there = next((each for each in (path, *path.parents) if each.is_dir()), Path("/"))
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return skipped(f"disk.{what}", tried, f"{there}: {error.strerror}")
    told = f"{human(free)} free on {there}"
    if free < _NONE_LEFT and what == "state":
        return fail(f"disk.{what}", tried, told, f"Make room: {why}, and what cannot be written is not handed out.")
    if free < wanted:
        return warn(f"disk.{what}", tried, told, f"Make room: {why}.")
    return ok(f"disk.{what}", tried, told)


def _file(path: Path) -> Line:
    tried = f"state {path}"
    if not path.exists():
        there = next((each for each in path.parents if each.is_dir()), Path("/"))
        if there != path.parent:
            return skipped("state", tried, f"there is no {path.parent} yet; netbootd makes it")
        if os.geteuid() and not os.access(there, os.W_OK):
            return skipped("state", tried, f"not there yet, and {there} is not this user's")
        return ok("state", tried, "not there yet; netbootd makes it at its start")
    if not os.access(path, os.R_OK):
        return skipped("state", tried, "only its owner may read it", "sudo netbootd doctor")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_PATIENCE)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        machines = len(peek(f"sqlite:///{path}").records)
    except (sqlite3.Error, StateError, BadStateUrl) as error:
        return fail("state", tried, str(error), f"Stop netbootd, put {path.name} aside or back from a copy, start it.")
    if said != "ok":
        return fail("state", tried, f"damaged: {said}", f"Stop netbootd, put {path.name} back from a copy.")
    return ok("state", tried, f"sound, {counted(machines, 'machine')} on record")


def _database(url: str) -> Line:
    tried = f"state {shown(url)}"

    def ask() -> Line:
        try:
            machines = len(peek(url).records)
        except (StateError, BadStateUrl) as error:
            return fail("state", tried, str(error), "Until it is there, no profile that boots once is handed out.")
        return ok("state", tried, f"answers, {counted(machines, 'machine')} on record")

    (line,) = together([ask], _PATIENCE)
    late = f"no answer within {_PATIENCE:.0f} s"
    return line or fail("state", tried, late, "Is that server up, and may this host ask?")
