"""The lab's own parts: what the boots in `test_boot` lean on."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import payload
from tests.lab.console import plain
from tests.lab.disguise import anonymous
from tests.lab.disks import LOCAL, bios_disk


def test_the_disguise_takes_away_only_what_names_ipxe() -> None:
    """Options 77 and 175 become pads; every other byte, and every length, stays; the checksum is given up."""
    kept, taken = b"\x35\x01\x01" + b"\x5d\x02\x00\x00", b"\x4d\x04iPXE" + b"\xaf\x03\x13\x01\x01"
    bootp = bytes(236) + b"\x63\x82\x53\x63"
    head = bytes(12) + b"\x08\x00" + b"\x45" + bytes(19) + b"\x00\x44\x00\x43\x01\x00"
    frame = head + b"\xab\xcd" + bootp + kept + taken + b"\xff\x00"
    assert anonymous(frame) == head + b"\0\0" + bootp + kept + bytes(len(taken)) + b"\xff\x00"


def test_a_console_is_read_without_its_escapes() -> None:
    """Firmware draws with cursor movements; a test reads words."""
    assert plain(b"\x1b[2J\x1b[01;01HBoot\x1b[0;37;40m this\r\n\x1b(Bdisk\x07") == "Boot this\ndisk"


def test_neighbouring_parts_of_eve_contest_a_file() -> None:
    """So that what the booted system holds tells which came later."""
    contested = [f"order/{n}-{n + 1}" for n in range(1, len(payload.EVE_PARTS))]
    names = [[entry.name for entry in payload.witness(part)] for part in payload.EVE_PARTS]
    assert all(name in names[n] and name in names[n + 1] for n, name in enumerate(contested))


def test_a_local_disk_has_what_a_bios_looks_for(tmp_path: Path) -> None:
    """A boot signature, and the text where the code expects it."""
    sector = bios_disk(tmp_path / "disk.img").read_bytes()[:512]
    assert sector[510:] == b"\x55\xaa"
    assert sector.index(b"\r\n" + LOCAL.encode()) == 0x18


_DOOMED = """
import os, sys
from pathlib import Path
from tests.lab.network import network
with network(Path(sys.argv[1])) as lab, lab.dnsmasq():
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    print(children, flush=True)
    sys.stdin.read()
"""


@pytest.mark.lab
@pytest.mark.usefixtures("artifacts")
def test_nothing_is_left_when_the_lab_is_killed(tmp_path: Path) -> None:
    """SIGKILL: no namespace, no DHCP server survives the process that made them."""
    command = [sys.executable, "-c", _DOOMED, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as doomed:
        assert doomed.stdout is not None
        children = [os.pidfd_open(int(pid)) for pid in doomed.stdout.readline().split()]
        assert len(children) == 4, "three namespaces and a DHCP server"
        doomed.send_signal(signal.SIGKILL)
    for child in children:
        ended, _, _ = select.select([child], [], [], 10)
        os.close(child)
        assert ended
