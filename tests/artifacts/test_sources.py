"""What can be imported, and how it is told what a source is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
from hashlib import sha256
from pathlib import Path

import pytest

from netbootd.artifacts import sources
from netbootd.artifacts.faults import ImportFault
from netbootd.artifacts.sources import opened
from netbootd.payloads.eve.bundle import Era
from tests.support.eve_bundles import files_of, iso, net_tar, put, tar_of

CLASSIC = files_of(Era.A)


def read(source: object, stdin: bytes = b"") -> dict[str, bytes]:
    with opened(str(source), io.BytesIO(stdin), lambda _count: None) as found:
        return {entry.path.removeprefix("./"): b"".join(entry.chunks) for entry in found.entries}


def test_a_tar_from_a_file_or_from_standard_input(tmp_path: Path) -> None:
    put(tmp_path, {"eve.tar": net_tar(Era.B2)})
    assert read(tmp_path / "eve.tar") == read("-", net_tar(Era.B2)) == files_of(Era.B2)


def test_a_compressed_tar(tmp_path: Path) -> None:
    put(tmp_path, {"eve.tgz": gzip.compress(net_tar(Era.A))})
    assert read(tmp_path / "eve.tgz") == CLASSIC


def test_an_iso_is_one_file_wherever_it_comes_from(tmp_path: Path) -> None:
    put(tmp_path, {"whatever": iso(Era.B3)})
    assert read(tmp_path / "whatever") == read("-", iso(Era.B3)) == {"installer.iso": iso(Era.B3)}


def test_a_directory(tmp_path: Path) -> None:
    assert read(put(tmp_path, files_of(Era.B1))) == files_of(Era.B1)


def test_a_named_pipe_is_read_as_standard_input_is(tmp_path: Path) -> None:
    """``netbootd import <(docker run ...)``"""
    here, there = os.pipe()
    with os.fdopen(there, "wb") as writer:
        writer.write(tar_of({"a": b"1"}))
    try:
        assert read(f"/dev/fd/{here}") == {"a": b"1"}
    finally:
        os.close(here)


def test_every_byte_is_counted_and_the_size_is_known_before(tmp_path: Path) -> None:
    put(tmp_path, {"eve.tar": net_tar(Era.A)})
    put(tmp_path / "eve", CLASSIC)
    for source in ("eve.tar", "eve"):
        counted: list[int] = []
        with opened(str(tmp_path / source), io.BytesIO(), counted.append) as found:
            for entry in found.entries:
                b"".join(entry.chunks)
            assert sum(counted) == found.size


def test_sums_beside_a_file_make_it_be_hashed_as_it_is_read(tmp_path: Path) -> None:
    data = net_tar(Era.A)
    put(tmp_path, {"eve.tar": data, "sha256sums": f"{sha256(data).hexdigest()}  eve.tar\n".encode()})
    with opened(str(tmp_path / "eve.tar"), io.BytesIO(), lambda _count: None) as found:
        for entry in found.entries:
            b"".join(entry.chunks)
        assert found.whole is not None
        assert found.sums.verify(found.whole()) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (lzma.compress(b"x"), r"compressed \(xz\)"),
        (bz2.compress(b"x"), r"compressed \(bzip2\)"),
        (b"\x28\xb5\x2f\xfd0000", r"compressed \(zstd\)"),
        (gzip.compress(net_tar(Era.A))[:100], "damaged or was cut off"),
        (gzip.compress(b"x")[:9] + b"yyyyyyyyy", "damaged or was cut off"),
        (b"Unable to find image 'lfedge/eve:99' locally\n", "no tar and no ISO"),
    ],
    ids=["nothing", "xz", "bzip2", "zstd", "gzip-cut-off", "gzip-damaged", "docker's-complaint"],  # gzip holds the time
)
def test_what_is_nothing_of_the_kind_is_said_to_be_so(data: bytes, said: str) -> None:
    with pytest.raises(ImportFault, match=said):
        read("-", data)


def test_what_is_not_there_or_is_no_file_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(ImportFault, match="No such file"):
        read(tmp_path / "none")
    with pytest.raises(ImportFault, match="neither a file nor a directory"):
        read("/dev/null")


def test_a_link_in_a_directory_is_not_followed(tmp_path: Path) -> None:
    """An archive that somebody unpacked may have brought it."""
    put(tmp_path, CLASSIC)
    (tmp_path / "more").symlink_to("/etc/shadow")
    with pytest.raises(ImportFault, match="more is a symbolic link"):
        read(tmp_path)


def test_a_named_pipe_in_a_directory_is_not_waited_for(tmp_path: Path) -> None:
    put(tmp_path, CLASSIC)
    os.mkfifo(tmp_path / "more")
    with pytest.raises(ImportFault, match="more is no file"):
        read(tmp_path)


def test_a_directory_that_is_something_else_is_not_read_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MOST_MEMBERS", 5)
    put(tmp_path, {f"{n}/x": b"" for n in range(6)})
    with pytest.raises(ImportFault, match="holds more than 5 files"):
        read(tmp_path)
