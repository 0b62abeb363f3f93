"""Volume descriptors and directory records, field by field."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.wire.errors import WireError
from netbootd.wire.iso9660_records import BAD_RECORD, SECTOR, Record, records, volume_of
from tests.support.iso import descriptor, directory, record

FILE = (
    b"\x2a"  # length of the record
    b"\x00"  # length of extended attributes
    b"\x1e\x00\x00\x00\x00\x00\x00\x1e"  # block, in both byte orders
    b"\x05\x00\x00\x00\x00\x00\x00\x05"  # size
    b"\x7e\x0b\x15\x0c\x00\x00\x00"  # 2026-11-21 12:00
    b"\x00"  # flags: a file
    b"\x00\x00"  # not interleaved
    b"\x01\x00\x00\x01"  # volume
    b"\x04A.;1"
    b"\x00"  # a name of even length is padded
    b"XX\x04\x01"  # system use
)


def test_a_record_is_a_place_a_size_a_name_and_a_system_use_area() -> None:
    assert list(records(FILE)) == [Record(b"A.;1", 30, 5, 0, b"XX\x04\x01")]


def test_a_name_of_odd_length_is_not_padded() -> None:
    (found,) = records(record(b"AB.;1", 30, 5, system_use=b"XX\x04\x01"))
    assert (found.name, found.system_use) == (b"AB.;1", b"XX\x04\x01")


def test_the_first_two_records_are_the_directory_and_its_parent() -> None:
    assert [each.is_self_or_parent for each in records(directory(FILE))] == [True, True, False]


def test_flags_tell_directories_associated_files_and_sections() -> None:
    directory_, associated, section = (Record(b"A", 0, 0, flags) for flags in (2, 4, 0x80))
    assert (directory_.is_directory, associated.associated, section.more_sections) == (True, True, True)
    assert not any((section.is_directory, directory_.associated, associated.more_sections))


def test_a_record_longer_than_what_is_left_is_an_error() -> None:
    with pytest.raises(WireError) as caught:
        list(records(FILE[:-1]))
    assert caught.value.reason == BAD_RECORD


def test_a_volume_has_one_primary_descriptor_and_maybe_one_for_joliet() -> None:
    primary, joliet = descriptor(label=b"EVEISO"), descriptor(2, escape=b"%/E")
    volume = volume_of([primary, descriptor(2, escape=b"%/X"), joliet, descriptor(label=b"SECOND")])
    assert volume is not None
    assert (volume.label, volume.block_size, volume.descriptors) == ("EVEISO", SECTOR, 4)
    assert volume.joliet is not None
    assert volume_of([joliet]) is None


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"README.;1", "readme"),
        (b"GRUB.CFG;1", "grub.cfg"),
        (b"GRUB.CFG;12", "grub.cfg"),
        (b"BOOT", "boot"),
        (b"TWO.DOTS.X;1", "two.dots.x"),
        (b"\xff.;1", r"\xff"),
    ],
)
def test_plain_names_lose_their_version_and_their_capitals(written: bytes, shown: str) -> None:
    assert Record(written, 0, 0).plain_name() == shown


def test_joliet_names_keep_their_capitals_and_lose_their_version() -> None:
    assert Record("Größe.img;1".encode("utf-16-be"), 0, 0).joliet_name() == "Größe.img"
    assert Record(b"\0A\0", 0, 0).joliet_name() == r"A\x00"


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_parse_or_raise_wire_error(data: bytes) -> None:
    with suppress(WireError):
        for each in records(data):
            assert each.plain_name() is not None
            assert each.joliet_name() is not None
    with suppress(WireError):
        volume_of([b"\1CD001\1".ljust(40) + data.ljust(SECTOR)])
