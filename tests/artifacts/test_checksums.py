"""The sha256sums beside a release."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from netbootd.artifacts.checksums import is_sums, sums_in
from netbootd.artifacts.faults import ImportFault

A, B = sha256(b"a").hexdigest(), sha256(b"b").hexdigest()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sha256sums", True),
        ("amd64.kvm.generic.sha256sums", True),
        ("SHA256SUMS.txt", True),
        ("kernel", False),
        ("sha256sums/kernel", False),
    ],
)
def test_they_are_known_by_their_name(name: str, expected: bool) -> None:
    assert is_sums(name) is expected


def test_all_of_a_directory_are_read_in_the_ways_sha256sum_writes(tmp_path: Path) -> None:
    (tmp_path / "amd64.sha256sums").write_text(f"{A}  amd64.kernel\n{B} *./initrd.bits\n")
    (tmp_path / "sha256sums").write_text(f"{A.upper()}  amd64.kernel\nsomething else\n")
    sums = sums_in(tmp_path)
    assert sums.digests == {"amd64.kernel": A, "initrd.bits": B}
    assert sums.files == ("amd64.sha256sums", "sha256sums")


def test_without_any_nothing_can_be_said(tmp_path: Path) -> None:
    assert sums_in(tmp_path).verify({"kernel": A}) == 0


def test_what_is_listed_must_agree_and_what_is_not_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "sha256sums").write_text(f"{A}  kernel\n")
    sums = sums_in(tmp_path)
    assert sums.verify({"kernel": A, "other": B}) == 1
    with pytest.raises(ImportFault, match="kernel is not the file that sha256sums describes"):
        sums.verify({"kernel": B})


def test_two_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "1.sha256sums").write_text(f"{A}  kernel\n")
    (tmp_path / "2.sha256sums").write_text(f"{B}  kernel\n")
    with pytest.raises(ImportFault, match="different digests for kernel"):
        sums_in(tmp_path)


def test_an_enormous_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sha256sums").write_bytes(b"x" * (2 << 20))
    with pytest.raises(ImportFault, match="larger than 1 MiB"):
        sums_in(tmp_path)
