"""What a set of files is, as an EVE bundle: told by names and a few small reads."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from netbootd.artifacts.eve_iso import read_iso
from netbootd.artifacts.eve_release import ARCHES, Release, in_name, in_script
from netbootd.artifacts.faults import ImportFault
from netbootd.payloads.eve import config_partition
from netbootd.payloads.eve.abilities import notes
from netbootd.payloads.eve.bundle import ISO, Bundle, Era
from netbootd.payloads.eve.classic import FILES as CLASSIC

_KERNEL = 64 * 1024
_EFI = {"EFI/BOOT/BOOTX64.EFI": "amd64", "EFI/BOOT/BOOTAA64.EFI": "arm64", "EFI/BOOT/BOOTRISCV64.EFI": "riscv64"}

Read = Callable[[str, int, int], bytes]
"""(path, offset, length) -> bytes; shorter only where the file ends."""


@dataclass(frozen=True, slots=True)
class Content:
    """Files by their paths in the bundle, and how to read in them."""

    sizes: Mapping[str, int]
    read: Read


@dataclass(frozen=True, slots=True)
class Hint:
    """A name that may say the version, and what to call it: ("eve-17.3.0.tar", "the file's name")."""

    text: str
    where: str


def looks_like_eve(paths: Iterable[str]) -> bool:
    """Whether it is worth a closer look."""
    names = set(paths)
    return ISO in names or {"kernel", "initrd.bits"} <= names


def detect(content: Content, hints: tuple[Hint, ...] = ()) -> Bundle:
    """The bundle these files are, without name, digest and directory.  Raises `ImportFault`."""
    if {"kernel", "initrd.bits"} <= set(content.sizes):
        found = _classic(content)
    elif ISO in content.sizes:
        found = _with_iso(content)
    else:
        raise ImportFault("no EVE network installer: there is neither an installer.iso nor a kernel with initrd.bits")
    sized = replace(found, size=sum(content.sizes.values()), files=tuple(sorted(content.sizes)))
    return noted(_hinted(sized, hints))


def named(bundle: Bundle, name: str) -> Bundle:
    """The same bundle by another name, which may say what its content does not."""
    return noted(_hinted(replace(bundle, name=name), (Hint(name, "its name"),)))


def noted(bundle: Bundle) -> Bundle:
    return replace(bundle, notes=notes(bundle))


def directory_content(root: Path, paths: Iterable[str]) -> Content:
    """Files of a directory.  Raises OSError."""

    def read(path: str, offset: int, length: int) -> bytes:
        fd = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return os.pread(fd, length, offset)
        finally:
            os.close(fd)

    return Content({path: (root / path).lstat().st_size for path in paths}, read)


def _classic(content: Content) -> Bundle:
    if missing := [name for name in CLASSIC if name not in content.sizes]:
        raise ImportFault(f"an incomplete installer of 13.3 or older: there is no {', no '.join(missing)}")
    script = _text(content, "ipxe.efi.cfg")
    version = in_script(script)
    return _bundle(
        Era.A,
        Release(version, arch=_kernel_arch(content.read("kernel", 0, _KERNEL))),
        "the address in its ipxe.efi.cfg",
        config_size=config_partition.SIZE,
    )


def _with_iso(content: Content) -> Bundle:
    size = content.sizes[ISO]
    iso = read_iso(lambda offset, length: content.read(ISO, offset, length), size)
    arch = next((arch for path, arch in _EFI.items() if path in content.sizes), "")
    release = Release(arch=arch).over(iso.release)
    where = "etc/eve-release in its ISO"
    if not release.version:
        release, where = Release(in_script(_text(content, "ipxe.efi.cfg"))).over(release), "its ipxe.efi.cfg"
    if not release.arch:
        kernel = next(file for file in iso.files if file.path == "boot/kernel")
        release = release.over(Release(arch=_kernel_arch(content.read(ISO, kernel.offset, min(kernel.size, _KERNEL)))))
    return replace(
        _bundle(iso.era, release, where, config_size=iso.config_size),
        iso=iso.files,
        iso_size=size,
        cmdline=iso.cmdline,
        grub=iso.grub,
        grub_include=iso.grub_include,
    )


def _bundle(era: Era, release: Release, where: str, *, config_size: int) -> Bundle:
    return Bundle(
        "",
        "",
        "",
        era,
        arch=release.arch,
        version=release.version,
        version_from=where if release.version else "",
        hv=release.hv,
        platform=release.platform,
        config_size=config_size,
    )


def _hinted(bundle: Bundle, hints: tuple[Hint, ...]) -> Bundle:
    """What the content leaves open, from names."""
    for hint in hints:
        said = in_name(hint.text)
        bundle = replace(
            bundle,
            version=bundle.version or said.version,
            version_from=bundle.version_from or (hint.where if said.version else ""),
            hv=bundle.hv or said.hv,
            platform=bundle.platform or said.platform,
            arch=bundle.arch or (said.arch if said.arch in ARCHES else ""),
        )
    return bundle


def _text(content: Content, path: str) -> str:
    return content.read(path, 0, 64 * 1024).decode("utf-8", "replace") if path in content.sizes else ""


def _kernel_arch(head: bytes) -> str:
    """By the magic of Linux' boot protocols: x86 "HdrS", arm64 "ARM\\x64", riscv "RSC\\x05"; gzip is looked into."""
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(31).decompress(head, 4096)
        except zlib.error:
            return ""
    if head[0x202:0x206] == b"HdrS":
        return "amd64"
    return {b"ARM\x64": "arm64", b"RSC\x05": "riscv64"}.get(head[56:60], "")
