"""A tar as it arrives: files and directories, and one clear error for everything else."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.artifacts import tarstream
from netbootd.artifacts.faults import ImportFault
from netbootd.artifacts.tarstream import BLOCK, members
from tests.support.eve_bundles import tar_of

FILES = {"kernel": b"k" * 700, "EFI/BOOT/grub.cfg": b"menu", "empty": b"", "exact": b"e" * 512}


def read(data: bytes, at_most: int = 1 << 20) -> dict[str, bytes]:
    """All files, with reads of at most so many bytes as a pipe gives them."""
    stream = io.BytesIO(data)
    return {m.path: b"".join(m.chunks) for m in members(lambda size: stream.read(min(size, at_most)))}


def odd(kind: bytes, name: str = "odd", **fields: object) -> bytes:
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return tar_of({}, extra=[info])


def headed(kind: bytes, size: int, data: bytes = b"") -> bytes:
    """One header that says ``size``, whatever follows it."""
    info = tarfile.TarInfo("odd")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT) + data


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("at_most", [1, 100, 1 << 20])
def test_files_come_with_their_bytes_however_the_pipe_cuts_them(form: int, at_most: int) -> None:
    assert read(tar_of(FILES, prefix="", form=form), at_most) == FILES


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_read(form: int) -> None:
    files = {"d/" * 60 + "kernel": b"1", "größe": b"2"}
    assert read(tar_of(files, prefix="", form=form)) == files


def test_directories_are_passed_over() -> None:
    assert read(odd(tarfile.DIRTYPE)) == {}


def test_what_nobody_read_of_a_member_is_skipped() -> None:
    stream = io.BytesIO(tar_of(FILES, prefix=""))
    assert [member.path for member in members(stream.read)] == list(FILES)


def test_it_is_read_to_its_end_so_that_the_writer_may_finish() -> None:
    stream = io.BytesIO(tar_of(FILES) + bytes(100_000))
    assert len(list(members(stream.read))) == 4
    assert stream.read() == b""


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "a named pipe"),
        (tarfile.GNUTYPE_SPARSE, "a sparse file"),
        (b"V", "a kind that is not known"),
    ],
)
def test_only_files_and_directories_are_taken(kind: bytes, said: str) -> None:
    with pytest.raises(ImportFault, match=said):
        read(odd(kind, linkname="/etc/shadow"))


def test_a_sparse_file_in_pax_clothes_is_refused() -> None:
    info = tarfile.TarInfo("disk")
    info.pax_headers = {"GNU.sparse.major": "1"}
    with pytest.raises(ImportFault, match="sparse"):
        read(tar_of({}, extra=[info], form=tarfile.PAX_FORMAT))


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_a_tar_that_was_cut_off_is_no_tar(kept: float) -> None:
    whole = tar_of({"kernel": b"k" * 50_000, "rootfs.img": b"r" * 50_000})
    with pytest.raises(ImportFault, match="cut off"):
        read(whole[: int(len(whole) * kept)])


def test_a_cut_between_two_files_is_noticed_too() -> None:
    """Python's own reader takes it for the end."""
    one = tar_of({"kernel": b"k" * 512})[: 2 * BLOCK]
    with pytest.raises(ImportFault, match="no end mark"):
        read(one)


@pytest.mark.parametrize("data", [b"", b"x", b"not a tar " * 100])
def test_what_is_no_tar_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(ImportFault, match="no tar"):
        read(data)


def test_damage_in_the_middle_is_told_apart() -> None:
    data = bytearray(tar_of({"a": b"1", "b": b"2"}))
    data[2 * BLOCK + 10] ^= 1
    with pytest.raises(ImportFault, match="damaged"):
        read(bytes(data))


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_is_never_read_into_memory_whatever_its_size(kind: bytes) -> None:
    with pytest.raises(ImportFault, match="a header of 5368709120 bytes"):
        read(headed(kind, 5 << 30))


def test_headers_without_end_end() -> None:
    with pytest.raises(ImportFault, match="headers without end"):
        read(headed(tarfile.XGLTYPE, 0) * 50)


@pytest.mark.parametrize("record", [b"8 path=x\n", b"x", b"4 a\n", b"10 size=-1\n", b"0 a=b\n", b"12 size=1e9 \n"])
def test_a_pax_header_that_cannot_be_read_is_refused(record: bytes) -> None:
    data = record.ljust(BLOCK, b"\0")
    with pytest.raises(ImportFault, match=r"pax|lies"):
        read(headed(tarfile.XHDTYPE, len(record), data))


def test_a_size_below_nothing_is_refused() -> None:
    header = bytearray(headed(tarfile.REGTYPE, 0))
    header[124:136] = b"\xff" * 12  # base 256, -1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(ImportFault, match="lies"):
        read(bytes(header))


def test_members_without_end_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarstream, "MOST_MEMBERS", 3)
    with pytest.raises(ImportFault, match="more than 3 files"):
        read(tar_of(FILES))


def test_zeros_without_end_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarstream, "_LONGEST_PADDING", 10_000)
    with pytest.raises(ImportFault, match="goes on"):
        read(tar_of(FILES) + bytes(100_000))


@given(st.data())
def test_no_byte_makes_it_raise_anything_else(data: st.DataObject) -> None:
    archive = bytearray(tar_of(FILES, form=tarfile.PAX_FORMAT))
    for _ in range(data.draw(st.integers(1, 8))):
        archive[data.draw(st.integers(0, 6 * BLOCK))] = data.draw(st.integers(0, 255))

    def walked() -> Iterator[str]:
        with suppress(ImportFault):
            yield from read(bytes(archive))

    assert len(list(walked())) <= 5
