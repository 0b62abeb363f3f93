"""The release's own configuration: found in the ISO or in era A's archive, and never more than is asked for."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.artifacts.bundles import scan
from netbootd.artifacts.eve_config import stock_config
from netbootd.artifacts.eve_content import Content
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile
from netbootd.wire import cpio, fat
from netbootd.wire.segments import Segments
from tests.support import eve_bundles

FILES = {"server": b"stock.example\n", "DevicePortConfig/override.json": b"{}"}
IMAGE = fat.image(FILES, kib=1024).joined()


def in_iso(image: bytes, size: int | None = None) -> dict[str, bytes]:
    """What is found in an ISO with this config.img behind a sector of something else."""
    bundle = Bundle("eve", "", "eve", Era.B2, iso=(IsoFile("config.img", 2048, len(image) if size is None else size),))
    return found({"installer.iso": bytes(2048) + image}, bundle)


def in_bits(packed: bytes) -> dict[str, bytes]:
    return found({"initrd.bits": packed}, Bundle("eve", "", "eve", Era.A))


def found(files: dict[str, bytes], bundle: Bundle) -> dict[str, bytes]:
    def read(path: str, offset: int, length: int) -> bytes:
        return files[path][offset : offset + length]

    content = Content({path: len(data) for path, data in files.items()}, read)
    return {file.path: file.data for file in stock_config(content, bundle)}


def bits(name: str = "media/root-rw/config.img", image: bytes = IMAGE, behind: bytes = b"") -> bytes:
    """As EVE's container makes it: config.img, and then an image of the persistent partition."""
    entries = [cpio.Entry(name, Segments.of(image))]
    entries += [cpio.Entry("media/root-rw/persist.img", Segments.of(behind))] if behind else []
    return gzip.compress(cpio.archive(entries).joined(), 1)


def test_lies_in_one_piece_in_the_iso() -> None:
    assert in_iso(IMAGE) == FILES


@pytest.mark.parametrize("name", ["media/root-rw/config.img", "./media/root-rw/config.img", "bits/config.img"])
def test_lies_in_an_archive_of_the_older_installers(name: str) -> None:
    entry = cpio.archive([cpio.Entry(name.removeprefix("./"), Segments.of(IMAGE))]).joined()
    assert in_bits(gzip.compress(entry)) == FILES


def test_names_as_find_prints_them_are_those_meant() -> None:
    """EVE writes the archive's names with ``find .``."""
    plain = gzip.decompress(bits("a/media/root-rw/config.img"))
    assert in_bits(gzip.compress(plain.replace(b"a/media", b"./media"))) == FILES


def test_what_follows_in_the_archive_is_not_read() -> None:
    """A large persist.img, of which nothing more than the beginning has come."""
    noise = random.Random(1).randbytes(9 << 20)
    assert in_bits(bits(behind=noise)) == FILES


@pytest.mark.parametrize(
    "image", [b"", b"no image", bytes(1 << 20), IMAGE[:4096], b"\xeb" + IMAGE[1:11] + b"\xff" * 500], ids=range(5)
)
def test_an_image_that_cannot_be_read_has_none(image: bytes) -> None:
    assert in_iso(image) == {}
    assert in_bits(bits(image=image)) == {}


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"no gzip",
        gzip.compress(b"no archive"),
        bits()[:400],
        bits("media/other.img"),
        gzip.compress(bytes(64 << 20)),
    ],
    ids=range(6),
)
def test_an_archive_that_cannot_be_read_has_none(packed: bytes) -> None:
    assert in_bits(packed) == {}


def test_an_image_of_a_size_no_release_has_is_left_alone() -> None:
    assert in_iso(IMAGE, size=1 << 30) == {}


def test_an_iso_without_one_has_none() -> None:
    assert found({"installer.iso": bytes(4096)}, Bundle("eve", "", "eve", Era.B1)) == {}


def test_more_files_than_a_configuration_has_are_none() -> None:
    assert in_iso(fat.image({f"d/{number}": b"" for number in range(501)}, kib=1024).joined()) == {}


def test_no_content_makes_more_than_an_empty_answer() -> None:
    """Whatever byte is changed: files or none, nothing else."""
    chance = random.Random(7)
    for _ in range(200):
        broken = bytearray(IMAGE)
        for _ in range(4):
            broken[chance.randrange(4096 * 2)] = chance.randrange(256)
        assert len(in_iso(bytes(broken))) <= 500


def test_it_comes_with_every_bundle_that_is_found(tmp_path: Path) -> None:
    """Imported by an older netbootd or never: the manifest says nothing of it."""
    files = eve_bundles.files_of(Era.A) | {"initrd.bits": bits()}
    eve_bundles.put(tmp_path / "eve", files)
    bundle = scan(tmp_path).bundles["eve"]
    assert {file.path: file.data for file in bundle.stock} == FILES
    assert bundle == replace(bundle, stock=())
    assert "stock.example" not in repr(bundle)
