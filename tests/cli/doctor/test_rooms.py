"""What a daemon lives on."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.cli.doctor import rooms
from netbootd.cli.doctor.line import Line, Status
from tests.support.doctored import patient
from tests.support.house import efi_program, furnished


def of(lines: list[Line], probe: str) -> list[Line]:
    return [each for each in lines if each.probe == probe]


def programs(directory: Path) -> list[Line]:
    return list(rooms.boot_programs(patient(directory)))


def test_boot_programs_are_named(tmp_path: Path) -> None:
    lines = programs(furnished(tmp_path))
    assert "snponly.efi, undionly.kpxe" in of(lines, "firmware")[0].found
    assert of(lines, "firmware.age")[0].status is Status.SKIPPED


def test_without_any_no_machine_boots_and_without_one_kind_some_do_not(tmp_path: Path) -> None:
    furnished(tmp_path)
    (tmp_path / "ipxe" / "undionly.kpxe").unlink()
    some = programs(tmp_path)
    (tmp_path / "ipxe" / "snponly.efi").unlink()
    (none,) = programs(tmp_path)
    assert [each.tried for each in some if each.status is Status.WARN] == ["undionly.kpxe"]
    assert none.status is Status.FAIL


@pytest.mark.parametrize(
    ("version", "status"), [("1.0.0+git-20190125.36a4c85", Status.WARN), ("2.0.0+20260301", Status.OK)]
)
def test_an_old_ipxe_is_told_by_its_version(tmp_path: Path, version: str, status: Status) -> None:
    furnished(tmp_path)
    program = efi_program(0x8664) + b"\0" + version.encode() + b"\0"
    (tmp_path / "ipxe" / "snponly.efi").write_bytes(program)
    (line,) = of(programs(tmp_path), "firmware.age")
    assert line.status is status
    assert version in line.found


def test_a_signed_program_is_known_by_its_certificate_table() -> None:
    plain = bytearray(efi_program(0x8664))
    assert not rooms.is_signed(bytes(plain))
    struct.pack_into("<I", plain, 0x98 + 108, 16)
    struct.pack_into("<II", plain, 0x98 + 112 + 4 * 8, 0x1000, 0x800)
    assert rooms.is_signed(bytes(plain))
    assert not rooms.is_signed(b"MZ")


def test_room_is_told_and_a_state_that_is_not_there_yet_is_no_fault(tmp_path: Path) -> None:
    lines = list(rooms.disks(patient(furnished(tmp_path))))
    assert {each.probe for each in lines} == {"disk.artifacts", "disk.state", "state"}
    assert Status.FAIL not in {each.status for each in lines}
    assert "netbootd makes it" in of(lines, "state")[0].found


def test_a_damaged_state_is_a_fault(tmp_path: Path) -> None:
    furnished(tmp_path)
    (tmp_path / "state.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    (line,) = of(list(rooms.disks(patient(tmp_path))), "state")
    assert line.status is Status.FAIL


def test_a_state_that_nobody_serves_is_a_fault(tmp_path: Path) -> None:
    one = patient(furnished(tmp_path))
    config = replace(one.config, state="postgresql://nobody@127.0.0.1:9/none")
    (line,) = of(list(rooms.disks(replace(one, config=config))), "state")
    assert line.status is Status.FAIL
    assert "postgresql://nobody@127.0.0.1:9/none" in line.tried


def test_a_daemons_own_limit_is_read() -> None:
    line = rooms.descriptors(os.getpid())
    assert line.probe == "descriptors"
    assert line.status in (Status.OK, Status.WARN)


def test_the_clock_is_told_of(tmp_path: Path) -> None:
    (line,) = rooms.clock(None)
    assert line.probe == "clock"
    assert rooms.kept() in (True, False, None)


@pytest.mark.parametrize(("off", "status"), [(0.0, Status.OK), (3600.0, Status.WARN)])
def test_an_ntp_server_is_asked_where_one_is_named(monkeypatch: pytest.MonkeyPatch, off: float, status: Status) -> None:
    """RFC 4330: the transmit timestamp, in seconds since 1900, stands at octet 40."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        monkeypatch.setattr(rooms, "_NTP", server.getsockname()[1])
        monkeypatch.setattr(rooms, "_PATIENCE", 60.0)

        def answer() -> None:
            asked, peer = server.recvfrom(64)
            assert asked[0] == 0x23
            now = int(time.time() + off) + 2_208_988_800
            server.sendto(bytes(40) + struct.pack("!II", now, 0), peer)

        thread = threading.Thread(target=answer)
        thread.start()
        line = rooms.against("127.0.0.1")
        thread.join()
    assert line.status is status
