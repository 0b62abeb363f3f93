"""Hardware addresses, in every spelling people and firmware use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from netbootd.wire.errors import WireError

_SEPARATED = re.compile(r"[0-9a-fA-F]{2}(?:([:-])[0-9a-fA-F]{2})(?:\1[0-9a-fA-F]{2})*")
_CISCO = re.compile(r"[0-9a-fA-F]{4}(?:\.[0-9a-fA-F]{4})+")
_BARE = re.compile(r"(?:[0-9a-fA-F]{2})+")


@dataclass(frozen=True, slots=True)
class Mac:
    """A hardware address of 1 to 16 octets (RFC 2131 ``chaddr``); EDK2 can be told to send a 16-octet GUID here."""

    octets: bytes

    def __post_init__(self) -> None:
        if not 1 <= len(self.octets) <= 16:
            raise WireError("bad hardware address", f"{len(self.octets)} octets")

    @classmethod
    def parse(cls, text: str) -> Mac:
        """Read an Ethernet address: ``52:54:00:12:34:56``, ``52-54-..``, ``5254.0012.3456``, ``525400123456``, any
        case, or PXELINUX's ``01-52-54-..``.  Raises `WireError`."""
        text = text.strip()
        if not (_SEPARATED.fullmatch(text) or _CISCO.fullmatch(text) or _BARE.fullmatch(text)):
            raise WireError("bad hardware address", repr(text[:40]))
        octets = bytes.fromhex(re.sub("[:.-]", "", text))
        if len(octets) == 7 and octets[0] == 1:
            octets = octets[1:]
        if len(octets) != 6:
            raise WireError("bad hardware address", repr(text[:40]))
        return cls(octets)

    def __str__(self) -> str:
        return self.octets.hex(":")

    @property
    def hexhyp(self) -> str:
        """iPXE's ``${mac:hexhyp}``: ``52-54-00-12-34-56``."""
        return self.octets.hex("-")

    @property
    def hexraw(self) -> str:
        """iPXE's ``${mac:hexraw}``: ``525400123456``."""
        return self.octets.hex()

    @property
    def oui(self) -> str:
        """The vendor's prefix, ``52:54:00``."""
        return self.octets[:3].hex(":")
