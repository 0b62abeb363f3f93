"""Reading where the files of an ISO 9660 image lie: from real images, and from those that lie."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netbootd.wire import iso9660, iso9660_records
from netbootd.wire.errors import WireError
from netbootd.wire.file_names import BAD_NAME
from netbootd.wire.iso9660 import File, Image, Limits, Read, Run, contents, read_image
from netbootd.wire.iso9660_records import Names
from netbootd.wire.segments import Extent, Segments
from tests.support.iso import (
    ROOT,
    SECTOR,
    SUSP,
    by_hand,
    child,
    descriptor,
    directory,
    entry,
    mode,
    name,
    record,
    xorriso,
)

USUAL = Limits()
LONG = "a-long-" + "n" * 180 + ".name"
DEEP = "one/two/three/four/five/six/seven/eight/nine/ten"
TREE = {
    "EFI/BOOT/grub.cfg": b"set timeout=5\n",
    "boot/kernel": Random(1).randbytes(100_000),
    "boot/.uuid": b"3f2a",
    "rootfs_installer.img": b"hsqs" + bytes(70_000),
    "config.img": Random(2).randbytes(1 << 20),
    LONG: b"long",
    f"{DEEP}/Deep File.TXT": b"deep",
    "zürich.pem": b"umlaut",
    "empty": b"",
}


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("iso") / "tree"
    for path, data in TREE.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    (root / "link").symlink_to("boot/kernel")
    return root


@pytest.fixture(scope="session")
def rock_ridge(tree: Path) -> bytes:
    return xorriso(tree, "-V", "EVEISO", "-R", "-J", "-joliet-long")


def reader(image: bytes) -> Read:
    return lambda offset, length: image[offset : offset + length]


def read(image: bytes, limits: Limits = USUAL) -> Image:
    return read_image(reader(image), len(image), limits)


def extracted(image: bytes) -> dict[str, bytes]:
    return {file.path: contents(reader(image), file, 1 << 30) for file in read(image).files}


def paths(image: bytes) -> list[str]:
    return [file.path for file in read(image).files]


def reason(image: bytes, limits: Limits = USUAL) -> str:
    with pytest.raises(WireError) as caught:
        read(image, limits)
    return caught.value.reason


def rooted(*entries: bytes, own: bytes = b"", **sectors: bytes) -> bytes:
    """An image by hand with these entries in its root; ``sN=`` is what sector N holds."""
    return by_hand({ROOT: directory(*entries, own=own), **{int(at[1:]): data for at, data in sectors.items()}})


# real images


def test_every_file_of_an_image_with_rock_ridge_is_found_under_its_own_name(rock_ridge: bytes) -> None:
    assert read(rock_ridge).names is Names.ROCK_RIDGE
    assert extracted(rock_ridge) == TREE


def test_the_label_is_that_of_the_primary_volume(rock_ridge: bytes) -> None:
    assert read(rock_ridge).label == "EVEISO"


def test_without_rock_ridge_the_names_are_those_of_joliet(tree: Path) -> None:
    image = xorriso(tree, "--norock", "-J", "-joliet-long")
    assert read(image).names is Names.JOLIET
    assert {path: data for path, data in extracted(image).items() if not path.startswith("a-long")} == {
        path: data for path, data in TREE.items() if path != LONG
    }


@pytest.mark.parametrize("level", [1, 2, 3])
def test_plain_names_are_shown_as_linux_shows_them(tree: Path, level: int) -> None:
    image = xorriso(tree, "--norock", "-iso-level", str(level))
    found = extracted(image)
    assert read(image).names is Names.PLAIN
    assert found["efi/boot/grub.cfg"] == TREE["EFI/BOOT/grub.cfg"]
    assert found["boot/kernel"] == TREE["boot/kernel"]
    assert found["empty"] == b""
    assert len(found) == len(TREE)


def test_two_names_of_one_file_share_its_extent(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t/one").write_bytes(b"the same")
    (tmp_path / "t/two").hardlink_to(tmp_path / "t/one")
    one, two = read(xorriso(tmp_path / "t", "-R")).files
    assert one.runs == two.runs


def test_an_image_may_be_read_from_a_file_that_is_longer_than_it(rock_ridge: bytes) -> None:
    assert read(rock_ridge + b"appended partition") == read(rock_ridge)


def test_a_file_is_found_by_its_path(rock_ridge: bytes) -> None:
    image = read(rock_ridge)
    assert all(found is not None and found.path == path for path in TREE for found in [image.find(path)])
    assert [image.find(path) for path in ("", "boot", "boot/kernel ", "BOOT/KERNEL", "zzz", "/boot/kernel")] == [
        None
    ] * 6


def test_config_img_can_be_replaced_in_the_stream_of_the_image(rock_ridge: bytes) -> None:
    """The bytes are those of an image with another config.img at that place."""
    (run,) = _found(rock_ridge, "config.img").runs
    new = Random(3).randbytes(run.length)
    stream = Segments.of(Extent("iso", 0, len(rock_ridge)))
    replaced = stream.replace(run.offset, run.offset + run.length, Segments.of(new))
    image = replaced.joined(lambda extent: rock_ridge[extent.offset : extent.offset + extent.length])
    assert extracted(image) == TREE | {"config.img": new}


def test_the_content_of_a_file_is_extents_of_the_image(rock_ridge: bytes) -> None:
    file = _found(rock_ridge, "boot/kernel")
    assert file.content("iso").pieces == (Extent("iso", file.runs[0].offset, 100_000),)


def _found(image: bytes, path: str) -> File:
    found = read(image).find(path)
    assert found is not None
    return found


# images by hand: the parts of the format that real ones rarely have


def test_the_sections_of_a_big_file_are_one_run_when_they_follow_each_other() -> None:
    image = rooted(record(b"BIG.;1", 30, SECTOR, flags=0x80), record(b"BIG.;1", 31, 100))
    assert read(image).files == (File("big", (Run(30 * SECTOR, SECTOR + 100),)),)


def test_sections_that_lie_apart_stay_apart() -> None:
    image = rooted(
        record(b"BIG.;1", 31, SECTOR, flags=0x80), record(b"BIG.;1", 30, 100), s31=b"first" * 400, s30=b"last"
    )
    (file,) = read(image).files
    assert file.runs == (Run(31 * SECTOR, SECTOR), Run(30 * SECTOR, 100))
    assert contents(reader(image), file, 1 << 20)[SECTOR:] == b"last".ljust(100, b"\0")


@pytest.mark.parametrize("after", [(), (record(b"OTHER.;1", 31, 1),)], ids=["nothing", "another"])
def test_a_big_file_whose_last_section_is_missing_is_an_error(after: tuple[bytes, ...]) -> None:
    assert reason(rooted(record(b"BIG.;1", 30, SECTOR, flags=0x80), *after)) == iso9660.BROKEN_SECTIONS


def test_a_directory_moved_up_because_it_lay_too_deep_is_found_where_it_belongs() -> None:
    image = rooted(
        record(b"A", 30, 0, system_use=name(b"deep") + child(25)),
        record(b"RR_MOVED", 24, SECTOR, flags=2, system_use=name(b"rr_moved")),
        own=SUSP,
        s24=directory(record(b"A", 25, SECTOR, flags=2, system_use=name(b"deep") + entry(b"RE", b"")), at=24),
        s25=directory(record(b"F.;1", 31, 3, system_use=name(b"File")), at=25),
    )
    assert paths(image) == ["deep/File"]


def test_links_and_devices_are_not_files() -> None:
    image = rooted(
        record(b"LINK.;1", 30, 0, system_use=mode(0o120777) + entry(b"SL", b"\0\0\x04boot")),
        record(b"FIFO.;1", 30, 0, system_use=mode(0o010644)),
        record(b"UNSAID.;1", 30, 0, system_use=entry(b"SL", b"\0\0\x04boot")),
        record(b"FILE.;1", 30, 5, system_use=mode(0o100644)),
        own=SUSP,
    )
    assert paths(image) == ["file"]


def test_a_file_kept_compressed_by_zisofs_says_so() -> None:
    image = rooted(record(b"CONFIG.IMG;1", 30, 5, system_use=entry(b"ZF", b"pz\x04\x0f" + bytes(8))), own=SUSP)
    assert [file.compressed for file in read(image).files] == [True]


def test_the_resource_fork_of_a_macintosh_is_not_the_file() -> None:
    image = rooted(record(b"A.;1", 30, 5, flags=4), record(b"A.;1", 31, 5))
    assert read(image).files == (File("a", (Run(31 * SECTOR, 5),)),)


def test_extended_attributes_before_a_file_are_passed_over() -> None:
    with_attributes = bytearray(record(b"A.;1", 30, 5))
    with_attributes[1] = 2
    assert read(rooted(bytes(with_attributes))).files[0].runs == (Run(32 * SECTOR, 5),)


def test_blocks_may_be_smaller_than_sectors() -> None:
    root = record(b"\0", ROOT * 4, SECTOR, flags=2)
    image = by_hand({ROOT: directory(record(b"A.;1", 121, 5))}, descriptors=[descriptor(root=root, block=512)])
    assert read(image).files[0].runs == (Run(121 * 512, 5),)


def test_a_directory_goes_on_in_the_next_sector_after_zeros() -> None:
    first = directory(record(b"A.;1", 30, 1))
    root = record(b"\0", ROOT, 2 * SECTOR, flags=2)
    image = by_hand({ROOT: first + record(b"B.;1", 31, 1)}, descriptors=[descriptor(root=root)])
    assert paths(image) == ["a", "b"]


def test_joliet_names_are_unicode() -> None:
    joliet = descriptor(2, root=record(b"\0", 24, SECTOR, flags=2), escape=b"%/E")
    image = by_hand(
        {
            ROOT: directory(record(b"X.;1", 30, 1)),
            24: directory(record("Größe.img;1".encode("utf-16-be"), 30, 1), at=24),
        },
        descriptors=[descriptor(), joliet],
    )
    assert paths(image) == ["Größe.img"]


def test_a_name_in_no_known_encoding_is_still_one_to_be_printed() -> None:
    assert paths(rooted(record(b"A.;1", 30, 1, system_use=name(b"Z\xfcrich")), own=SUSP)) == [r"Z\xfcrich"]
    assert read(by_hand({ROOT: directory()}, descriptors=[descriptor(label=b"\x1b[2J\xff")])).label == r"?[2J\xff"


# images that lie


@pytest.mark.parametrize("image", [b"", b"\x1f\x8b", bytes(100_000), by_hand({}, descriptors=[])], ids=len)
def test_what_has_no_primary_volume_is_no_image(image: bytes) -> None:
    assert reason(image) == iso9660.NOT_AN_ISO


@pytest.mark.parametrize(
    ("block", "size"),
    [(39, SECTOR + 1), (40, 1), (0, 41 * SECTOR), (0xFFFF_FFFF, 0xFFFF_FFFF), (30, 0xFFFF_FFFF)],
)
def test_an_extent_beyond_the_image_is_an_error_for_files_and_directories(block: int, size: int) -> None:
    assert reason(rooted(record(b"A.;1", block, size))) == iso9660.OUTSIDE
    assert reason(rooted(record(b"A", block, size, flags=2))) == iso9660.OUTSIDE


def test_a_truncated_image_is_an_error(rock_ridge: bytes) -> None:
    assert reason(rock_ridge[: len(rock_ridge) // 2]) == iso9660.OUTSIDE


def test_an_image_shorter_than_it_was_said_to_be_is_an_error() -> None:
    image = rooted(record(b"A.;1", 30, 5))
    with pytest.raises(WireError) as caught:
        read_image(reader(image[: ROOT * SECTOR + 100]), len(image))
    assert caught.value.reason == iso9660.TRUNCATED
    with pytest.raises(WireError) as caught:
        contents(reader(image[: 30 * SECTOR]), read(image).files[0], 100)
    assert caught.value.reason == iso9660.TRUNCATED


def test_an_empty_file_may_lie_anywhere() -> None:
    assert read(rooted(record(b"A.;1", 0xFFFF_FFFF, 0))).files == (File("a", ()),)


@pytest.mark.parametrize("text", [b"..", b".", b"", b"a/b", b"../../etc/passwd", b"a\0b", b"a\nb", b"\x7f"])
def test_a_name_that_leads_elsewhere_is_an_error(text: bytes) -> None:
    for flags in (0, 2):
        image = rooted(record(b"A", 24, SECTOR, flags=flags, system_use=name(text)), own=SUSP, s24=directory(at=24))
        assert reason(image) == BAD_NAME


def test_a_path_without_end_is_an_error() -> None:
    def inner(at: int) -> bytes:
        return record(b"A", at, SECTOR, flags=2, system_use=name(b"n" * 200))

    sectors = {f"s{at}": directory(inner(at + 1), at=at) for at in range(ROOT + 1, 30)}
    assert reason(rooted(inner(ROOT + 1), own=SUSP, **sectors)) == BAD_NAME


@pytest.mark.parametrize("target", [ROOT, 24])
def test_a_directory_within_itself_is_an_error(target: int) -> None:
    image = rooted(record(b"A", 24, SECTOR, flags=2), s24=directory(record(b"B", target, SECTOR, flags=2), at=24))
    assert reason(image) == iso9660.LOOP


def test_a_moved_directory_that_leads_back_is_an_error() -> None:
    image = rooted(record(b"A", 30, 0, system_use=child(ROOT)), own=SUSP)
    assert reason(image) == iso9660.LOOP


def test_a_moved_directory_that_is_none_is_an_error() -> None:
    assert reason(rooted(record(b"A", 30, 0, system_use=child(30)), own=SUSP)) == iso9660.NOT_AN_ISO


@pytest.mark.parametrize(
    ("first", "second"), [((30, 3000), (31, 10)), ((30, 100), (30, 99)), ((30, 5), (ROOT, 5)), ((16, 9), (33, 9))]
)
def test_files_that_share_a_part_are_an_error(first: tuple[int, int], second: tuple[int, int]) -> None:
    """To replace one would change the other, or a directory, or the volume's own descriptor."""
    assert reason(rooted(record(b"A.;1", *first), record(b"B.;1", *second))) == iso9660.OVERLAP


def test_the_same_name_twice_is_an_error() -> None:
    assert reason(rooted(record(b"A.;1", 30, 5), record(b"a.;1", 31, 5))) == iso9660.TWICE


def test_blocks_of_no_usual_size_and_a_root_that_is_a_file_are_errors() -> None:
    for wrong in (descriptor(block=0), descriptor(block=4096), descriptor(root=record(b"\0", ROOT, SECTOR))):
        assert reason(by_hand({ROOT: directory()}, descriptors=[wrong])) == iso9660_records.BAD_DESCRIPTOR


@pytest.mark.parametrize("change", [(0, 33), (32, 0), (32, 200), (26, 1), (27, 1)], ids=str)
def test_a_record_that_cannot_be_is_an_error(change: tuple[int, int]) -> None:
    wrong = bytearray(record(b"AB.;1", 30, 5))
    wrong[change[0]] = change[1]
    assert reason(rooted(bytes(wrong))) == iso9660_records.BAD_RECORD


def test_a_record_does_not_cross_the_end_of_a_sector() -> None:
    root = record(b"\0", ROOT, 2 * SECTOR, flags=2)
    own, filler = 2 * 34, 40
    entries = [record(b"F%02d.;1" % number, 0, 0) for number in range((SECTOR - own) // filler + 1)]
    image = by_hand({ROOT: directory(*entries)}, descriptors=[descriptor(root=root)])
    assert len(directory(*entries)) > SECTOR
    assert reason(image) == iso9660_records.BAD_RECORD


def test_reading_a_big_file_as_a_small_one_is_an_error() -> None:
    image = rooted(record(b"A.;1", 30, 101))
    with pytest.raises(WireError) as caught:
        contents(reader(image), read(image).files[0], 100)
    assert caught.value.reason == iso9660.TOO_BIG


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(entries=10), iso9660.TOO_MUCH),
        (Limits(depth=5), iso9660.TOO_DEEP),
        (Limits(metadata=10_000), iso9660.TOO_MUCH),
    ],
)
def test_what_an_image_may_cost_is_limited(rock_ridge: bytes, limits: Limits, expected: str) -> None:
    assert reason(rock_ridge, limits) == expected


def test_no_more_is_read_than_the_limit_says() -> None:
    """A directory of 1 GiB in an image that is as big."""
    asked: list[int] = []
    head = by_hand({}, descriptors=[descriptor(root=record(b"\0", ROOT, 1 << 30, flags=2))])

    def zeros(offset: int, length: int) -> bytes:
        asked.append(length)
        return head[offset : offset + length].ljust(length, b"\0")

    with pytest.raises(WireError):
        read_image(zeros, 2 << 30)
    assert sum(asked) <= USUAL.metadata


# any bytes


@given(st.binary(max_size=400), st.booleans())
@settings(deadline=None)
def test_no_directory_does_anything_but_parse_or_raise_wire_error(data: bytes, susp: bool) -> None:
    content = directory(data[: SECTOR - 100], own=SUSP if susp else b"")
    with suppress(WireError):
        read(by_hand({ROOT: content}))


@given(st.data())
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
def test_no_damage_does_anything_but_parse_or_raise_wire_error(rock_ridge: bytes, data: st.DataObject) -> None:
    """Mutations of a real image, in the sectors that describe it."""
    head = 100 * SECTOR
    damage = st.tuples(
        st.integers(16 * SECTOR, head - 4), st.integers(0, 0xFFFF_FFFF).map(lambda n: struct.pack("<I", n))
    )
    image = bytearray(rock_ridge)
    for position, value in data.draw(st.lists(damage, min_size=1, max_size=20)):
        image[position : position + 4] = value
    with suppress(WireError):
        read(bytes(image))
