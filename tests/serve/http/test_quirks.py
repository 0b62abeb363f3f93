"""The table of HTTP clients that need more than the RFCs say."""

from __future__ import annotations

import pytest

from netbootd.serve.http.quirks import NONE, QUIRKS, quirk_for


@pytest.mark.parametrize("agent", ["", "curl/7.88", "iPXE/1.21.1", "UefiHttpBoot/1.0", "Wget GRUB 2.12", "GRUBBY"])
def test_most_clients_need_nothing(agent: str) -> None:
    assert quirk_for(agent) is NONE


def test_grub_needs_bare_errors_and_much_patience() -> None:
    grub = quirk_for("GRUB 2.12")
    assert grub.bare_errors
    assert grub.stall_seconds >= 600


def test_every_entry_says_why() -> None:
    assert all(quirk.evidence and quirk.agent and quirk.name for quirk in QUIRKS)
