"""The bundles under ``artifacts``.

An imported one lies in a directory named after its content, ``sha256-0123456789abcdef``, which never changes.  Its
names are symbolic links to that, so that one bundle may have several.  A directory that somebody unpacked there by
hand is a bundle under the name it has.
"""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from netbootd.artifacts import manifest
from netbootd.artifacts.eve_config import stock_config
from netbootd.artifacts.eve_content import detect, directory_content, looks_like_eve, named
from netbootd.artifacts.faults import ImportFault
from netbootd.artifacts.layout import MANIFEST
from netbootd.artifacts.manifest import BadManifest, Manifest
from netbootd.payloads.eve.bundle import Bundle

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_PREFIX = "sha256-"
_DEPTH = 3
_MOST_ENTRIES = 20_000


@dataclass(frozen=True, slots=True)
class OnShelf:
    """A bundle, all its names, and for an imported one its manifest."""

    bundle: Bundle
    names: tuple[str, ...]
    manifest: Manifest | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """All bundles, in the order of their names, and what could not be used."""

    bundles: Mapping[str, Bundle]
    """By name, by digest and by directory."""
    all: tuple[OnShelf, ...] = ()
    notes: tuple[str, ...] = ()

    def find(self, name: str) -> OnShelf | None:
        """By name, digest or directory; a digest may be cut short."""
        if (bundle := self.bundles.get(name)) is None:
            short = name.removeprefix(_PREFIX)
            close = {
                each.bundle.digest for each in self.all if len(short) >= 8 and each.bundle.digest.startswith(short)
            }
            bundle = self.bundles[close.pop()] if len(close) == 1 else None
        return next((each for each in self.all if bundle and each.bundle.directory == bundle.directory), None)


def directory_for(digest: str) -> str:
    return f"{_PREFIX}{digest[:16]}"


def scan(artifacts: Path) -> Shelf:
    """Read what lies there.  What cannot be used is a note, never an error."""
    found: list[OnShelf] = []
    notes: list[str] = []
    links = _links(artifacts)
    for number, directory in enumerate(_directories(artifacts, _DEPTH)):
        if number >= _MOST_ENTRIES:
            notes.append(f"artifacts: {artifacts} holds too many directories; the rest is not searched for bundles")
            break
        try:
            if (one := _on_shelf(artifacts, directory, links)) is not None:
                found.append(one)
        except (OSError, ImportFault, BadManifest) as error:
            notes.append(f"bundle {directory.relative_to(artifacts)} cannot be used: {_said(error)}")
    found.sort(key=lambda each: each.names or (each.bundle.directory,))
    return Shelf(_by_every_name(found), tuple(found), tuple(notes))


def give_name(artifacts: Path, name: str, directory: str) -> None:
    """Let ``name`` be a name of that bundle.  Raises `ImportFault` where it is another's."""
    if why := name_fault(artifacts, name, directory):
        raise ImportFault(why)
    link = artifacts / name
    if not link.is_symlink():
        link.symlink_to(directory)


def name_fault(artifacts: Path, name: str, directory: str) -> str:
    """Why the bundle in ``directory`` cannot have this name, or ""."""
    if not NAME.fullmatch(name):
        return f"{name!r} is no name for a bundle: letters, digits, '.', '_' and '-', and not more than 64"
    if name.startswith(_PREFIX):
        return f"{name!r} is no name for a bundle: {_PREFIX}... are the directories of their contents"
    link = artifacts / name
    if not link.is_symlink():
        return f"{link} exists already, and is no bundle that was imported" if link.exists() else ""
    if _target(link) == directory:
        return ""
    return f"{name} is the name of another bundle, {_target(link)}; choose another, or: netbootd bundles remove {name}"


@dataclass(frozen=True, slots=True)
class Located:
    """Where an imported bundle lies, whole or damaged, and its names."""

    directory: str
    names: tuple[str, ...]


def located(artifacts: Path, name: str) -> Located:
    """By name, digest or directory.  Raises `ImportFault` where there is no such bundle or it was not imported."""
    link = artifacts / name
    if NAME.fullmatch(name) and link.is_symlink():
        directory = _target(link)
    elif (one := scan(artifacts).find(name)) is not None:
        directory = one.bundle.directory
    else:
        directory = name
    if NAME.fullmatch(directory) and directory.startswith(_PREFIX):
        names = tuple(sorted(_links(artifacts).get(directory, ())))
        if names or (artifacts / directory).is_dir():
            return Located(directory, names)
    elif (artifacts / directory).is_dir():
        raise ImportFault(f"{artifacts / directory} was not imported; it is yours to delete")
    raise ImportFault(f"there is no bundle {name}")


@dataclass(frozen=True, slots=True)
class Removed:
    """``kept`` are the names it still has; without any it is gone, and ``size`` is what that freed."""

    directory: str
    size: int
    kept: tuple[str, ...] = ()


def remove(artifacts: Path, name: str) -> Removed:
    """Take away a name, and with the last one the bundle; by digest or directory, all at once.

    Raises `ImportFault` as `located` does, and OSError.
    """
    found = located(artifacts, name)
    kept = tuple(each for each in found.names if each != name) if name in found.names else ()
    for each in set(found.names) - set(kept):
        (artifacts / each).unlink()
    if kept:
        return Removed(found.directory, 0, kept)
    directory = artifacts / found.directory
    size = sum(path.lstat().st_size for path in directory.rglob("*") if not path.is_dir())
    if directory.exists():
        discard(directory)
    return Removed(found.directory, size)


def discard(directory: Path) -> None:
    """Delete a bundle's directory; it is out of sight at once."""
    gone = directory.with_name(f".gone-{directory.name}")
    if gone.exists():
        shutil.rmtree(gone)
    directory.rename(gone)
    shutil.rmtree(gone)


def damage(directory: Path, listed: Manifest) -> str:
    """What is missing or has another size than it had when it was imported, or ""."""
    for file in listed.files:
        try:
            size = (directory / file.path).lstat().st_size
        except OSError as error:
            return f"{file.path}: {error.strerror}"
        if size != file.size:
            return f"{file.path} has {size} bytes, not {file.size}"
    return ""


def _on_shelf(artifacts: Path, directory: Path, links: Mapping[str, list[str]]) -> OnShelf | None:
    here = directory.relative_to(artifacts).as_posix()
    files = {entry.name for entry in directory.iterdir()}
    if MANIFEST in files:
        listed = manifest.read(directory / MANIFEST)
        if why := damage(directory, listed):
            raise BadManifest(f"damaged: {why}; import it anew")
        names = tuple(sorted(links.get(here, ())))
        stock = stock_config(directory_content(directory, listed.bundle.files), listed.bundle)
        listed = replace(listed, bundle=replace(listed.bundle, stock=stock))
        return OnShelf(named(replace(listed.bundle, directory=here), (*names, here)[0]), names, listed)
    if looks_like_eve(files):
        content = directory_content(directory, _plain_files(directory))
        found = detect(content)
        found = replace(found, directory=here, stock=stock_config(content, found))
        return OnShelf(named(found, here), (here,))
    return None


def _plain_files(directory: Path) -> Iterator[str]:
    """Two levels and more down lies ``EFI/BOOT``; nothing else of interest is deeper."""
    for path in (*directory.iterdir(), *directory.glob("EFI/BOOT/*")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(directory).as_posix()


def _directories(root: Path, depth: int) -> Iterator[Path]:
    """Directories below ``root`` that may be bundles; what is in one is not searched for more."""
    try:
        entries = sorted(root.iterdir())
    except OSError:
        return
    for path in entries:
        if path.name.startswith(".") or path.is_symlink() or not path.is_dir():
            continue
        yield path
        if depth > 1 and not (path / MANIFEST).exists() and not (path / "kernel").exists():
            yield from _directories(path, depth - 1)


def _links(artifacts: Path) -> Mapping[str, list[str]]:
    """Names by the directory they lead to."""
    found: dict[str, list[str]] = {}
    try:
        entries = [path for path in artifacts.iterdir() if stat.S_ISLNK(path.lstat().st_mode)]
    except OSError:
        return found
    for path in entries:
        found.setdefault(_target(path), []).append(path.name)
    return found


def _target(link: Path) -> str:
    return link.readlink().as_posix()


def _by_every_name(found: list[OnShelf]) -> Mapping[str, Bundle]:
    bundles: dict[str, Bundle] = {}
    for each in found:
        for key in filter(None, (each.bundle.directory, each.bundle.digest)):
            bundles[key] = each.bundle
        bundles.update((name, _as(each, name)) for name in each.names)
    return MappingProxyType(bundles)


def _as(one: OnShelf, name: str) -> Bundle:
    if name == one.bundle.name:
        return one.bundle
    listed = one.manifest.bundle if one.manifest else one.bundle
    return named(replace(listed, directory=one.bundle.directory), name)


def _said(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
