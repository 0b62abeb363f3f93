"""The bundles under artifacts: found by every name, and taken away by name."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from netbootd.artifacts import bundles
from netbootd.artifacts.bundles import remove, scan
from netbootd.artifacts.faults import ImportFault
from netbootd.artifacts.importer import import_bundle
from netbootd.artifacts.sources import opened
from netbootd.payloads.eve.bundle import Bundle, Era
from tests.support.eve_bundles import files_of, net_tar, put


def bring(shelf: Path, era: Era, name: str) -> Bundle:
    with opened("-", io.BytesIO(net_tar(era)), lambda _count: None) as source:
        return import_bundle(source, shelf, name=name, imported="now").bundle


def test_a_bundle_is_found_by_each_of_its_names_its_digest_and_its_directory(tmp_path: Path) -> None:
    bring(tmp_path, Era.B2, "eve-17.3.0")
    bundle = bring(tmp_path, Era.B2, "lab")
    found = scan(tmp_path)
    assert set(found.bundles) == {"eve-17.3.0", "lab", bundle.digest, bundle.directory}
    assert {found.bundles[key].name for key in ("lab", "eve-17.3.0")} == {"lab", "eve-17.3.0"}
    assert [(one.bundle.name, one.names) for one in found.all] == [("eve-17.3.0", ("eve-17.3.0", "lab"))]


def test_a_name_may_say_the_version_that_the_content_does_not(tmp_path: Path) -> None:
    bring(tmp_path, Era.B2, "lab")
    assert scan(tmp_path).bundles["lab"].version == ""
    bring(tmp_path, Era.B2, "eve-17.3.0")
    assert scan(tmp_path).bundles["eve-17.3.0"].version == "17.3.0"


@pytest.mark.parametrize("era", list(Era), ids=[era.value for era in Era])
def test_a_directory_that_somebody_unpacked_is_a_bundle_under_the_name_it_has(tmp_path: Path, era: Era) -> None:
    put(tmp_path / "site" / "eve-13", files_of(era))
    (one,) = scan(tmp_path).all
    assert (one.bundle.name, one.bundle.directory, one.bundle.era) == ("site/eve-13", "site/eve-13", era)
    assert (one.bundle.digest, one.manifest) == ("", None)


def test_what_is_no_bundle_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, {"rescue/kernel": b"", "rescue/initrd.img": b"", "kernel": b"", ".import-x/installer.iso": b""})
    (tmp_path / "dangling").symlink_to("nowhere")
    assert (scan(tmp_path).bundles, scan(tmp_path).notes) == ({}, ())


def test_no_artifacts_at_all_are_no_bundles(tmp_path: Path) -> None:
    assert scan(tmp_path / "none").all == ()


def test_what_is_damaged_is_a_note_and_keeps_no_other_from_being_found(tmp_path: Path) -> None:
    bundle = bring(tmp_path, Era.A, "broken")
    bring(tmp_path, Era.B2, "good")
    put(tmp_path / "by-hand", {"installer.iso": bytes(100)})
    (tmp_path / "broken" / "kernel").unlink()
    found = scan(tmp_path)
    assert [one.names for one in found.all] == [("good",)]
    assert found.notes == (
        "bundle by-hand cannot be used: installer.iso: not an ISO 9660 image",
        f"bundle {bundle.directory} cannot be used: damaged: kernel: No such file or directory; import it anew",
    )


def test_a_file_of_another_size_is_damage(tmp_path: Path) -> None:
    bring(tmp_path, Era.A, "eve")
    path = tmp_path / "eve" / "rootfs.img"
    path.unlink()
    path.write_bytes(b"short")
    (note,) = scan(tmp_path).notes
    assert "rootfs.img has 5 bytes, not 2000" in note


def test_the_search_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_MOST_ENTRIES", 2)
    put(tmp_path, {"a/x": b"", "b/x": b"", "c/x": b""})
    (note,) = scan(tmp_path).notes
    assert "too many directories" in note


class TestRemove:
    def test_one_of_two_names_leaves_the_bundle(self, tmp_path: Path) -> None:
        bring(tmp_path, Era.A, "a")
        bundle = bring(tmp_path, Era.A, "b")
        removed = remove(tmp_path, "a")
        assert (removed.size, removed.kept) == (0, ("b",))
        assert {path.name for path in tmp_path.iterdir()} == {"b", bundle.directory}

    def test_the_last_name_takes_the_bundle_with_it(self, tmp_path: Path) -> None:
        bundle = bring(tmp_path, Era.B2, "a")
        assert remove(tmp_path, "a").size > bundle.size
        assert list(tmp_path.iterdir()) == []

    def test_by_a_piece_of_the_digest_all_names_go(self, tmp_path: Path) -> None:
        bring(tmp_path, Era.B1, "other")
        bring(tmp_path, Era.A, "a")
        bundle = bring(tmp_path, Era.A, "b")
        remove(tmp_path, bundle.digest[:10])
        assert set(scan(tmp_path).bundles) >= {"other"}
        assert not (tmp_path / "a").is_symlink()

    def test_what_was_not_imported_is_not_netbootd_s_to_delete(self, tmp_path: Path) -> None:
        put(tmp_path / "eve", files_of(Era.A))
        with pytest.raises(ImportFault, match="yours to delete"):
            remove(tmp_path, "eve")
        assert (tmp_path / "eve" / "kernel").exists()

    def test_what_does_not_exist_cannot_be_removed(self, tmp_path: Path) -> None:
        with pytest.raises(ImportFault, match="there is no bundle none"):
            remove(tmp_path, "none")

    def test_what_is_damaged_can_be_removed_all_the_same(self, tmp_path: Path) -> None:
        bring(tmp_path, Era.A, "a")
        (tmp_path / "a" / "kernel").unlink()
        assert scan(tmp_path).bundles == {}
        assert remove(tmp_path, "a").kept == ()
        assert list(tmp_path.iterdir()) == []

    def test_a_name_whose_bundle_is_gone_goes_too(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to("sha256-0123456789abcdef")
        assert remove(tmp_path, "a").size == 0
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("target", ["/etc", "../x", "sha256-a/../../x", "mine"])
    def test_a_link_of_somebody_else_s_is_left_alone(self, tmp_path: Path, target: str) -> None:
        (tmp_path / "a").symlink_to(target)
        with pytest.raises(ImportFault):
            remove(tmp_path, "a")
        assert (tmp_path / "a").is_symlink()
