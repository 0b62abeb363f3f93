"""Boot programs are known by their content, held in memory, and a bad one never keeps the others from serving."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.artifacts import firmware as module
from netbootd.artifacts.firmware import FirmwareFiles, identify, missing, scan
from netbootd.boot.arch import Cpu, Platform
from netbootd.boot.firmware import Binary, Firmware
from tests.support.tools import without

DEBIAN = Path("/usr/lib/ipxe")


def efi(machine: int = 0x8664, *, subsystem: int = 10, magic: int = 0x20B, tail: bytes = b"iPXE") -> bytes:
    """The headers of an EFI program: a DOS stub that points to the PE header, COFF, the optional header's start."""
    stub = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
    coff = b"PE\0\0" + struct.pack("<H18x", machine)
    optional = struct.pack("<H66xH", magic, subsystem)
    return stub.ljust(0x80, b"\0") + coff + optional + b"\0" * 32 + tail


def bios(size: int = 1000) -> bytes:
    return b"\xea\x05\x00\xc0\x07".ljust(900, b"\0") + b"PXE->EB:".ljust(size - 900, b"\0")


def put(directory: Path, **files: bytes) -> Path:
    """Write files; ``__`` in a name stands for the point of its ending."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (directory / name.replace("__", ".")).write_bytes(data)
    return directory


def names(found: FirmwareFiles) -> list[str]:
    return [binary.name for binary in found.firmware.binaries]


@pytest.mark.parametrize(
    ("machine", "cpu"),
    [
        (0x014C, Cpu.I386),
        (0x8664, Cpu.X86_64),
        (0x01C0, Cpu.ARM32),
        (0x01C2, Cpu.ARM32),
        (0x01C4, Cpu.ARM32),
        (0xAA64, Cpu.ARM64),
        (0x5032, Cpu.RISCV32),
        (0x5064, Cpu.RISCV64),
        (0x6264, Cpu.LOONG64),
    ],
)
def test_the_pe_header_says_for_which_cpu_an_efi_program_is(machine: int, cpu: Cpu) -> None:
    data = efi(machine, magic=0x10B if cpu in (Cpu.I386, Cpu.ARM32) else 0x20B)
    assert identify("ipxe.efi", data) == Binary("ipxe.efi", cpu, Platform.EFI, len(data))


@pytest.mark.parametrize("name", ["undionly.kpxe", "undionly.kkpxe", "ipxe.pxe", "UNDIONLY.KPXE"])
def test_a_bios_program_is_known_by_its_ending_and_its_banner(name: str) -> None:
    assert identify(name, bios()) == Binary(name, Cpu.I386, Platform.BIOS, 1000)


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("x.efi", b"", "too short"),
        ("x.efi", efi()[:100], "too short"),
        ("x.efi", b"#!" + efi()[2:], "no PE header"),
        ("x.efi", efi(magic=0x107), "no PE header"),
        ("x.efi", efi(subsystem=3), "PE subsystem 3"),
        ("x.efi", efi(0x0200), "PE machine 0x0200"),
        ("x.efi", b"MZ".ljust(0x3C, b"\0") + b"\xff" * 400, "too short"),
        ("x.kpxe", b"pxelinux" * 500, "not a BIOS boot program of iPXE"),
    ],
)
def test_what_is_no_boot_program_is_said_to_be_none(name: str, data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        identify(name, data)


@given(st.binary(max_size=400), st.sampled_from(["x.efi", "x.kpxe"]))
def test_any_bytes_are_a_program_or_a_value_error(data: bytes, name: str) -> None:
    with suppress(ValueError):
        assert identify(name, data).size == len(data)


def test_ipxe_s_version_is_read_where_it_stands_in_the_clear() -> None:
    version = b"1.21.1+git-20220113.fbbdc3926-0ubuntu1"
    assert identify("a.efi", efi(tail=b"iPXE\0\0\0" + version + b"\0")).version == version.decode()
    assert identify("a.efi", efi(tail=b"iPXE 1.2.3 \0")).version == ""


class TestScan:
    def test_files_are_held_by_name_with_what_they_are_for(self, tmp_path: Path) -> None:
        found = scan([put(tmp_path, ipxe__efi=efi(), undionly__kpxe=bios())])
        assert names(found) == ["ipxe.efi", "undionly.kpxe"]
        assert dict(found.contents) == {"ipxe.efi": efi(), "undionly.kpxe": bios()}
        assert found.notes == ()

    def test_roms_images_and_hidden_files_are_passed_over_in_silence(self, tmp_path: Path) -> None:
        found = scan([put(tmp_path, a__rom=b"", ipxe__iso=b"", ipxe__lkrn=b"", README=b"", __hidden__efi=b"")])
        assert (names(found), found.notes) == ([], ())

    def test_the_first_directory_that_has_a_name_wins(self, tmp_path: Path) -> None:
        own = put(tmp_path / "own", ipxe__efi=efi(tail=b"iPXE own"))
        package = put(tmp_path / "package", ipxe__efi=efi(), snponly__efi=efi())
        found = scan([own, package])
        assert names(found) == ["ipxe.efi", "snponly.efi"]
        assert found.contents["ipxe.efi"].endswith(b"own")

    def test_folders_are_looked_into_two_levels_deep(self, tmp_path: Path) -> None:
        put(tmp_path / "a", one__efi=efi())
        put(tmp_path / "a" / "b", two__efi=efi())
        put(tmp_path / "a" / "b" / "c", three__efi=efi())
        assert names(scan([tmp_path])) == ["a/b/two.efi", "a/one.efi"]

    def test_a_program_in_a_folder_has_its_plain_name_too_where_no_other_has_it(self, tmp_path: Path) -> None:
        put(tmp_path / "x86_64-efi", snponly__efi=efi(), ipxe__efi=efi())
        put(tmp_path / "arm64-efi", snponly__efi=efi(0xAA64))
        found = scan([tmp_path])
        assert names(found) == ["arm64-efi/snponly.efi", "x86_64-efi/ipxe.efi", "x86_64-efi/snponly.efi"]
        assert set(found.contents) == {*names(found), "ipxe.efi"}

    def test_a_plain_name_at_the_top_is_not_taken_by_a_folder(self, tmp_path: Path) -> None:
        put(tmp_path, snponly__efi=efi())
        put(tmp_path / "arm64-efi", snponly__efi=efi(0xAA64))
        assert scan([tmp_path]).contents["snponly.efi"] == efi()

    def test_links_are_followed_out_of_the_directory(self, tmp_path: Path) -> None:
        """Debian's /usr/lib/ipxe/ipxe.efi is a link to /boot/ipxe.efi."""
        put(tmp_path / "boot", ipxe__efi=efi())
        put(tmp_path / "lib")
        (tmp_path / "lib" / "ipxe.efi").symlink_to(tmp_path / "boot" / "ipxe.efi")
        (tmp_path / "lib" / "again").symlink_to(tmp_path / "lib")
        assert "ipxe.efi" in names(scan([tmp_path / "lib"]))

    def test_what_cannot_be_used_is_a_note_and_the_others_serve(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "LIMIT", 2**20)
        put(tmp_path, bad__efi=b"<html>", big__efi=bytes(2**20 + 1), good__efi=efi())
        (tmp_path / "gone.efi").symlink_to("/nowhere/ipxe.efi")
        os.mkfifo(tmp_path / "pipe.efi")
        found = scan([tmp_path, tmp_path / "missing"])
        assert names(found) == ["good.efi"]
        assert found.notes == (
            f"firmware: {tmp_path}/bad.efi: not an EFI program (too short)",
            f"firmware: {tmp_path}/big.efi: larger than 1 MiB",
            f"firmware: {tmp_path}/gone.efi: No such file or directory",
            f"firmware: there is no directory {tmp_path}/missing",
        )

    def test_a_directory_too_large_is_not_read_whole(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_MOST_ENTRIES", 2)
        found = scan([put(tmp_path, a__efi=efi(), b__efi=efi(), c__efi=efi())])
        assert names(found) == ["a.efi", "b.efi"]
        assert found.notes == (f"firmware: {tmp_path} holds too many files; the rest is not looked at",)

    def test_memory_is_bounded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "TOTAL", 2 * len(efi()))
        found = scan([put(tmp_path, a__efi=efi(), b__efi=efi(), c__efi=efi())])
        assert names(found) == ["a.efi", "b.efi"]
        assert "c.efi: left out" in found.notes[0]


class TestChoice:
    def test_grub_is_given_only_to_who_names_it(self, tmp_path: Path) -> None:
        firmware = scan([put(tmp_path, grubx64__efi=efi(tail=b"GRUB"))]).firmware
        assert firmware.choose(Cpu.X86_64, Platform.EFI) is None
        assert firmware.choose(Cpu.X86_64, Platform.EFI, "grubx64.efi") == firmware.binaries[0]

    def test_one_name_does_for_machines_of_several_widths(self, tmp_path: Path) -> None:
        put(tmp_path / "x86_64-efi", snponly__efi=efi(), ipxe__efi=efi())
        put(tmp_path / "arm64-efi", snponly__efi=efi(0xAA64), ipxe__efi=efi(0xAA64))
        firmware = scan([tmp_path]).firmware
        chosen = [firmware.choose(cpu, Platform.EFI, "ipxe.efi") for cpu in (Cpu.X86_64, Cpu.ARM64)]
        assert [binary and binary.name for binary in chosen] == ["x86_64-efi/ipxe.efi", "arm64-efi/ipxe.efi"]


class TestMissing:
    def test_nothing_found_means_every_usual_kind_of_machine_is_named_with_what_helps(self) -> None:
        lacking = missing(Firmware())
        assert [lack.needed_by for lack in lacking] == [
            "BIOS machines",
            "x86-64 UEFI machines",
            "ARM64 UEFI machines",
            "32-bit UEFI machines",
        ]
        assert str(lacking[0]) == "undionly.kpxe (BIOS machines get no answer); to fix: apt-get install ipxe"
        assert "make bin-CPU-efi/snponly.efi" in lacking[2].fix

    def test_what_is_there_is_not_missing(self, tmp_path: Path) -> None:
        put(tmp_path, a__efi=efi(), b__efi=efi(0xAA64), c__efi=efi(0x14C, magic=0x10B), undionly__kpxe=bios())
        assert missing(scan([tmp_path]).firmware) == ()


def test_debian_s_package_is_read_right() -> None:
    if not (DEBIAN / "ipxe.efi").exists():
        without("Debian's iPXE is not here: apt-get install ipxe")
    found = scan([DEBIAN])
    chosen = {
        (cpu, platform): binary.name
        for cpu in Cpu
        for platform in Platform
        if (binary := found.firmware.choose(cpu, platform))
    }
    assert chosen[Cpu.I386, Platform.BIOS] == "undionly.kpxe"
    assert chosen[Cpu.X86_64, Platform.EFI] == "snponly.efi"
    assert found.firmware.named("ipxe.efi") is not None
    assert all(binary.version for binary in found.firmware.binaries if binary.platform is Platform.EFI)
    assert found.notes == ()
