"""FAT images as written: the same each time, and what mtools and fsck.fat find in them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbootd.wire.fat import DoesNotFit, image
from netbootd.wire.fat_names import FatError, folded
from netbootd.wire.fat_reader import read_fat
from tests.support.tools import need

CONFIG = {
    "server": b"controller.example\n",
    "root-certificate.pem": b"-----BEGIN CERTIFICATE-----\n" * 80,
    "v2tlsbaseroot-certificates.pem": b"-----BEGIN CERTIFICATE-----\n" * 2000,
    "onboard.cert.pem": b"c" * 700,
    "onboard.key.pem": b"k" * 512,
    "soft_serial": b"NODE-7",
    "authorized_keys": b"",
    "DevicePortConfig/override.json": b"{}",
    "GlobalConfig/global.json": b'{"MapTo": {}}',
    "n" * 255: b"the longest name",
    "Größe.txt": b"umlaut",
    "one/two/three/four": b"deep",
}
SIZES = [1024, 5120]


@pytest.fixture(params=[64, *SIZES, 33 << 10], ids=lambda kib: f"{kib} KiB")
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An image on disk; in the smallest, only what fits."""
    kib: int = request.param
    path = tmp_path / "config.img"
    path.write_bytes(image(_fitting(kib), kib=kib).joined())
    return path


def _fitting(kib: int) -> dict[str, bytes]:
    return {path: data for path, data in CONFIG.items() if kib > 64 or len(data) < 10_000}


def _files_of(path: Path) -> dict[str, bytes]:
    return _fitting(path.stat().st_size >> 10)


# what other programs say


def test_fsck_finds_nothing_to_mend(written: Path) -> None:
    need("fsck.fat", "dosfstools")
    done = subprocess.run(["fsck.fat", "-n", "-V", str(written)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_mtools_copies_out_what_was_put_in(written: Path, tmp_path: Path) -> None:
    _mtools("mcopy", "-i", written, "-s", "-n", "::/", tmp_path / "out")
    out = tmp_path / "out"
    found = {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    assert found == _files_of(written)


def test_mtools_reads_the_label(written: Path) -> None:
    assert 'disk label="EVE        "' in _mtools("minfo", "-i", written, "::")


def test_mtools_may_add_to_an_image(written: Path, tmp_path: Path) -> None:
    """As EVE's own recipe does with the image of a bundle: ``mcopy -o -i config.img -s DIR/* ::/``."""
    (tmp_path / "server").write_bytes(b"another.example\n")
    _mtools("mcopy", "-o", "-i", written, tmp_path / "server", "::/")
    assert read_fat(written.read_bytes()).files == _files_of(written) | {"server": b"another.example\n"}


# the same each time


@pytest.mark.parametrize("kib", SIZES)
def test_an_image_has_exactly_the_size_of_the_partition(kib: int) -> None:
    made = image(CONFIG, kib=kib)
    assert made.length == len(made.joined()) == kib * 1024


def test_the_same_files_in_any_order_are_the_same_bytes() -> None:
    backwards = dict(reversed(list(CONFIG.items())))
    assert image(CONFIG, kib=1024).joined() == image(backwards, kib=1024).joined()


def test_the_number_of_the_volume_comes_from_what_is_in_it() -> None:
    def number(files: dict[str, bytes]) -> bytes:
        return image(files, kib=1024).joined()[39:43]

    different = [{}, {"a": b""}, {"a": b"1"}, {"a1": b""}, {"a": b"1", "b": b"2"}, {"a": b"2", "b": b"1"}]
    assert len({number(files) for files in different}) == len(different)


def test_what_is_unused_of_an_image_is_shared_and_not_held() -> None:
    pieces = image({"server": b"ctl"}, kib=5120).pieces
    held = {id(piece.obj): piece.obj for piece in pieces if isinstance(piece, memoryview)}
    assert sum(len(bytes(each)) for each in held.values()) < 128 << 10


def test_the_boot_sector_says_what_the_image_is() -> None:
    sector = image({}, kib=1024, label="eve 7").joined()[:512]
    assert sector[:3] == b"\xeb\x3c\x90"
    assert sector[43:62] == b"EVE 7      FAT12   "
    assert sector[510:] == b"\x55\xaa"


# what cannot be


def test_how_much_is_too_much_is_said() -> None:
    image({"big": bytes(2003 * 512)}, kib=1024)
    with pytest.raises(DoesNotFit, match=r"^1 KiB too much for an image of 1024 KiB$"):
        image({"big": bytes(2003 * 512 + 1)}, kib=1024)
    with pytest.raises(DoesNotFit) as caught:
        image({"big": bytes(2 << 20)}, kib=1024)
    assert caught.value.excess_kib == 1047


def test_directories_take_room_too() -> None:
    files = {f"d{number}/f": b"x" for number in range(200)}
    image({**files, "rest": bytes((2003 - 2 * 200) * 512)}, kib=1024)
    with pytest.raises(DoesNotFit):
        image({**files, "rest": bytes((2003 - 2 * 200) * 512 + 1)}, kib=1024)


def test_the_top_directory_has_an_end_but_one_below_has_not() -> None:
    names = [f"file with a long name {number}" for number in range(200)]
    image({f"below/{name}": b"" for name in names}, kib=1024)
    with pytest.raises(FatError, match=r"a directory of 601 entries.*FAT ends at 512"):
        image(dict.fromkeys(names, b""), kib=1024)


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        (["server", "Server"], "are the same name on FAT"),
        (["a/b", "A/c"], "are the same name on FAT"),
        (["a", "a/b"], "is a file and a directory"),
        (["/server"], "empty"),
        (["a//b"], "empty"),
        (["a/"], "empty"),
        (["../etc/shadow"], "end in a dot"),
        (["a/./b"], "end in a dot"),
        (["a:b/c"], "FAT has no names with ':'"),
        (["/".join("d" * 40)], "more than 32 directories deep"),
    ],
    ids=str,
)
def test_names_that_fat_cannot_hold_are_refused(paths: list[str], why: str) -> None:
    with pytest.raises(FatError, match=re.escape(why)):
        image(dict.fromkeys(paths, b""), kib=1024)


@pytest.mark.parametrize("kib", [0, 63, -1, (512 << 10) + 1])
def test_sizes_out_of_reach_are_refused(kib: int) -> None:
    with pytest.raises(FatError, match="images have 64 to 524288 KiB"):
        image({}, kib=kib)


@pytest.mark.parametrize("label", ["", "TWELVE CHARS", "EVE\n", "Ä", "A.B"])
def test_what_is_no_label_is_refused(label: str) -> None:
    with pytest.raises(FatError, match="is no label"):
        image({}, kib=1024, label=label)


PARTS = st.text(
    st.characters(codec="utf-8", exclude_characters='"*/:<>?\\|\x7f', exclude_categories=["Cc"]), max_size=30
)
NAMES = PARTS.map(lambda text: text + "x")
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@given(st.dictionaries(PATHS, st.binary(max_size=3000), max_size=12), st.sampled_from([64, 1024, 5120, 18 << 10]))
@settings(deadline=None, max_examples=60)
def test_what_is_written_can_be_read_again(files: dict[str, bytes], kib: int) -> None:
    try:
        made = image(files, kib=kib).joined()
    except FatError:
        assert _clash(files) or kib == 64
        return
    assert read_fat(made).files == files
    assert read_fat(made).label == "EVE"


def _clash(files: dict[str, bytes]) -> bool:
    """Whether two paths, or the directories they go through, are one on FAT."""
    every = {"/".join(path.split("/")[: depth + 1]) for path in files for depth in range(path.count("/") + 1)}
    return len({folded(each) for each in every}) < len(every) or any(
        other.startswith(f"{path}/") for path in files for other in files
    )


def _mtools(program: str, *arguments: str | Path) -> str:
    need(program, "mtools")
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    return done.stdout
