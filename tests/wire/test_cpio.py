"""newc archives: what Linux unpacks, written around contents that are never held, and read back."""

from __future__ import annotations

import gzip
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.wire.cpio import (
    DIRECTORY,
    FILE,
    MAX_SIZE,
    NOT_NEWC,
    PROGRAM,
    TRUNCATED,
    Entry,
    TooLong,
    archive,
    members,
)
from netbootd.wire.errors import WireError
from netbootd.wire.segments import Extent, Segments
from tests.support.tools import need

CONFIG = b"controller.example\n"
NODE = archive(
    [Entry("init", Segments.of(b"#!/bin/sh\n"), PROGRAM), Entry("media/root-rw/config.img", Segments.of(CONFIG))]
)


def test_an_entry_is_a_header_in_hexadecimal_its_name_and_its_content_each_padded_to_4() -> None:
    assert archive([Entry("server", Segments.of(b"ctl"))]).joined() == (
        b"070701"
        b"00000001"  # inode
        b"000081A4"  # mode: regular file, 0644
        b"00000000"  # owner
        b"00000000"  # group
        b"00000001"  # links
        b"00000000"  # time: always the epoch
        b"00000003"  # size
        b"0000000000000000"  # the device it lies on
        b"0000000000000000"  # the device it is
        b"00000007"  # length of the name with its NUL
        b"00000000"  # checksum: only with 070702
        b"server\0\0\0\0"
        b"ctl\0"
    ) + (
        b"070701" + b"00000000" * 4 + b"00000001" + b"00000000" * 6 + b"0000000B" + b"00000000" + b"TRAILER!!!\0"
    ).ljust(512 - 124, b"\0")


def test_directories_come_before_what_is_in_them_and_once() -> None:
    made = archive([Entry("a/b/c"), Entry("a/b/d"), Entry("a/e"), Entry("f", mode=DIRECTORY), Entry("f/g")])
    assert [(each.name, each.mode) for each in members(made.joined())] == [
        ("a", DIRECTORY),
        ("a/b", DIRECTORY),
        ("a/b/c", FILE),
        ("a/b/d", FILE),
        ("a/e", FILE),
        ("f", DIRECTORY),
        ("f/g", FILE),
    ]


def test_a_content_of_gigabytes_is_referred_to_and_not_read() -> None:
    payload = Extent("iso", 2048, 3 << 30)
    made = archive([Entry("rootfs_installer.img", Segments.of(payload)), Entry("config.img", Segments.of(CONFIG))])
    assert [piece for piece in made.pieces if isinstance(piece, Extent)] == [payload]
    assert made.length == (3 << 30) + 512


def test_an_archive_ends_at_a_multiple_of_512_so_that_another_may_follow() -> None:
    assert NODE.length % 512 == 0
    both = NODE + archive([Entry("late")])
    assert [each.name for each in members(both.joined())] == [
        "init",
        "media",
        "media/root-rw",
        "media/root-rw/config.img",
        "late",
    ]


def test_the_same_entries_are_the_same_bytes() -> None:
    entries = [Entry("a/b", Segments.of(b"1")), Entry("c", Segments.of(b"2"))]
    assert archive(entries).joined() == archive(iter(entries)).joined()


def test_a_file_newc_has_no_digits_for_is_refused() -> None:
    archive([Entry("big", Segments.of(Extent("iso", 0, MAX_SIZE)))])
    with pytest.raises(TooLong, match="big has 4294967296 bytes"):
        archive([Entry("big", Segments.of(Extent("iso", 0, MAX_SIZE + 1)))])


@pytest.mark.parametrize("name", ["", "/init", "a//b", "a/", "a\0b"])
def test_a_name_that_is_none_is_our_own_mistake(name: str) -> None:
    with pytest.raises(AssertionError):
        archive([Entry(name)])


@pytest.mark.parametrize("unpack", [["cpio", "-idm", "--quiet"], ["busybox", "cpio", "-idm"]], ids=["GNU", "busybox"])
def test_other_programs_unpack_it(unpack: list[str], tmp_path: Path) -> None:
    need(unpack[0])
    subprocess.run(unpack, input=NODE.joined(), cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "media/root-rw/config.img").read_bytes() == CONFIG
    assert (tmp_path / "media/root-rw").stat().st_mode == DIRECTORY
    assert (tmp_path / "init").stat().st_mode == PROGRAM
    assert (tmp_path / "init").stat().st_mtime == 0


@pytest.mark.parametrize("form", ["newc", "crc"])
def test_what_gnu_cpio_wrote_is_read(form: str, tmp_path: Path) -> None:
    need("cpio")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("node-7")
    (tmp_path / "ünï").write_bytes(bytes(5000))
    listing = ".\n./etc\n./etc/hostname\n./ünï".encode()
    command = ["cpio", "-o", "--quiet", f"--format={form}"]
    made = subprocess.run(command, input=listing, cwd=tmp_path, check=True, capture_output=True).stdout
    assert {each.name: bytes(each.data) for each in members(made)} == {
        ".": b"",
        "etc": b"",
        "etc/hostname": b"node-7",
        "ünï": bytes(5000),
    }


def test_what_was_read_shares_the_archive() -> None:
    data = NODE.joined()
    assert all(each.data.obj is data for each in members(data))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", TRUNCATED),
        (bytes(1000), TRUNCATED),
        (NODE.joined()[:100], NOT_NEWC),
        (NODE.joined()[:115], TRUNCATED),
        (NODE.joined()[:-512], TRUNCATED),
        (gzip.compress(NODE.joined(), mtime=0), NOT_NEWC),
        (NODE.joined() + b"\x1f\x8b", NOT_NEWC),
        (NODE.joined().replace(b"0000000A", b"-0000001"), NOT_NEWC),
        (NODE.joined().replace(b"0000000A", b"FFFFFFFF"), TRUNCATED),
        (NODE.joined().replace(b"init\0", b"init!"), NOT_NEWC),
        (NODE.joined().replace(b"init\0", b"in\0t\0"), NOT_NEWC),
        (b"070707" + bytes(200), NOT_NEWC),
    ],
    ids=[
        "empty",
        "zeros",
        "half a header",
        "half a name",
        "no trailer",
        "gzip",
        "gzip after it",
        "negative",
        "too long",
        "no NUL",
        "two NULs",
        "old",
    ],
)
def test_what_is_no_archive_or_only_the_beginning_of_one_is_an_error(data: bytes, reason: str) -> None:
    with pytest.raises(WireError) as caught:
        list(members(data))
    assert caught.value.reason == reason


def test_what_stood_before_the_fault_has_been_handed_out() -> None:
    reading = members(archive([Entry("kept")]).joined() + b"hsqs")
    assert next(reading).name == "kept"
    with pytest.raises(WireError):
        next(reading)


NAMES = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=20)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=30)), unique_by=lambda pair: pair[0], max_size=8))
def test_what_is_written_can_be_read_again(files: list[tuple[str, bytes]]) -> None:
    files = [(name, data) for name, data in files if name != "TRAILER!!!"]
    made = archive([Entry(name, Segments.of(data)) for name, data in files]).joined()
    assert [(each.name, bytes(each.data)) for each in members(made)] == files


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_parse_or_raise_wire_error(data: bytes) -> None:
    with suppress(WireError):
        list(members(b"070701" + data))
    with suppress(WireError):
        list(members(data))


@given(st.lists(st.tuples(st.integers(0, NODE.length - 1), st.sampled_from(b"0Ff7-\0")), min_size=1, max_size=6))
def test_no_damage_does_anything_but_parse_or_raise_wire_error(damage: list[tuple[int, int]]) -> None:
    data = bytearray(NODE.joined())
    for position, byte in damage:
        data[position] = byte
    with suppress(WireError):
        list(members(bytes(data)))
