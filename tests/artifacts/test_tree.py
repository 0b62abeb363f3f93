"""What a served directory opens, and everything it does not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from netbootd.artifacts.tree import NotServed, Tree, Why
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with one bundle, beside a file that must never be served."""
    (tmp_path / "secret").write_text("secret")
    bundle = tmp_path / "tree" / "eve"
    (bundle / "boot").mkdir(parents=True)
    (bundle / "kernel").write_bytes(b"kernel")
    (bundle / "boot" / ".uuid").write_bytes(b"uuid")
    return tmp_path / "tree"


def content(root: Path, path: str, *, lenient: bool = False) -> bytes:
    with Tree(root).open(path, lenient=lenient) as opened:
        data = os.read(opened.fd, 100)
        assert opened.size == len(data)
        return data


def refusal(root: Path, path: str, *, lenient: bool = False) -> Why:
    with pytest.raises(NotServed) as refused:
        Tree(root).open(path, lenient=lenient)
    return refused.value.reason


@pytest.mark.parametrize("path", ["eve/kernel", "/eve/kernel", "eve//kernel", "./eve/./kernel"])
def test_a_file_is_found_however_the_path_was_put_together(root: Path, path: str) -> None:
    assert content(root, path) == b"kernel"


def test_a_dotfile_inside_a_bundle_is_served_since_grub_asks_for_boot_uuid(root: Path) -> None:
    assert content(root, "eve/boot/.uuid") == b"uuid"


def test_a_hidden_entry_at_the_top_is_not_served(root: Path) -> None:
    """An import that is not finished lies under such a name."""
    (root / ".partial").mkdir()
    (root / ".partial" / "kernel").write_bytes(b"half")
    assert refusal(root, ".partial/kernel") is Why.HIDDEN


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("eve/nothing", Why.MISSING),
        ("nothing/kernel", Why.MISSING),
        ("eve/kernel/inside", Why.MISSING),
        ("../secret", Why.BAD_NAME),
        ("eve/../../secret", Why.BAD_NAME),
        ("eve/../eve/kernel", Why.BAD_NAME),
        ("eve/ker\0nel", Why.BAD_NAME),
        ("eve/" + "x" * 300, Why.BAD_NAME),
        ("eve/\ud800", Why.BAD_NAME),
        ("eve", Why.NOT_A_FILE),
        ("", Why.NOT_A_FILE),
        ("eve\\kernel", Why.MISSING),
        ("EVE/kernel", Why.MISSING),
    ],
)
def test_what_is_not_served_has_a_reason(root: Path, path: str, why: Why) -> None:
    assert refusal(root, path) is why


def test_an_absolute_path_is_read_below_the_root(root: Path, tmp_path: Path) -> None:
    assert refusal(root, str(tmp_path / "secret")) is Why.MISSING


def test_a_fifo_is_refused_without_waiting_for_its_writer(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert refusal(root, "pipe") is Why.NOT_A_FILE


def test_a_missing_root_is_a_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "never", "eve/kernel") is Why.MISSING


def test_a_file_without_read_permission_is_told_apart_from_a_missing_one() -> None:
    """In a process of its own, as nobody where we are root: root may read everything."""
    with tempfile.TemporaryDirectory() as served:
        root = Path(served)
        root.chmod(0o755)
        (root / "kernel").touch(0)
        asked = f"""
import os, pathlib
from netbootd.artifacts.tree import NotServed, Tree
if os.geteuid() == 0:
    os.setuid(65534)
try:
    Tree(pathlib.Path({served!r})).open("kernel")
except NotServed as refused:
    print(refused.reason.name)
"""
        told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert told.strip() == Why.UNREADABLE.name


class TestSymbolicLinks:
    @pytest.mark.parametrize(
        ("name", "target"),
        [
            ("latest", "eve"),
            ("latest", "./eve"),
            ("latest", "eve/../eve"),
            ("latest", "eve/boot/.."),
        ],
    )
    def test_one_that_stays_inside_is_followed(self, root: Path, name: str, target: str) -> None:
        (root / name).symlink_to(target)
        assert content(root, f"{name}/kernel") == b"kernel"

    def test_an_absolute_one_may_point_inside(self, root: Path) -> None:
        (root / "latest").symlink_to(root / "eve")
        assert content(root, "latest/kernel") == b"kernel"

    def test_the_root_itself_may_be_one(self, root: Path, tmp_path: Path) -> None:
        (tmp_path / "artifacts").symlink_to(root)
        (root / "one").symlink_to(tmp_path / "artifacts" / "eve" / "kernel")
        (root / "two").symlink_to(root / "eve" / "kernel")
        assert content(tmp_path / "artifacts", "one") == b"kernel"
        assert content(tmp_path / "artifacts", "two") == b"kernel"

    def test_parents_in_a_target_count_from_where_earlier_links_led(self, root: Path) -> None:
        """``deep -> eve/boot``, so ``deep/..`` is ``eve`` and not the root."""
        (root / "deep").symlink_to("eve/boot")
        (root / "link").symlink_to("deep/../kernel")
        assert content(root, "link") == b"kernel"

    @pytest.mark.parametrize(
        "target", ["/etc/passwd", "../secret", "eve/../../secret", "../tree/eve/kernel", "/", "..", "eve/boot/../../.."]
    )
    def test_one_that_leaves_the_tree_is_refused_even_if_it_comes_back(self, root: Path, target: str) -> None:
        (root / "out").symlink_to(target)
        assert refusal(root, "out") is Why.LEAVES

    def test_a_directory_that_leaves_hides_what_is_behind_it(self, root: Path, tmp_path: Path) -> None:
        (root / "eve" / "out").symlink_to(tmp_path)
        assert refusal(root, "eve/out/secret") is Why.LEAVES

    def test_a_loop_ends(self, root: Path) -> None:
        (root / "a").symlink_to("b")
        (root / "b").symlink_to("a")
        assert refusal(root, "a") is Why.LOOP

    def test_a_dangling_one_is_a_missing_file(self, root: Path) -> None:
        (root / "dangling").symlink_to("eve/gone")
        assert refusal(root, "dangling") is Why.MISSING


class TestNamesAsBootRomsSendThem:
    @pytest.mark.parametrize("path", ["eve\\kernel", "\\EVE\\Kernel", "Eve/KERNEL", "EVE/kernel"])
    def test_backslashes_and_wrong_case_are_understood(self, root: Path, path: str) -> None:
        assert content(root, path, lenient=True) == b"kernel"

    def test_the_exact_spelling_wins(self, root: Path) -> None:
        (root / "eve" / "KERNEL").write_bytes(b"other")
        assert content(root, "eve/kernel", lenient=True) == b"kernel"
        assert content(root, "eve/KERNEL", lenient=True) == b"other"

    @pytest.mark.parametrize("path", ["..\\secret", "eve\\..\\..\\secret"])
    def test_backslashes_do_not_lead_out(self, root: Path, path: str) -> None:
        assert refusal(root, path, lenient=True) is Why.BAD_NAME


class TestTheEntityTag:
    def etag(self, root: Path) -> str:
        with Tree(root).open("eve/kernel") as opened:
            return opened.etag

    def test_stays_while_the_file_stays(self, root: Path) -> None:
        assert self.etag(root) == self.etag(root)

    def test_is_strong_and_quoted(self, root: Path) -> None:
        assert self.etag(root).startswith('"')

    def test_changes_with_a_file_of_the_same_size_and_time(self, root: Path) -> None:
        """``mv new kernel`` after ``touch -r kernel new``."""
        kernel = root / "eve" / "kernel"
        before, times = self.etag(root), kernel.stat()
        (root / "new").write_bytes(b"Kernel")
        os.utime(root / "new", ns=(times.st_atime_ns, times.st_mtime_ns))
        (root / "new").replace(kernel)
        assert self.etag(root) != before


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_descriptor_is_left_open(root: Path) -> None:
    (root / "latest").symlink_to("eve")
    (root / "out").symlink_to("/etc")
    before = descriptors()
    content(root, "latest/kernel")
    for path in ("eve", "eve/nothing", "out/passwd", "../x", "latest/boot"):
        refusal(root, path)
    assert descriptors() == before


class TestInsideAnInstaller:
    """Bytes 4 to 8 of a stand-in for an ISO are a file of it."""

    @pytest.fixture
    def shop(self, root: Path) -> Tree:
        (root / "eve" / "installer.iso").write_bytes(b"....kern....")
        files = (IsoFile("boot/empty", 0, 0), IsoFile("boot/kernel", 4, 4))
        bundle = Bundle("edge", "", "eve", Era.B2, iso=files, iso_size=12)
        return Tree(root, {"edge": bundle, "eve": bundle})

    @pytest.mark.parametrize(
        ("path", "lenient"),
        [("edge/iso/boot/kernel", False), ("/eve//iso/boot/kernel", False), ("edge\\iso\\boot\\kernel", True)],
    )
    def test_a_file_of_it_is_a_part_of_the_open_image(self, shop: Tree, path: str, lenient: bool) -> None:
        with shop.open(path, lenient=lenient) as opened:
            assert (os.pread(opened.fd, opened.size, opened.offset), opened.name) == (b"kern", path)
            assert (opened.offset, opened.behind) == (4, 4)
            assert not opened.changed()

    def test_no_two_files_of_it_share_an_etag(self, shop: Tree) -> None:
        paths = ("eve/iso/boot/empty", "eve/iso/boot/kernel", "eve/installer.iso")
        tags = set()
        for path in paths:
            with shop.open(path) as opened:
                tags.add(opened.etag)
        assert len(tags) == len(paths)

    def test_a_file_that_is_there_comes_first(self, shop: Tree) -> None:
        (shop.root / "eve" / "iso" / "boot").mkdir(parents=True)
        (shop.root / "eve" / "iso" / "boot" / "kernel").write_bytes(b"unpacked by hand")
        with shop.open("eve/iso/boot/kernel") as opened:
            assert (opened.offset, opened.size) == (0, 16)

    def test_an_image_of_another_size_is_not_the_one_that_was_read(self, shop: Tree) -> None:
        (shop.root / "eve" / "installer.iso").write_bytes(b"another release's")
        with pytest.raises(NotServed) as refused:
            shop.open("edge/iso/boot/kernel")
        assert refused.value.reason is Why.REPLACED

    def test_an_image_that_is_written_to_meanwhile_is_noticed(self, shop: Tree) -> None:
        with shop.open("edge/iso/boot/kernel") as opened:
            (shop.root / "eve" / "installer.iso").write_bytes(b"longer than before")
            assert opened.changed()

    @pytest.mark.parametrize(
        ("path", "why"),
        [
            ("edge/iso/boot/initrd.img", Why.MISSING),
            ("edge/iso", Why.MISSING),
            ("edge/iso/../iso/boot/kernel", Why.BAD_NAME),
            (".edge/iso/boot/kernel", Why.HIDDEN),
        ],
    )
    def test_what_is_not_in_it_is_refused_as_anywhere(self, shop: Tree, path: str, why: Why) -> None:
        with pytest.raises(NotServed) as refused:
            shop.open(path)
        assert refused.value.reason is why
