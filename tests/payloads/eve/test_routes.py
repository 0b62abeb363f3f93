"""Which bundles are booted, and the sentence for those that are not."""

from __future__ import annotations

import pytest

from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile
from netbootd.payloads.eve.routes import refusal

WHOLE = tuple(IsoFile(path, 2048, 4096) for path in ("boot/initrd.img", "boot/kernel", "rootfs_installer.img"))


def bundle(era: Era, iso: tuple[IsoFile, ...] = WHOLE) -> Bundle:
    return Bundle("eve-17.3.0", "", "sha256-1", era, iso=iso)


@pytest.mark.parametrize("era", Era, ids=lambda era: era.value)
def test_every_era_boots_the_one_broken_as_released_included(era: Era) -> None:
    assert refusal(bundle(era)) == ""


def test_the_classic_layout_has_no_iso() -> None:
    assert refusal(bundle(Era.A, ())) == ""


@pytest.mark.parametrize("lacking", WHOLE, ids=lambda file: file.path)
def test_an_iso_without_what_is_loaded_from_it_is_refused(lacking: IsoFile) -> None:
    iso = tuple(file for file in WHOLE if file is not lacking)
    assert refusal(bundle(Era.B2, iso)) == (
        f"bundle eve-17.3.0: its installer.iso has no {lacking.path} that lies in it in one piece"
    )


def test_the_first_installers_with_an_iso_have_no_squashfs_in_it() -> None:
    assert refusal(bundle(Era.B1, WHOLE[:2])) == ""
