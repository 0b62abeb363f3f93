"""Files of a bundle's installer.iso, found as if they were unpacked below ``iso/`` beside it.

Where they lie was read, and held against the size of the image, when the bundle was imported or found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netbootd.boot.bundle import Bundle

FOLDER = "iso"
_IMAGE = "installer.iso"


@dataclass(frozen=True, slots=True)
class Inside:
    """``size`` bytes from ``offset`` on of ``image``, a path under artifacts, which had ``image_size`` bytes then."""

    image: str
    image_size: int
    offset: int
    size: int


def inside(bundles: Mapping[str, Bundle], path: str) -> Inside | None:
    """What ``BUNDLE/iso/PATH`` names, BUNDLE being a name, a digest or a directory; None for anything else."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    for place, part in enumerate(parts):
        bundle = bundles.get("/".join(parts[:place])) if part == FOLDER else None
        if bundle and (file := bundle.in_iso("/".join(parts[place + 1 :]))):
            return Inside(f"{bundle.directory}/{_IMAGE}", bundle.iso_size, file.offset, file.size)
    return None
