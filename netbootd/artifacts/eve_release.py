"""What EVE's own names say: ``17.3.0-rt-kvm-amd64`` in etc/eve-release, image tags and the names of release assets."""

from __future__ import annotations

import re
from dataclasses import dataclass

ARCHES = ("amd64", "arm64", "riscv64")
HYPERVISORS = ("kvm", "xen", "k", "kubevirt", "acrn", "mini")
PLATFORMS = r"generic|rt|evaluation|nvidia-jp\d+|imx8m\w+"

_VERSION = r"\d{1,4}\.\d{1,4}\.\d{1,4}(?:-lts)?(?:-rc\d+)?"
_EXACT = re.compile(
    rf"(?P<version>\d+\.\d+\.\d+(?:-[\w.+]+?)*?)(?:-(?P<platform>{PLATFORMS}))?"
    rf"-(?P<hv>{'|'.join(HYPERVISORS)})-(?P<arch>{'|'.join(ARCHES)})"
)
_ASSET = re.compile(rf"(?P<arch>{'|'.join(ARCHES)})\.(?P<hv>{'|'.join(HYPERVISORS)})\.(?P<platform>{PLATFORMS})\..+")
_IN_NAME = re.compile(rf"(?<![\d.]){_VERSION}(?!\.?\d)")
_IN_URL = re.compile(rf"/(?P<version>{_VERSION})/(?:{'|'.join(ARCHES)})\.")
_WORDS = re.compile(r"[^-_. ]+")
_OTHER_ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Release:
    """What is not said is ""."""

    version: str = ""
    hv: str = ""
    platform: str = ""
    arch: str = ""

    def over(self, other: Release) -> Release:
        """This one, and ``other`` where it says nothing."""
        return Release(
            self.version or other.version,
            self.hv or other.hv,
            self.platform or other.platform,
            self.arch or other.arch,
        )


def exact(text: str) -> Release:
    """The content of etc/eve-release, or the tag of an image.  A platform that is not named is the generic one."""
    text = text.strip()
    found = _EXACT.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return Release(text if re.fullmatch(_VERSION, text) else "")
    return Release(found["version"], found["hv"], found["platform"] or "generic", found["arch"])


def in_name(name: str) -> Release:
    """What the name of a file or a bundle says: ``eve-17.3.0``, ``amd64.kvm.generic.installer-net.tar``."""
    name = name.lower()[:_LONGEST]
    version = _IN_NAME.search(name)
    if asset := _ASSET.fullmatch(name):
        return Release(version[0] if version else "", asset["hv"], asset["platform"], asset["arch"])
    words = _WORDS.findall(name.replace("x86_64", "amd64"))
    platform = re.search(rf"(?<![a-z0-9])({PLATFORMS})(?![a-z0-9])", name)
    return Release(
        version[0] if version else "",
        next((hv for hv in HYPERVISORS if hv in words), ""),
        platform[0] if platform else "",
        next((_OTHER_ARCHES.get(word, word) for word in words if word in (*ARCHES, *_OTHER_ARCHES)), ""),
    )


def in_script(text: str) -> str:
    """The version in the download address of a release's ``ipxe.efi.cfg``, or ""."""
    found = _IN_URL.search(text)
    return found["version"] if found else ""
