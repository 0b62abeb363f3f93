"""What may be the name of a file inside an image."""

from __future__ import annotations

import pytest

from netbootd.wire.errors import WireError
from netbootd.wire.file_names import BAD_NAME, MAX_PATH, below


def test_a_name_is_put_below_its_directory() -> None:
    assert below("", "boot") == "boot"
    assert below("EFI/BOOT", "grub.cfg") == "EFI/BOOT/grub.cfg"


@pytest.mark.parametrize("name", ["...", ".uuid", "a b", "Größe", "a\\b", "~"])
def test_unusual_names_are_names(name: str) -> None:
    assert below("boot", name) == f"boot/{name}"


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a/b", "/etc", "a\0", "a\n", "\x1b[2J", "\x7f"])
def test_names_that_lead_elsewhere_or_break_a_line_are_errors(name: str) -> None:
    with pytest.raises(WireError) as caught:
        below("boot", name)
    assert caught.value.reason == BAD_NAME


def test_a_path_has_an_end() -> None:
    assert len(below("d" * (MAX_PATH - 2), "n")) == MAX_PATH
    with pytest.raises(WireError):
        below("d" * (MAX_PATH - 2), "nn")
