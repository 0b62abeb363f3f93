"""Which bundles are booted, and the sentence for those that are not."""

from __future__ import annotations

import pytest

from netbootd.payloads.eve.bundle import Bundle, Era
from netbootd.payloads.eve.routes import refusal


def test_the_classic_layout_boots() -> None:
    assert refusal(Bundle("eve-13.3.0", "", "eve-13.3.0", Era.A)) == ""


@pytest.mark.parametrize("era", [Era.B1, Era.B2, Era.B3])
def test_what_is_not_booted_yet_is_named(era: Era) -> None:
    said = refusal(Bundle("eve-17.3.0", "", "sha256-1", era))
    assert said == f"bundle eve-17.3.0 is of era {era.value}: not bootable yet by this version"


def test_what_is_broken_is_refused_with_the_way_round() -> None:
    said = refusal(Bundle("eve-15.1.0", "", "sha256-1", Era.B1X))
    assert said.startswith("bundle eve-15.1.0 is broken as released")
    assert "15.2.0" in said
