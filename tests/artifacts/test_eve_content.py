"""What a set of files is, told by names and a few small reads."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from netbootd.artifacts.eve_content import Content, Hint, detect, directory_content, looks_like_eve, named
from netbootd.artifacts.faults import ImportFault
from netbootd.payloads.eve.bundle import Bundle, Era
from netbootd.payloads.eve.classic import FILES as CLASSIC
from tests.support.eve_bundles import ARM_KERNEL, CMDLINE, MIB, X86_KERNEL, files_of, iso, put

every_era = pytest.mark.parametrize("era", list(Era), ids=[era.value for era in Era])


def content(files: dict[str, bytes]) -> Content:
    sizes = {path: len(data) for path, data in files.items()}
    return Content(sizes, lambda path, offset, length: files[path][offset : offset + length])


def found(files: dict[str, bytes], *names: str) -> Bundle:
    return detect(content(files), tuple(Hint(name, "a name") for name in names))


@every_era
def test_each_era_is_known_by_its_content(era: Era) -> None:
    files = files_of(era)
    bundle = found(files)
    assert (bundle.era, bundle.arch) == (era, "amd64")
    assert (bundle.files, bundle.size) == (tuple(sorted(files)), sum(map(len, files.values())))
    assert bundle.cmdline == (CMDLINE if era.has_iso else "")
    assert bundle.iso_size == len(files.get("installer.iso", b""))


def test_the_number_never_decides() -> None:
    """Long-term releases carry changes out of order, and a name may lie."""
    bundle = found(files_of(Era.B2), "eve-13.4.2-lts")
    assert (bundle.era, bundle.version) == (Era.B2, "13.4.2-lts")


def test_an_iso_alone_is_a_bundle_that_lacks_an_ipxe() -> None:
    bundle = found({"installer.iso": iso(Era.B2)}, "eve-17.3.0")
    assert bundle.era is Era.B2
    assert bundle.notes == ("there is no ipxe.efi in it; netbootd's own iPXE is used",)


@pytest.mark.parametrize(("era", "config"), [(Era.A, MIB), (Era.B1, 0), (Era.B1X, 0), (Era.B2, MIB), (Era.B3, MIB)])
def test_the_size_a_node_s_configuration_has(era: Era, config: int) -> None:
    assert found(files_of(era)).config_size == config


class TestVersion:
    """Whatever says it is named."""

    def test_the_root_itself(self) -> None:
        bundle = found(files_of(Era.B1), "eve-9.9.9")
        assert (bundle.version, bundle.version_from) == ("14.3.0", "etc/eve-release in its ISO")
        assert (bundle.hv, bundle.platform) == ("kvm", "generic")

    def test_the_address_in_the_script_of_a_release(self) -> None:
        script = b"set url https://github.com/lf-edge/eve/releases/download/13.3.0/amd64.\n"
        bundle = found(files_of(Era.A) | {"ipxe.efi.cfg": script})
        assert (bundle.version, bundle.version_from) == ("13.3.0", "the address in its ipxe.efi.cfg")

    def test_a_name_and_the_first_that_says_it(self) -> None:
        bundle = found(files_of(Era.B2), "installer.tar", "17.3.0-rt-kvm-amd64.tar", "eve-1.2.3")
        assert (bundle.version, bundle.version_from) == ("17.3.0", "a name")
        assert (bundle.hv, bundle.platform) == ("kvm", "rt")

    def test_nothing(self) -> None:
        bundle = found(files_of(Era.B2))
        assert (bundle.version, bundle.version_from) == ("", "")
        assert any("version is not known" in note for note in bundle.notes)

    def test_a_name_given_later(self) -> None:
        bundle = named(found(files_of(Era.B2)), "eve-17.3.0")
        assert (bundle.name, bundle.version, bundle.version_from) == ("eve-17.3.0", "17.3.0", "its name")
        assert bundle.notes == ()


class TestArchitecture:
    @pytest.mark.parametrize(
        ("kernel", "arch"),
        [
            (X86_KERNEL, "amd64"),
            (ARM_KERNEL, "arm64"),
            (gzip.compress(ARM_KERNEL), "arm64"),
            (bytes(48) + b"RISCV\0\0\0RSC\x05", "riscv64"),
            (b"", ""),
            (b"\x1f\x8b" + bytes(100), ""),
            (b"no kernel", ""),
        ],
    )
    def test_a_kernel_says_it_by_its_boot_protocol(self, kernel: bytes, arch: str) -> None:
        assert found(files_of(Era.A) | {"kernel": kernel}).arch == arch

    def test_the_boot_program_says_it(self) -> None:
        files = files_of(Era.B2)
        files["EFI/BOOT/BOOTAA64.EFI"] = files.pop("EFI/BOOT/BOOTX64.EFI")
        assert found(files).arch == "arm64"

    def test_else_the_kernel_in_the_iso(self) -> None:
        image = iso(Era.B2, more=(("boot/kernel", ARM_KERNEL),), less=("EFI/BOOT/BOOTX64.EFI",))
        assert found({"installer.iso": image}).arch == "arm64"


@pytest.mark.parametrize("missing", [name for name in CLASSIC if name not in ("kernel", "initrd.bits")])
def test_an_incomplete_first_era_is_refused_by_name(missing: str) -> None:
    files = files_of(Era.A)
    del files[missing]
    with pytest.raises(ImportFault, match=f"there is no {missing}"):
        found(files)


def test_anything_else_is_refused() -> None:
    assert not looks_like_eve(["kernel", "initrd.img"])
    with pytest.raises(ImportFault, match="no EVE network installer"):
        found({"kernel": b"", "initrd.img": b""})


def test_a_directory_is_read_in_small_pieces_and_never_through_a_link(tmp_path: Path) -> None:
    put(tmp_path, files_of(Era.B3))
    (tmp_path / "link").symlink_to("installer.iso")
    read = directory_content(tmp_path, files_of(Era.B3))
    assert detect(read).era is Era.B3
    assert read.read("ipxe.efi", 3, 100) == b"iPXE"
    with pytest.raises(OSError, match="link"):
        read.read("link", 0, 1)
