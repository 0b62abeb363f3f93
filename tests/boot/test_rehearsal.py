"""The cards of ``netbootd doctor``."""

from __future__ import annotations

from netbootd.boot.rehearsal import PREFIX, rehearsed
from netbootd.wire.mac import Mac


def test_a_rehearsal_is_known_by_its_card() -> None:
    assert rehearsed(str(Mac(PREFIX + b"\1\2\3")))
    assert not rehearsed("52:54:00:12:34:56")
    assert not rehearsed("")


def test_no_maker_has_such_cards() -> None:
    """Bit 1 of the first octet: locally administered (IEEE 802); and it is no group's."""
    assert PREFIX[0] & 3 == 2
