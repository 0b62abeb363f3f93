"""bundle.json: what was found out at import, to be read back as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from netbootd.artifacts.manifest import BadManifest, Manifest, Stored, digest_of, read, write
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile

FILES = (Stored("installer.iso", 10, "a" * 64), Stored("ipxe.efi", 20, "b" * 64))
BUNDLE = Bundle(
    name="",
    directory="",
    digest=digest_of(FILES),
    era=Era.B2,
    arch="amd64",
    version="17.3.0",
    version_from="--name",
    hv="kvm",
    platform="generic",
    size=30,
    files=("installer.iso", "ipxe.efi"),
    iso=(IsoFile("boot/kernel", 2048, 5), IsoFile("config.img", 4096, 6)),
    iso_size=10,
    cmdline="rootdelay=3",
    grub="menu",
    grub_include="include",
    config_size=1 << 20,
)
MANIFEST = Manifest(BUNDLE, FILES, "eve.tar", "2026-01-02T03:04:05Z", "sha256sums")


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(write(MANIFEST))
    assert read(path) == MANIFEST


def test_name_directory_and_notes_are_not_in_it() -> None:
    """A bundle may have several names, and what there is to say of it is worked out anew."""
    written = write(replace(MANIFEST, bundle=replace(BUNDLE, name="x", directory="y", notes=("z",))))
    assert written == write(MANIFEST)


def test_the_digest_is_that_of_what_sha256sum_prints_in_the_order_of_the_paths() -> None:
    assert digest_of(FILES) == digest_of(FILES[::-1])
    assert digest_of(FILES) != digest_of(FILES[:1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"format": 1}',
        "[" * 100_000,
        write(MANIFEST).replace('"B2"', '"C9"'),
        write(MANIFEST).replace('"size": 10', '"size": "x"'),
        write(MANIFEST).replace("a" * 64, "c" * 64),
    ],
)
def test_a_damaged_one_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(text)
    with pytest.raises(BadManifest, match="damaged"):
        read(path)


def test_one_of_another_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps({"format": 2}))
    with pytest.raises(BadManifest, match="another version of netbootd"):
        read(path)
