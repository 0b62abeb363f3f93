"""Reading FAT images: those mkfs.fat and mtools make, and those that lie."""

from __future__ import annotations

import struct
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.wire import fat_reader
from netbootd.wire.errors import WireError
from netbootd.wire.fat import image
from netbootd.wire.fat_names import checksum
from netbootd.wire.fat_reader import read_fat
from netbootd.wire.file_names import BAD_NAME
from tests.support.tools import need

FILES = {"server": b"controller.example\n", "DevicePortConfig/override.json": b"{}" * 1000, "EMPTY": b""}
MADE = image(FILES, kib=64).joined()
FAT, ROOT, DATA = 512, 512 * 3, 512 * 35
"""Where the parts of ``MADE`` begin: two tables of a sector, a root directory of 32."""


def changed(*changes: tuple[int, bytes], of: bytes = MADE) -> bytes:
    data = bytearray(of)
    for position, value in changes:
        data[position : position + len(value)] = value
    return bytes(data)


def short(alias: bytes, first: int = 0, size: int = 0, *, attributes: int = 0x20, case: int = 0) -> bytes:
    return struct.pack("<11sBB13xHI", alias, attributes, case, first, size)


def piece(number: int, total: int, text: str) -> bytes:
    units = text.encode("utf-16-le", "surrogatepass").ljust(26, b"\xff")
    return bytes((number,)) + units[:10] + bytes((15, 0, total)) + units[10:22] + b"\0\0" + units[22:]


def rooted(*entries: bytes) -> bytes:
    """``MADE`` with these entries in its root and nothing else."""
    return changed((ROOT, b"".join(entries).ljust(32 * 512, b"\0")))


def reason(data: bytes) -> str:
    with pytest.raises(WireError) as caught:
        read_fat(data)
    return caught.value.reason


# images of other programs


@pytest.mark.parametrize(
    "options",
    [
        ("-C", "1024"),
        ("-C", "5120"),
        ("-F", "12", "-C", "5120"),
        ("-F", "16", "-s", "1", "-C", "5120"),
        ("-S", "2048", "-C", "5120"),
        ("-f", "1", "-s", "1", "-r", "112", "-C", "1440"),
    ],
    ids=" ".join,
)
def test_what_mkfs_and_mtools_made_is_read(options: tuple[str, ...], tmp_path: Path) -> None:
    need("mkfs.fat", "dosfstools")
    need("mcopy", "mtools")
    files = {"server": b"ctl", "README.TXT": b"capitals", "GlobalConfig/global.json": bytes(5000), "a b/c d/é": b"1"}
    for path, data in files.items():
        (tmp_path / "in" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / path).write_bytes(data)
    made = tmp_path / "config.img"
    _run("mkfs.fat", "-n", "EVE", *options[:-2], "-C", made, options[-1])
    _run("mcopy", "-i", made, "-s", *(tmp_path / "in").iterdir(), "::/")
    _run("mdel", "-i", made, "::/README.TXT")
    volume = read_fat(made.read_bytes())
    assert volume.label == "EVE"
    assert volume.files == {path: data for path, data in files.items() if path != "README.TXT"}


def _run(*command: str | Path) -> None:
    environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    subprocess.run(list(map(str, command)), check=True, capture_output=True, env=environment)


def test_an_image_may_be_longer_than_its_file_system() -> None:
    assert read_fat(MADE + bytes(1000)).files == FILES


# names


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (short(b"README  TXT"), "README.TXT"),
        (short(b"SERVER     ", case=0x08), "server"),
        (short(b"README  TXT", case=0x18), "readme.txt"),
        (short(b"README  TXT", case=0x10), "README.txt"),
        (short(b"A B     C  "), "A B.C"),
        (short(b"\x05TE        "), "σTE"),
        (short(b"GR\x99SSE     "), "GRÖSSE"),
    ],
)
def test_a_name_without_a_long_one_is_the_short_one(entry: bytes, name: str) -> None:
    assert list(read_fat(rooted(entry)).files) == [name]


ALIAS = b"LONGNA~1   "
SUM = checksum(ALIAS)


@pytest.mark.parametrize(
    ("pieces", "name"),
    [
        ([piece(0x41, SUM, "longname.json")], "longname.json"),
        ([piece(0x42, SUM, "json\0"), piece(1, SUM, "long name dot")], "long name dotjson"),
        ([piece(0x41, SUM ^ 1, "not its own\0")], "LONGNA~1"),
        ([piece(0x42, SUM, "json\0"), piece(1, SUM ^ 1, "long name dot")], "LONGNA~1"),
        ([piece(0x42, SUM, "json\0")], "LONGNA~1"),
        ([piece(0x43, SUM, "3\0"), piece(1, SUM, "long name dot")], "LONGNA~1"),
        ([piece(1, SUM, "no end\0")], "LONGNA~1"),
        ([piece(0x40, SUM, "no number\0")], "LONGNA~1"),
        ([piece(0x41, SUM, "orphan\0"), short(b"\xe5ELETED    ")], "LONGNA~1"),
        ([piece(0x41, SUM, "a\ud800\0")], r"a\x00\xd8"),
    ],
)
def test_a_long_name_counts_when_it_is_whole_and_that_of_the_entry_after_it(pieces: list[bytes], name: str) -> None:
    assert list(read_fat(rooted(*pieces, short(ALIAS))).files) == [name]


@pytest.mark.parametrize("name", ["..\0", "../etc\0", "a/b\0", "\0", "a\nb\0", ".\0"])
def test_a_name_that_leads_elsewhere_is_an_error(name: str) -> None:
    assert reason(rooted(piece(0x41, SUM, name), short(ALIAS))) == BAD_NAME


def test_a_short_name_with_a_slash_or_of_nothing_is_an_error() -> None:
    assert reason(rooted(short(b"A/B        "))) == BAD_NAME
    assert reason(rooted(short(b"           "))) == BAD_NAME
    assert reason(rooted(short(b".. ..      ")[:11].replace(b" ..", b"/..") + short(ALIAS)[11:])) == BAD_NAME


def test_the_same_name_twice_is_an_error() -> None:
    assert reason(rooted(short(b"SERVER     "), short(b"SERVER     "))) == fat_reader.TWICE


def test_the_label_is_that_of_the_root_or_else_of_the_boot_sector() -> None:
    assert read_fat(rooted(short(b"IN ROOT    ", attributes=8))).label == "IN ROOT"
    assert read_fat(changed((43, b"IN BOOT\x1b[2J"), of=rooted())).label == "IN BOOT?[2J"
    assert read_fat(changed((38, b"\0"), of=rooted())).label == ""


# images that lie


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(511),
        bytes(65536),
        b"\xff" * 65536,
        changed((11, struct.pack("<H", 513))),  # bytes of a sector
        changed((11, struct.pack("<H", 0))),
        changed((13, b"\x03")),  # sectors of a cluster
        changed((13, b"\0")),
        changed((14, b"\0\0")),  # sectors before the tables
        changed((16, b"\0")),  # tables
        changed((16, b"\xff")),
        changed((17, b"\xff\xff")),  # entries in the root
        changed((19, b"\0\0")),  # sectors in all
        changed((22, b"\0\0")),  # sectors of a table: FAT32 has its number elsewhere
    ],
)
def test_what_is_no_fat_is_an_error(data: bytes) -> None:
    assert reason(data) == fat_reader.NOT_FAT


def test_a_table_too_short_for_the_clusters_is_an_error() -> None:
    assert reason(changed((19, struct.pack("<H", 2000))) + bytes(1 << 20)) == fat_reader.NOT_FAT


def test_a_truncated_image_is_an_error() -> None:
    assert reason(MADE[:-1]) == fat_reader.TRUNCATED
    assert reason(changed((19, b"\0\0"), (32, struct.pack("<I", 0xFFFF_FFFF)))) in (
        fat_reader.TRUNCATED,
        fat_reader.NOT_FAT,
    )


@pytest.mark.parametrize("first", [0, 1, 95, 0xFFF, 0xFFFF])
def test_a_file_or_a_directory_outside_the_image_is_an_error(first: int) -> None:
    assert reason(rooted(short(b"A          ", first, 1))) == fat_reader.BAD_CLUSTER
    expected = None if first >= 0xFF8 else fat_reader.BAD_CLUSTER  # the end right away: an empty directory
    made = rooted(short(b"A          ", first, attributes=0x10))
    assert (reason(made) if expected else read_fat(made).files) == (expected or {})


def test_a_file_longer_than_its_chain_is_an_error() -> None:
    assert reason(rooted(short(b"A          ", 2, 0xFFFF_FFFF))) in (
        fat_reader.BAD_CLUSTER,
        fat_reader.SHARED_CLUSTER,
    )


def test_a_chain_that_bites_its_tail_is_an_error() -> None:
    looped = changed((FAT + 3, b"\x03\x20\x00"))  # cluster 2 goes on in 3, and 3 in 2
    entry = short(b"A          ", 2, attributes=0x10)
    assert reason(changed((ROOT, entry.ljust(32 * 512, b"\0")), of=looped)) == fat_reader.SHARED_CLUSTER


def test_two_files_with_one_cluster_are_an_error() -> None:
    assert reason(rooted(short(b"A          ", 4, 1), short(b"B          ", 4, 1))) == fat_reader.SHARED_CLUSTER


def test_a_directory_within_itself_is_an_error() -> None:
    inner = short(b"B          ", 2, attributes=0x10)
    made = changed((DATA, inner.ljust(512, b"\0")), of=rooted(inner))
    assert reason(made) == fat_reader.SHARED_CLUSTER


def test_directories_end_somewhere() -> None:
    deepest = image({"/".join("d" * 33): b""}, kib=64).joined()
    assert len(read_fat(deepest).files) == 1
    attributes = deepest.rindex(b"D".ljust(11)) + 11
    assert reason(changed((attributes, b"\x10"), of=deepest)) == fat_reader.TOO_DEEP  # the file called a directory


def test_entries_end_somewhere() -> None:
    deleted = b"\xe5".ljust(32, b"\0") * 65537
    made = image({"F": deleted}, kib=5120).joined()
    attributes = made.index(b"F".ljust(11)) + 11
    assert reason(changed((attributes, b"\x10"), of=made)) == fat_reader.TOO_MANY  # the file called a directory


@given(st.binary(max_size=300), st.integers(0, 30 * 512))
@settings(deadline=None)
def test_no_directory_does_anything_but_parse_or_raise_wire_error(data: bytes, at: int) -> None:
    with suppress(WireError):
        read_fat(changed((ROOT, data)))
    with suppress(WireError):
        read_fat(changed((DATA + at, data)))


@given(st.lists(st.tuples(st.integers(0, DATA + 3000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=12))
@settings(deadline=None, max_examples=300)
def test_no_damage_does_anything_but_parse_or_raise_wire_error(damage: list[tuple[int, bytes]]) -> None:
    with suppress(WireError):
        read_fat(changed(*damage))


@given(st.binary(min_size=60, max_size=62))
@settings(deadline=None, max_examples=300)
def test_no_boot_sector_does_anything_but_parse_or_raise_wire_error(head: bytes) -> None:
    with suppress(WireError):
        read_fat(changed((0, head)))
