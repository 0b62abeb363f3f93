"""The cards that ``netbootd doctor`` asks by: answered like any other, and no boot of a machine."""

from __future__ import annotations

PREFIX = bytes.fromhex("026e62")
"""Locally administered, so of no maker; "nb"."""


def rehearsed(mac: str) -> bool:
    """Whether this address, as events write it, is a rehearsal's."""
    return mac.startswith(PREFIX.hex(":"))
