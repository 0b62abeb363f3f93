"""All of a bundle or nothing: stored once, immutable, addressed by its content."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from netbootd.artifacts import manifest
from netbootd.artifacts.bundles import scan
from netbootd.artifacts.faults import ImportFault
from netbootd.artifacts.importer import Imported, import_bundle, usual_name
from netbootd.artifacts.sources import opened
from netbootd.artifacts.staging import Limits
from netbootd.payloads.eve.bundle import Bundle, Era
from tests.support.eve_bundles import VERSIONS, files_of, iso, net_tar, put, tar_of

every_era = pytest.mark.parametrize("era", list(Era), ids=[era.value for era in Era])


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "var" / "artifacts"


def bring(shelf: Path, source: Path | bytes, name: str | None = None, **limits: int) -> Imported:
    """Import a file or a directory, or bytes as standard input."""
    path, stdin = (str(source), b"") if isinstance(source, Path) else ("-", source)
    with opened(path, io.BytesIO(stdin), lambda _count: None) as found:
        return import_bundle(found, shelf, name=name, imported="2026-01-02T03:04:05Z", limits=Limits(**limits))


def lying(directory: Path) -> Mapping[str, bytes]:
    """Everything below a directory but the manifest, hidden things included."""
    files = (path for path in directory.rglob("*") if path.is_file() and path.name != "bundle.json")
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


@every_era
def test_a_tar_of_each_era_becomes_a_bundle(shelf: Path, era: Era) -> None:
    done = bring(shelf, net_tar(era), f"eve-{VERSIONS[era]}")
    assert (done.bundle.era, done.bundle.version, done.already) == (era, VERSIONS[era], False)
    assert lying(shelf / done.bundle.directory) == files_of(era)
    assert lying(shelf / done.bundle.name) == files_of(era)


@every_era
def test_what_was_imported_is_what_is_found_again(shelf: Path, era: Era) -> None:
    done = bring(shelf, net_tar(era), "edge")
    assert scan(shelf).bundles["edge"] == done.bundle


def test_an_iso_alone_is_imported_under_its_usual_name(shelf: Path, tmp_path: Path) -> None:
    put(tmp_path, {"amd64.kvm.generic.installer.iso": iso(Era.B2)})
    done = bring(shelf, tmp_path / "amd64.kvm.generic.installer.iso", "eve-17.3.0")
    assert done.bundle.files == ("installer.iso",)
    assert (done.bundle.hv, done.bundle.platform) == ("kvm", "generic")


def test_the_same_is_the_same_however_it_comes_and_a_second_name_is_another_name(shelf: Path, tmp_path: Path) -> None:
    first = bring(shelf, net_tar(Era.B2), "eve-17.3.0")
    again = bring(shelf, put(tmp_path / "d", files_of(Era.B2)), "lab-eve")
    assert (again.already, again.bundle.digest) == (True, first.bundle.digest)
    assert {name: (shelf / name).readlink().as_posix() for name in ("eve-17.3.0", "lab-eve")} == {
        "eve-17.3.0": first.bundle.directory,
        "lab-eve": first.bundle.directory,
    }
    assert len([path for path in shelf.iterdir() if not path.is_symlink()]) == 1


def test_importing_twice_by_the_same_name_changes_nothing(shelf: Path) -> None:
    first = bring(shelf, net_tar(Era.A), "eve")
    before = (shelf / "eve" / "kernel").stat()
    assert bring(shelf, net_tar(Era.A), "eve") == Imported(first.bundle, True, "", (), new_name=False)
    assert (shelf / "eve" / "kernel").stat() == before


def test_a_name_is_never_taken_from_another_bundle(shelf: Path) -> None:
    bring(shelf, net_tar(Era.B1), "eve")
    before = lying(shelf)
    with pytest.raises(ImportFault, match=r"the name of another bundle.*bundles remove eve"):
        bring(shelf, net_tar(Era.B2), "eve")
    assert lying(shelf) == before


def test_a_directory_made_by_hand_keeps_its_name(shelf: Path) -> None:
    put(shelf / "eve", {"kernel": b""})
    with pytest.raises(ImportFault, match="exists already"):
        bring(shelf, net_tar(Era.A), "eve")


def test_without_a_name_it_is_called_after_its_version(shelf: Path, tmp_path: Path) -> None:
    put(tmp_path, {"eve-13.3.0-amd64.tar": net_tar(Era.A), "other-13.3.0.tar": tar_of(files_of(Era.A, ipxe=False))})
    assert bring(shelf, tmp_path / "eve-13.3.0-amd64.tar").bundle.name == "eve-13.3.0"
    other = bring(shelf, tmp_path / "other-13.3.0.tar").bundle
    assert other.name == f"eve-13.3.0-{other.digest[:8]}"


@pytest.mark.parametrize(
    ("bundle", "name"),
    [
        (Bundle("", "", "", Era.B2, "amd64", "17.3.0", hv="kvm", platform="generic"), "eve-17.3.0"),
        (Bundle("", "", "", Era.B2, "arm64", "17.3.0", hv="k", platform="nvidia-jp6"), "eve-17.3.0-nvidia-jp6-k-arm64"),
        (Bundle("", "0123456789abcdef", "", Era.B2), "eve-0123456789ab"),
    ],
)
def test_the_usual_name_says_what_is_unusual(bundle: Bundle, name: str) -> None:
    assert usual_name(bundle) == name


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "-x", "a b", "x" * 65, "sha256-0", "ä"])
def test_a_name_that_is_none_is_refused(shelf: Path, name: str) -> None:
    with pytest.raises(ImportFault, match="is no name for a bundle"):
        bring(shelf, net_tar(Era.A), name)
    assert lying(shelf) == {}


def test_everybody_may_read_it_and_nobody_write_whatever_the_umask(shelf: Path) -> None:
    before = os.umask(0o077)
    try:
        done = bring(shelf, net_tar(Era.B2), "eve")
    finally:
        os.umask(before)
    for path in (shelf / done.bundle.directory).rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o444)


class TestSums:
    def test_a_release_asset_is_held_against_those_beside_it(self, shelf: Path, tmp_path: Path) -> None:
        asset, data = "amd64.kvm.generic.installer-net.tar", net_tar(Era.B2)
        put(tmp_path, {asset: data, "amd64.kvm.generic.sha256sums": f"{sha256(data).hexdigest()}  {asset}\n".encode()})
        done = bring(shelf, tmp_path / asset)
        assert done.verified == "amd64.kvm.generic.sha256sums"
        assert manifest.read(shelf / done.bundle.directory / "bundle.json").verified == done.verified

    def test_one_that_differs_is_not_imported(self, shelf: Path, tmp_path: Path) -> None:
        put(tmp_path, {"eve.tar": net_tar(Era.A), "sha256sums": f"{'0' * 64}  eve.tar\n".encode()})
        with pytest.raises(ImportFault, match=r"eve\.tar is not the file that sha256sums describes"):
            bring(shelf, tmp_path / "eve.tar")
        assert list(shelf.iterdir()) == []

    def test_files_of_an_old_release_are_held_against_them_one_by_one(self, shelf: Path, tmp_path: Path) -> None:
        assets = {f"amd64.{name}": data for name, data in files_of(Era.A).items()}
        sums = "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in assets.items())
        put(tmp_path / "13.3.0", {**assets, "amd64.sha256sums": sums.encode(), "amd64.collected_sources.tar.gz": b""})
        done = bring(shelf, tmp_path / "13.3.0")
        assert (done.bundle.name, done.verified) == ("eve-13.3.0", "amd64.sha256sums")
        assert done.left_out == ("amd64.collected_sources.tar.gz",)
        put(tmp_path / "13.3.0", {"amd64.rootfs.img": b"other"})
        with pytest.raises(ImportFault, match=r"amd64\.rootfs\.img is not the file"):
            bring(shelf, tmp_path / "13.3.0")

    def test_what_they_do_not_list_was_not_verified(self, shelf: Path, tmp_path: Path) -> None:
        """Names inside a tar are not those of the files beside it."""
        put(tmp_path, {"eve.tar": net_tar(Era.A), "sha256sums": f"{'0' * 64}  kernel\n".encode()})
        assert bring(shelf, tmp_path / "eve.tar").verified == ""


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


HOSTILE = {
    "leaves upwards": tar_of(files_of(Era.A), extra=[entry("../../../evil")]),
    "leaves in the middle": tar_of(files_of(Era.A), extra=[entry("a/../../evil")]),
    "absolute": tar_of(files_of(Era.A), extra=[entry("/tmp/evil")], prefix=""),
    "symbolic link": tar_of(files_of(Era.A), extra=[entry("evil", tarfile.SYMTYPE, "/etc/shadow")]),
    "hard link": tar_of(files_of(Era.A), extra=[entry("evil", tarfile.LNKTYPE, "kernel")]),
    "device": tar_of(files_of(Era.A), extra=[entry("evil", tarfile.BLKTYPE)]),
    "pipe": tar_of(files_of(Era.A), extra=[entry("evil", tarfile.FIFOTYPE)]),
    "sparse": tar_of(files_of(Era.A), extra=[entry("evil", tarfile.GNUTYPE_SPARSE)]),
    "the same twice": tar_of(files_of(Era.A), extra=[entry("kernel")]),
    "file and directory": tar_of(files_of(Era.A), extra=[entry("kernel/evil")]),
    "a name for a terminal": tar_of(files_of(Era.A), extra=[entry("\x1b[2Jevil")]),
    "cut off": net_tar(Era.A)[:-10_240],
    "cut in a file": net_tar(Era.A)[:3000],
    "empty": b"",
    "no tar": b"docker: permission denied\n",
    "no EVE": tar_of({"readme": b"hello"}),
    "a lying ISO": tar_of({"installer.iso": iso(Era.B2)[:60_000]}),
    "no ISO": tar_of({"installer.iso": bytes(100_000)}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_or_broken_leaves_nothing_behind(shelf: Path, tmp_path: Path, name: str) -> None:
    put(tmp_path, {"before": b""})
    with pytest.raises(ImportFault):
        bring(shelf, HOSTILE[name], "eve")
    assert list(shelf.iterdir()) == []
    assert lying(tmp_path) == {"before": b""}


def test_a_bomb_is_stopped(shelf: Path) -> None:
    with pytest.raises(ImportFault, match="more than 0 GiB"):
        bring(shelf, net_tar(Era.B2), "eve", size=100_000)
    with pytest.raises(ImportFault, match="more than 3 files"):
        bring(shelf, net_tar(Era.B2), "eve", files=3)
    assert list(shelf.iterdir()) == []


def test_what_has_no_room_is_not_begun(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"eve.tar": net_tar(Era.A)})
    monkeypatch.setattr("shutil.disk_usage", lambda _path: _Usage())
    with pytest.raises(ImportFault, match="MiB free"):
        bring(shelf, tmp_path / "eve.tar")


class _Usage:
    free = 1000


def test_a_bundle_that_was_damaged_since_is_put_there_anew(shelf: Path) -> None:
    first = bring(shelf, net_tar(Era.A), "eve")
    (shelf / "eve" / "rootfs.img").unlink()
    again = bring(shelf, net_tar(Era.A), "eve")
    assert again == Imported(first.bundle, False, "", (), new_name=False)
    assert lying(shelf / "eve") == files_of(Era.A)


def test_one_whose_manifest_was_damaged_too(shelf: Path) -> None:
    bring(shelf, net_tar(Era.A), "eve")
    path = (shelf / "eve").resolve() / "bundle.json"
    path.unlink()
    path.write_text("{")
    assert not bring(shelf, net_tar(Era.A), "eve").already
    assert scan(shelf).notes == ()


def test_a_bundle_of_another_netbootd_is_the_same_bundle_here(shelf: Path, tmp_path: Path) -> None:
    first = bring(shelf, net_tar(Era.B3), "eve")
    other = bring(tmp_path / "other", shelf / first.bundle.directory, "eve")
    assert other.bundle == first.bundle
