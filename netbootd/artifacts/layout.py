"""Where the files of a source belong in a bundle.

They come as they are, in one directory of their own, or under the names of release assets (``amd64.kernel``,
``amd64.kvm.generic.installer.iso``), which carry the architecture and more before the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netbootd.artifacts.checksums import is_sums
from netbootd.artifacts.eve_content import looks_like_eve
from netbootd.artifacts.eve_release import ARCHES, HYPERVISORS
from netbootd.artifacts.faults import ImportFault
from netbootd.payloads.eve.bundle import ISO
from netbootd.payloads.eve.classic import FILES as CLASSIC

MANIFEST = "bundle.json"
"""netbootd's own file in a bundle; what a source has of that name is left out."""

_ASSET = re.compile(rf"(?P<prefix>(?:{'|'.join(ARCHES)})\.(?:(?:{'|'.join(HYPERVISORS)})\.[a-z0-9_-]+\.)?)(?P<name>.+)")
_ASSETS = (*CLASSIC, ISO, "ipxe.efi", "ipxe.efi.cfg")
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Layout:
    """``places``: path in the bundle -> path in the source."""

    places: Mapping[str, str]
    left_out: tuple[str, ...] = ()


def arranged(paths: Iterable[str]) -> Layout:
    """Raises `ImportFault` where these are no bundle."""
    given = [path for path in paths if path != MANIFEST and not is_sums(path)]
    for places in (_as_they_are(given), _out_of_one_directory(given)):
        if looks_like_eve(places):
            return Layout(places)
    return _out_of_assets(given)


def _as_they_are(paths: list[str]) -> dict[str, str]:
    return {path: path for path in paths}


def _out_of_one_directory(paths: list[str]) -> dict[str, str]:
    tops = {path.partition("/")[0] for path in paths}
    if len(tops) != 1:
        return {}
    return {below: path for path in paths if (below := path.partition("/")[2]) and below != MANIFEST}


def _out_of_assets(paths: list[str]) -> Layout:
    found: dict[str, dict[str, str]] = {}
    for path in paths:
        asset = _ASSET.fullmatch(path)
        if asset and asset["name"] in _ASSETS:
            found.setdefault(asset["prefix"], {})[asset["name"]] = path
    releases = {prefix: places for prefix, places in found.items() if looks_like_eve(places)}
    if len(releases) > 1:
        raise ImportFault(f"there are several releases: {', '.join(sorted(releases))}; give a directory with one")
    for places in releases.values():
        return Layout(places, tuple(sorted(set(paths) - set(places.values()))))
    raise ImportFault(
        "no EVE network installer: there is neither an installer.iso nor a kernel with initrd.bits, "
        f"but {_listed(paths) or 'nothing at all'}"
    )


def _listed(paths: list[str]) -> str:
    shown = sorted(paths)[:_SHOWN]
    more = len(paths) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
