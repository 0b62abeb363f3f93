"""A node's configuration for era A: found where EVE's initramfs looks, and never taken for the squashfs."""

from __future__ import annotations

import gzip
import random

import pytest

from netbootd.boot.model import ConfigFile
from netbootd.payloads.base import CannotBoot
from netbootd.payloads.eve.config_cpio import archive, compressed
from netbootd.payloads.eve.config_partition import image
from netbootd.wire.cpio import members
from netbootd.wire.segments import Segments

MADE = image((ConfigFile("server", b"zed.example\n"),), 1 << 20)


def test_it_lays_the_image_over_the_installers() -> None:
    found = {each.name: each for each in members(gzip.decompress(archive(MADE).joined()))}

    assert list(found) == ["media", "media/root-rw", "media/root-rw/config.img"]
    assert bytes(found["media/root-rw/config.img"].data) == MADE.joined()
    assert (found["media"].mode, found["media/root-rw/config.img"].mode) == (0o040755, 0o100644)


def test_it_is_small_and_always_the_same() -> None:
    packed = archive(MADE).joined()

    assert len(packed) < 4096
    assert packed == archive(MADE).joined()
    assert packed[4:8] == bytes(4)  # the time in gzip's header
    assert packed[3] == 0  # no name


def test_letters_that_would_be_misread_are_packed_otherwise() -> None:
    """The init takes the first hsqs in all of the initrds for the squashfs."""
    data = random.Random(1).randbytes(2000) + bytes(50_000) + b"abc" * 5000
    usual = compressed(data, without=b"hsqs")
    for place in range(100, 1800, 200):
        unwanted = usual[place : place + 4]
        packed = compressed(data, without=unwanted)
        assert unwanted not in packed
        assert gzip.decompress(packed) == data


def test_letters_in_the_image_itself_do_no_harm() -> None:
    content = Segments.of(b"hsqs" * 5000, random.Random(2).randbytes(100_000), b"hsqs")
    packed = archive(content).joined()

    assert b"hsqs" not in packed
    (found,) = [each.data for each in members(gzip.decompress(packed)) if each.name.endswith("config.img")]
    assert bytes(found) == content.joined()


def test_what_cannot_be_avoided_is_refused() -> None:
    with pytest.raises(CannotBoot, match="misread"):
        compressed(b"x", without=b"\x1f\x8b")
