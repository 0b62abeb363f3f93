"""What PXE and iPXE nest inside DHCP options 43, 77 and 175."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from netbootd.wire.errors import WireError
from netbootd.wire.options import BAD_OPTION, text_from
from netbootd.wire.tlv import decode_options, encode_options

# PXE 2.1 specification, table 2-1: sub-options of option 43
DISCOVERY_CONTROL = 6
BOOT_ITEM = 71
BIS = 0x8000
"""Bit of a boot item's layer: the client wants the image's credentials, Boot Integrity Services."""

# iPXE, sub-options of option 175
IPXE_PRIORITY = 0x01
IPXE_NO_PXEDHCP = 0xB0
IPXE_BUS_ID = 0xB1
IPXE_VERSION = 0xEB

_IPXE_FEATURES = range(0x10, 0x80)


class Discovery(IntFlag):
    """Bits of `DISCOVERY_CONTROL`.  EDK2 takes 43 without `BOOT_FILE` and without a menu as "boot locally"."""

    NO_BROADCAST = 1
    NO_MULTICAST = 2
    ONLY_LISTED = 4
    BOOT_FILE = 8


class IpxeFeature(IntEnum):
    """Features a client says it was built with, ``ipxe/features.h``; each is a sub-option of 175."""

    PXE_EXT = 0x10
    ISCSI = 0x11
    AOE = 0x12
    HTTP = 0x13
    HTTPS = 0x14
    TFTP = 0x15
    FTP = 0x16
    DNS = 0x17
    BZIMAGE = 0x18
    MULTIBOOT = 0x19
    SLAM = 0x1A
    SRP = 0x1B
    NBI = 0x20
    PXE = 0x21
    ELF = 0x22
    COMBOOT = 0x23
    EFI = 0x24
    FCOE = 0x25
    VLAN = 0x26
    MENU = 0x27
    SDI = 0x28
    NFS = 0x29


@dataclass(frozen=True, slots=True)
class IpxeOptions:
    """What an iPXE client says of itself; ``subs`` are all sub-options, raw."""

    features: frozenset[int]
    version: tuple[int, ...] | None
    subs: Mapping[int, bytes]


def decode_ipxe(raw: bytes) -> IpxeOptions:
    """Read option 175.  A feature counts when its sub-option is present.  Raises `WireError` on truncation."""
    subs = decode_options(raw)
    features = frozenset(code for code in subs if code in _IPXE_FEATURES)
    return IpxeOptions(features, tuple(subs.get(IPXE_VERSION, b"")) or None, subs)


def encode_vendor(subs: Mapping[int, bytes]) -> bytes:
    """Write option 43, closed by END as PXE wants it."""
    return encode_options(subs) + b"\xff"


def decode_vendor(raw: bytes) -> dict[int, bytes]:
    """Read option 43.  A missing END is accepted; raises `WireError` on truncation."""
    return decode_options(raw)


def boot_item(raw: bytes) -> tuple[int, int] | None:
    """The boot server (type, layer) that option 43 asks for or answers with; None when it names none.

    The layer may hold the bit `BIS`.  Raises `WireError`.
    """
    item = decode_vendor(raw).get(BOOT_ITEM)
    if item is None:
        return None
    if len(item) != 4:
        raise WireError(BAD_OPTION, f"boot item of {len(item)} octets")
    return int.from_bytes(item[:2], "big"), int.from_bytes(item[2:], "big")


def encode_boot_item(kind: int, layer: int) -> bytes:
    """The value of `BOOT_ITEM`."""
    return kind.to_bytes(2, "big") + layer.to_bytes(2, "big")


def parse_user_class(raw: bytes) -> tuple[str, ...]:
    """Read option 77, either as RFC 3004's list of length-prefixed classes or, as iPXE sends it, as one bare text.

    Never raises: what is not exactly a list is a text.
    """
    classes, position = [], 0
    while position < len(raw):
        end = position + 1 + raw[position]
        if raw[position] == 0 or end > len(raw):
            return (text_from(raw),)
        classes.append(text_from(raw[position + 1 : end]))
        position = end
    return tuple(classes)
