"""``bundle.json``, which netbootd writes beside the files of a bundle it imported."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netbootd.artifacts.layout import MANIFEST
from netbootd.payloads.eve.bundle import Bundle, Era, IsoFile

FORMAT = 1
_LARGEST = 64 << 20
_TEXTS = ("digest", "arch", "version", "version_from", "hv", "platform", "cmdline", "grub", "grub_include")
_NUMBERS = ("size", "iso_size", "config_size")


class BadManifest(ValueError):
    """It is not to be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of a bundle."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A bundle without name and directory, its files, and where it came from."""

    bundle: Bundle
    files: tuple[Stored, ...]
    source: str
    imported: str
    """When, as ISO 8601 in UTC."""
    verified: str
    """The file of sums its source was held against, or ""."""


def digest_of(files: tuple[Stored, ...]) -> str:
    """SHA-256 of what ``sha256sum`` prints for the files in the order of their paths."""
    lines = (f"{file.sha256}  {file.path}\n" for file in sorted(files, key=lambda file: file.path))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def write(manifest: Manifest) -> str:
    bundle = manifest.bundle
    described: dict[str, object] = {key: getattr(bundle, key) for key in (*_TEXTS, *_NUMBERS)}
    described["era"] = bundle.era.value
    described["iso"] = [[file.path, file.offset, file.size] for file in bundle.iso]
    files = [dataclasses.asdict(file) for file in manifest.files]
    about = {"source": manifest.source, "imported": manifest.imported, "verified": manifest.verified}
    return json.dumps({"format": FORMAT, **described, **about, "files": files}, indent=1) + "\n"


def read(path: Path) -> Manifest:
    """Raises `BadManifest`, and OSError where there is none."""
    with path.open("rb") as file:
        text = file.read(_LARGEST + 1)
    try:
        said = json.loads(text)
        if said["format"] != FORMAT:
            raise BadManifest(f"{path}: written by another version of netbootd")
        return _manifest(said)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if isinstance(error, BadManifest):
            raise
        raise BadManifest(f"{path}: damaged ({error})") from error


def _manifest(said: dict[str, Any]) -> Manifest:
    files = tuple(Stored(str(file["path"]), int(file["size"]), str(file["sha256"])) for file in said["files"])
    texts: dict[str, Any] = {key: str(said[key]) for key in _TEXTS}
    numbers: dict[str, Any] = {key: int(said[key]) for key in _NUMBERS}
    bundle = Bundle(
        name="",
        directory="",
        era=Era(said["era"]),
        files=tuple(file.path for file in files),
        iso=tuple(IsoFile(str(path), int(offset), int(size)) for path, offset, size in said["iso"]),
        **texts,
        **numbers,
    )
    if bundle.digest != digest_of(files):
        raise ValueError("its digest is not that of its files")
    return Manifest(bundle, files, str(said["source"]), str(said["imported"]), str(said["verified"]))


def place(directory: Path) -> Path:
    return directory / MANIFEST
