"""What anybody may ask of a bundle: a payload's own type has at least that."""

from __future__ import annotations

from netbootd.boot.bundle import Bundle, Piece
from netbootd.payloads.eve import bundle as eve


def test_a_bundle_of_eve_is_a_bundle() -> None:
    """Types say so; this says that the fields are there when it runs."""
    file = eve.IsoFile("boot/kernel", 2048, 4096)
    made: Bundle = eve.Bundle("edge", "", "sha256-1", eve.Era.B2, iso=(file,), iso_size=8192, notes=("old",))
    assert (made.name, made.directory, made.notes, made.iso_size) == ("edge", "sha256-1", ("old",), 8192)
    found: Piece | None = made.in_iso("boot/kernel")
    assert found
    assert (found.offset, found.size) == (2048, 4096)
    assert made.in_iso("boot/none") is None


def test_it_is_told_from_that_of_another_payload() -> None:
    class Other:
        name, directory, arch, notes, iso_size = "other", "other", "amd64", (), 0

        def in_iso(self, path: str) -> None:
            return None

    mine = eve.Bundle("edge", "", "sha256-1", eve.Era.B2)
    assert (eve.of_eve(mine), eve.of_eve(Other()), eve.of_eve(None)) == (mine, None, None)
