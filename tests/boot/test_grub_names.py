"""The names GRUB asks for, in the order it asks, as seen in QEMU."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.grub_names import ByAddress, ByCard, Probe, wanted
from netbootd.wire.mac import Mac

CARD = Mac.parse("52:54:00:99:00:01")


@pytest.mark.parametrize(
    "path",
    [
        "EFI/BOOT/grub.cfg-01-52-54-00-99-00-01",
        "grub.cfg-01-52-54-00-99-00-01",
        "/EFI/debian/GRUB.CFG-01-52-54-00-99-00-01",
        "boot/grub/grub.cfg-01-52:54:00:99:00:01",
    ],
)
def test_a_card_names_its_machine_in_any_directory(path: str) -> None:
    assert wanted(path) == ByCard(CARD)


@pytest.mark.parametrize("path", ["grub.cfg", "EFI/BOOT/grub.cfg", "sha256-1/EFI/BOOT/GRUB.CFG"])
def test_the_last_name_is_for_whoever_asks(path: str) -> None:
    assert wanted(path) == ByAddress()


@pytest.mark.parametrize(
    "path",
    [
        "EFI/BOOT/grub.cfg-44332211-6655-8877-99aa-bbccddeeff00",
        "EFI/BOOT/grub.cfg-00000000-0000-0000-0000-000000000000",
        *(f"EFI/BOOT/grub.cfg-{'0A6300A8'[:digits]}" for digits in range(8, 0, -1)),
        "EFI/BOOT/grub.cfg-20-00-11-22-33-44-55-66-77-88-99-aa-bb",
        *(f"EFI/BOOT/x86_64-efi/{name}.lst" for name in ("command", "fs", "crypto", "terminal")),
        "EFI/BOOT/x86_64-efi/efi.mod",
        "EFI/BOOT/arm64-efi/http.mod",
    ],
)
def test_the_others_are_tried_on_the_way(path: str) -> None:
    assert wanted(path) == Probe()


@pytest.mark.parametrize(
    "path",
    ["", "/", "grub.cfg.bak", "mygrub.cfg", "grub.cfg-", "grub.cfg-local", "EFI/BOOT/BOOTX64.EFI", "x86_64-efi.mod"],
)
def test_anything_else_is_a_file(path: str) -> None:
    assert wanted(path) is None


@given(st.text())
def test_any_path_is_one_of_them_or_a_file(path: str) -> None:
    for name in (path, f"grub.cfg-01-{path}", f"grub.cfg-{path}", f"x86_64-efi/{path}.lst"):
        assert isinstance(wanted(name), ByCard | ByAddress | Probe | None)
