"""Where an import is put together: no name leads out of it, and nothing of it stays behind."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from netbootd.artifacts.faults import ImportFault
from netbootd.artifacts.layout import Layout
from netbootd.artifacts.sources import Entry
from netbootd.artifacts.staging import DEFAULT, Limits, Staged, workshop


def staged(tmp_path: Path, *files: tuple[str, bytes], limits: Limits = DEFAULT) -> Staged:
    made = Staged(tmp_path / "files", limits)
    for path, data in files:
        made.take(Entry(path, iter([data])))
    return made


def test_files_are_written_under_numbers_and_known_by_their_paths(tmp_path: Path) -> None:
    made = staged(tmp_path, ("./EFI/BOOT/grub.cfg", b"menu"), ("kernel", b"k"))
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == ["0", "1"]
    assert list(made.files) == ["EFI/BOOT/grub.cfg", "kernel"]
    assert made.files["kernel"].sha256 == sha256(b"k").hexdigest()


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../x",
        "/etc/passwd",
        "a//b",
        ".",
        "",
        "a/./b",
        "a\nb",
        "a\0b",
        "\x1b[2J",
        "x/" * 600 + "x",
        "\udcff",
        "..",
    ],
)
def test_a_hostile_name_ends_it(tmp_path: Path, path: str) -> None:
    with pytest.raises(ImportFault, match="hostile name"):
        staged(tmp_path, (path, b""))


def test_one_name_twice_ends_it(tmp_path: Path) -> None:
    with pytest.raises(ImportFault, match="kernel is there twice"):
        staged(tmp_path, ("kernel", b"1"), ("./kernel", b"2"))


def test_too_many_files_or_too_much_in_them_end_it(tmp_path: Path) -> None:
    with pytest.raises(ImportFault, match="more than 1 files"):
        staged(tmp_path, ("a", b""), ("b", b""), limits=Limits(files=1))
    (tmp_path / "more").mkdir()
    made = Staged(tmp_path / "more" / "files", Limits(size=1 << 30))
    with pytest.raises(ImportFault, match="more than 1 GiB"):
        made.take(Entry("bomb", iter([_Huge()])))


class _Huge(bytes):
    """Two GiB that nobody has to write."""

    def __len__(self) -> int:
        return 2 << 30


def test_the_layout_says_where_each_goes_and_everybody_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        made = staged(tmp_path, ("x/installer.iso", b"iso"), ("x/EFI/BOOT/grub.cfg", b"menu"), ("y", b""))
        places = {"installer.iso": "x/installer.iso", "EFI/BOOT/grub.cfg": "x/EFI/BOOT/grub.cfg"}
        stored = made.arrange(Layout(places), tmp_path / "bundle")
    finally:
        os.umask(before)
    assert [(file.path, file.size) for file in stored] == [("EFI/BOOT/grub.cfg", 4), ("installer.iso", 3)]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "bundle").rglob("*")}
    assert modes == {"EFI": 0o755, "BOOT": 0o755, "grub.cfg": 0o444, "installer.iso": 0o444}


@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")])
def test_a_file_that_is_also_a_directory_ends_it(tmp_path: Path, paths: tuple[str, str]) -> None:
    made = staged(tmp_path, *((path, b"") for path in paths))
    with pytest.raises(ImportFault, match="both a file and a directory"):
        made.arrange(Layout({path: path for path in paths}), tmp_path / "bundle")


def test_a_workshop_is_hidden_and_gone_at_the_end_however_it_ends(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _interrupted(tmp_path)
    assert list(tmp_path.iterdir()) == []


def _interrupted(directory: Path) -> None:
    with workshop(directory) as work:
        (work / "half").write_bytes(b"half")
        assert work.name.startswith(".")
        raise KeyboardInterrupt


def test_what_a_crash_left_behind_is_cleared_away_and_what_others_work_on_is_not(tmp_path: Path) -> None:
    (tmp_path / ".import-dead").mkdir()
    (tmp_path / ".import-dead" / "half").write_bytes(b"half")
    with workshop(tmp_path) as first, workshop(tmp_path) as second:
        assert {path.name for path in tmp_path.iterdir()} == {first.name, second.name}
