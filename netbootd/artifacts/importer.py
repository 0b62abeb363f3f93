"""Make a bundle out of a source: all of it or nothing.

The files are gathered in a hidden directory beside where they will lie (`netbootd.artifacts.staging`).  What they are
is told from their content, and one rename brings the bundle into being.
"""

from __future__ import annotations

import errno
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from netbootd.artifacts import bundles, manifest
from netbootd.artifacts.eve_content import Content, Hint, detect, directory_content, named
from netbootd.artifacts.faults import ImportFault
from netbootd.artifacts.layout import arranged
from netbootd.artifacts.manifest import BadManifest, Manifest, Stored
from netbootd.artifacts.sources import Source
from netbootd.artifacts.staging import DEFAULT, Limits, Staged, sync, workshop
from netbootd.payloads.eve.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import ended."""

    bundle: Bundle
    already: bool
    """The same bundle was there before; at most it has a name more."""
    verified: str
    """The file of sums that its source was held against and agrees with, or ""."""
    left_out: tuple[str, ...]
    """Files of the source that are no part of the bundle."""
    new_name: bool = True
    """Nobody had called it so."""


def import_bundle(
    source: Source, artifacts: Path, *, name: str | None, imported: str, limits: Limits = DEFAULT
) -> Imported:
    """Import under ``name``, or under one made from the version; ``imported`` is the time, for the manifest.

    Raises `ImportFault`, and OSError where the disk is at fault; nothing is left behind then.
    """
    artifacts.mkdir(parents=True, exist_ok=True)
    if name is not None and not bundles.NAME.fullmatch(name):
        raise ImportFault(bundles.name_fault(artifacts, name, ""))
    _enough_room(artifacts, source.size)
    with workshop(artifacts) as work:
        return _Import(source, artifacts, work, name, imported, limits).done()


@dataclass(frozen=True, slots=True)
class _Import:
    source: Source
    artifacts: Path
    work: Path
    name: str | None
    imported: str
    limits: Limits

    def done(self) -> Imported:
        staged = Staged(self.work / "files", self.limits)
        for entry in self.source.entries:
            staged.take(entry)
        verified = self._verified(staged)
        layout = arranged(staged.files)
        stored = staged.arrange(layout, self.work / "bundle")
        hints = (Hint(self.name or "", "--name"), Hint(self.source.name, "the name of its source"))
        found = detect(_content(self.work / "bundle", stored), hints)
        found = replace(found, digest=manifest.digest_of(stored))
        directory = bundles.directory_for(found.digest)
        name = self._name(found, directory)
        listed = Manifest(found, stored, self.source.name, self.imported, verified)
        left_out = (*self.source.left_out, *layout.left_out)
        already = _put(self.work / "bundle", self.artifacts / directory, listed)
        new_name = not (self.artifacts / name).is_symlink()
        bundles.give_name(self.artifacts, name, directory)
        sync(self.artifacts)
        return Imported(named(replace(found, directory=directory), name), already, verified, left_out, new_name)

    def _verified(self, staged: Staged) -> str:
        whole = self.source.whole
        digests = whole() if whole else {path: file.sha256 for path, file in staged.files.items()}
        return ", ".join(self.source.sums.files) if self.source.sums.verify(digests) else ""

    def _name(self, found: Bundle, directory: str) -> str:
        """The one that was asked for, or the version's; where that is taken, with a piece of the digest."""
        name = self.name or usual_name(found)
        why = bundles.name_fault(self.artifacts, name, directory)
        if why and self.name is None:
            name = f"{name[:50]}-{found.digest[:8]}"
            why = bundles.name_fault(self.artifacts, name, directory)
        if why:
            raise ImportFault(why)
        return name


def usual_name(bundle: Bundle) -> str:
    """``eve-17.3.0``, with platform, hypervisor and architecture where they are not the usual ones."""
    parts = (bundle.platform, bundle.hv, bundle.arch)
    unusual = (part for part, usual in zip(parts, ("generic", "kvm", "amd64"), strict=True) if part not in ("", usual))
    return "-".join(("eve", bundle.version or bundle.digest[:12], *unusual))


def _content(where: Path, stored: tuple[Stored, ...]) -> Content:
    return directory_content(where, (file.path for file in stored))


def _put(made: Path, place: Path, listed: Manifest) -> bool:
    """Bring the bundle to its place; True if it was there already and is whole."""
    if _is_there(place, listed.bundle.digest):
        return True
    path = manifest.place(made)
    with path.open("x") as file:
        file.write(manifest.write(listed))
        file.flush()
        os.fchmod(file.fileno(), 0o444)
        os.fsync(file.fileno())
    for directory in (*(each for each in made.rglob("*") if each.is_dir()), made):
        sync(directory)
    try:
        made.rename(place)
    except OSError as error:
        # Somebody imported the same at the same time, and was first.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not _is_there(place, listed.bundle.digest):
            raise
        return True
    return False


def _is_there(place: Path, digest: str) -> bool:
    """Whether the bundle lies there.  One that was damaged since is taken away, to be put there anew."""
    if not place.exists():
        return False
    try:
        listed = manifest.read(manifest.place(place))
    except (OSError, BadManifest):
        bundles.discard(place)
        return False
    if listed.bundle.digest != digest:
        raise ImportFault(f"{place} holds another bundle, {listed.bundle.digest}")
    if bundles.damage(place, listed):
        bundles.discard(place)
        return False
    return True


def _enough_room(artifacts: Path, size: int | None) -> None:
    free = shutil.disk_usage(artifacts).free
    if size is not None and size > free:
        raise ImportFault(f"{artifacts} has {free >> 20} MiB free, and {size >> 20} MiB are needed")
