"""Which way a bundle is booted, or why it cannot be."""

from __future__ import annotations

from netbootd.payloads.eve.abilities import broken
from netbootd.payloads.eve.bundle import Bundle, Era


def refusal(bundle: Bundle) -> str:
    """Why this version of netbootd does not boot the bundle; "" where it does."""
    if why := broken(bundle):
        return f"bundle {bundle.name} is {why}"
    if bundle.era is not Era.A:
        return f"bundle {bundle.name} is of era {bundle.era.value}: not bootable yet by this version"
    return ""
