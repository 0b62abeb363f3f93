"""The ``sha256sums`` that lie beside what EVE releases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from netbootd.artifacts.faults import ImportFault

_LARGEST = 1 << 20
_LINE = re.compile(r"\\?(?P<digest>[0-9a-fA-F]{64}) [ *](?P<name>.+)")


@dataclass(frozen=True, slots=True)
class Sums:
    """Digests by file name, out of all files of sums that were found."""

    digests: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    def verify(self, digests: Mapping[str, str]) -> int:
        """How many of ``digests``, by file name, are as they should be.  Raises `ImportFault` for one that is not."""
        known = {name: digest for name, digest in digests.items() if name in self.digests}
        for name, digest in known.items():
            if self.digests[name] != digest:
                raise ImportFault(
                    f"{name} is not the file that {' or '.join(self.files)} describes: its SHA-256 is {digest}, "
                    f"and should be {self.digests[name]}; download it again"
                )
        return len(known)


def is_sums(name: str) -> bool:
    """``sha256sums``, ``SHA256SUMS.txt``, ``amd64.kvm.generic.sha256sums``."""
    return "sha256sum" in name.rpartition("/")[2].lower()


def sums_in(directory: Path) -> Sums:
    """What the files of sums in a directory say, which must not contradict each other.  Raises `ImportFault`."""
    digests: dict[str, str] = {}
    files = sorted(path for path in directory.iterdir() if is_sums(path.name) and path.is_file())
    for path in files:
        for name, digest in _read(path).items():
            if digests.setdefault(name, digest) != digest:
                raise ImportFault(f"{' and '.join(each.name for each in files)} name different digests for {name}")
    return Sums(digests, tuple(path.name for path in files))


def _read(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ImportFault(f"{path.name} is larger than {_LARGEST >> 20} MiB")
    found = map(_LINE.fullmatch, data.decode("utf-8", "replace").splitlines())
    return {match["name"].removeprefix("./"): match["digest"].lower() for match in found if match}
