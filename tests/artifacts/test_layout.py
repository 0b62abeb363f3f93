"""Where the files of a source belong in a bundle."""

from __future__ import annotations

import pytest

from netbootd.artifacts.faults import ImportFault
from netbootd.artifacts.layout import arranged
from netbootd.payloads.eve.bundle import Era
from tests.support.eve_bundles import files_of


def test_a_bundle_lies_as_it_is() -> None:
    paths = list(files_of(Era.B2))
    assert arranged(paths).places == {path: path for path in paths}


def test_netbootd_s_own_file_and_sums_are_no_part_of_it() -> None:
    paths = [*files_of(Era.A), "bundle.json", "sha256sums"]
    assert set(arranged(paths).places) == set(files_of(Era.A))


def test_one_directory_around_it_is_taken_away() -> None:
    layout = arranged([f"installer.net/{path}" for path in files_of(Era.B3)] + ["installer.net/bundle.json"])
    assert layout.places == {path: f"installer.net/{path}" for path in files_of(Era.B3)}


def test_release_assets_lose_what_stands_before_their_names() -> None:
    paths = ["amd64.kernel", "amd64.initrd.img", "amd64.initrd.bits", "amd64.ipxe.efi.cfg", "amd64.ipxe.efi.ip.cfg"]
    layout = arranged(paths)
    assert layout.places == {path.removeprefix("amd64."): path for path in paths[:-1]}
    assert layout.left_out == ("amd64.ipxe.efi.ip.cfg",)


def test_newer_assets_have_more_before_their_names() -> None:
    layout = arranged(["amd64.kvm.generic.installer.iso", "amd64.kvm.generic.sizes", "amd64.kvm.generic.sha256sums"])
    assert layout.places == {"installer.iso": "amd64.kvm.generic.installer.iso"}
    assert layout.left_out == ("amd64.kvm.generic.sizes",)


def test_assets_of_two_releases_are_not_mixed() -> None:
    with pytest.raises(ImportFault, match=r"several releases: amd64\.kvm\.generic\., arm64\.kvm\.generic\.;"):
        arranged(["amd64.kvm.generic.installer.iso", "arm64.kvm.generic.installer.iso"])


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ([], "but nothing at all"),
        (["rootfs.img"], "but rootfs.img"),
        (["a/installer.iso", "b/kernel"], "but a/installer.iso, b/kernel"),
        ([f"f{n}" for n in range(9)], "but f0, f1, f2, f3, f4, f5 and 3 more"),
    ],
)
def test_anything_else_is_no_bundle_and_what_it_is_is_said(paths: list[str], said: str) -> None:
    with pytest.raises(ImportFault, match="no EVE network installer") as refused:
        arranged(paths)
    assert str(refused.value).endswith(said)
