"""Typed keys for the DHCP options a PXE server meets.

A packet keeps its options raw, so what must be mirrored (61, 82, 97) is copied and never re-encoded;
``packet.get(CLIENT_ARCH)`` decodes on access and gives the type checker the value's type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from netbootd.wire.errors import WireError

T = TypeVar("T")

BAD_OPTION = "bad option value"


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """One option's code, name and codec.

    ``decode`` raises `WireError` and nothing else; ``encode`` takes values of our own making and asserts.
    """

    code: int
    name: str
    decode: Callable[[bytes], T]
    encode: Callable[[T], bytes]

    def pair(self, value: T) -> tuple[int, bytes]:
        """What goes into a packet's options for this value."""
        return self.code, self.encode(value)

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


def ip_text(raw: bytes) -> str:
    """``b"\\x0a\\x63\\0\\x01"`` -> ``"10.99.0.1"``; raises `WireError` unless 4 octets."""
    _need(len(raw) == 4, "address", raw)
    return ".".join(map(str, raw))


def ip_bytes(text: str) -> bytes:
    """``"10.99.0.1"`` -> its 4 octets."""
    raw = bytes(map(int, text.split(".")))
    assert len(raw) == 4, f"{text!r} is not an IPv4 address"
    return raw


def text_from(raw: bytes) -> str:
    """NVT ASCII without trailing NULs (RFC 2132 section 2); what is not ASCII becomes U+FFFD.  Never raises.

    The text is hostile: it may hold line breaks and control characters.
    """
    return raw.rstrip(b"\0").decode("ascii", "replace")


def text_bytes(text: str) -> bytes:
    """ASCII octets, without a terminator."""
    assert text.isascii(), f"{text!r} is not ASCII"
    return text.encode("ascii")


def _need(condition: bool, what: str, raw: bytes) -> None:
    if not condition:
        raise WireError(BAD_OPTION, f"{what} of {len(raw)} octets")


def _raw(value: bytes) -> bytes:
    return value


def _integer(width: int) -> tuple[Callable[[bytes], int], Callable[[int], bytes]]:
    def decode(raw: bytes) -> int:
        _need(len(raw) == width, f"{8 * width}-bit integer", raw)
        return int.from_bytes(raw, "big")

    def encode(value: int) -> bytes:
        assert 0 <= value < 1 << 8 * width, f"{value} does not fit {width} octets"
        return value.to_bytes(width, "big")

    return decode, encode


def _decode_arch(raw: bytes) -> tuple[int, ...]:
    _need(len(raw) % 2 == 0, "list of 16-bit codes", raw)
    return tuple(int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2))


def _encode_arch(codes: tuple[int, ...]) -> bytes:
    return b"".join(code.to_bytes(2, "big") for code in codes)


def _decode_undi(raw: bytes) -> tuple[int, int]:
    _need(len(raw) == 3, "network interface identifier", raw)
    return raw[1], raw[2]


def _encode_undi(version: tuple[int, int]) -> bytes:
    return bytes((1, *version))


def _decode_uuid(raw: bytes) -> UUID | None:
    if not raw.strip(b"\0"):
        return None
    _need(len(raw) == 17 and raw[0] == 0, "machine identifier", raw)
    return UUID(bytes_le=raw[1:])


def _encode_uuid(uuid: UUID | None) -> bytes:
    return b"" if uuid is None else b"\0" + uuid.bytes_le


SUBNET_MASK: Option[str] = Option(1, "subnet mask", ip_text, ip_bytes)
HOSTNAME: Option[str] = Option(12, "host name", text_from, text_bytes)
BOOT_FILE_SIZE: Option[int] = Option(13, "boot file size", *_integer(2))
"""In blocks of 512 octets.  Never sent: with it EDK2 trusts it and does not ask TFTP for the size."""
ROOT_PATH: Option[str] = Option(17, "root path", text_from, text_bytes)
VENDOR_SPECIFIC: Option[bytes] = Option(43, "vendor specific", _raw, _raw)
"""A list of options itself: `netbootd.wire.pxe.decode_vendor`."""
REQUESTED_ADDRESS: Option[str] = Option(50, "requested address", ip_text, ip_bytes)
LEASE_TIME: Option[int] = Option(51, "lease time", *_integer(4))
"""In seconds."""
OVERLOAD: Option[int] = Option(52, "overload", *_integer(1))
MESSAGE_TYPE: Option[int] = Option(53, "message type", *_integer(1))
SERVER_ID: Option[str] = Option(54, "server identifier", ip_text, ip_bytes)
PARAMETER_LIST: Option[tuple[int, ...]] = Option(55, "parameter list", tuple, bytes)
MAX_SIZE: Option[int] = Option(57, "maximum message size", *_integer(2))
VENDOR_CLASS: Option[str] = Option(60, "vendor class", text_from, text_bytes)
CLIENT_ID: Option[bytes] = Option(61, "client identifier", _raw, _raw)
TFTP_SERVER_NAME: Option[str] = Option(66, "TFTP server name", text_from, text_bytes)
BOOTFILE: Option[str] = Option(67, "boot file", text_from, text_bytes)
USER_CLASS: Option[bytes] = Option(77, "user class", _raw, _raw)
"""Two spellings are in use: `netbootd.wire.pxe.parse_user_class`."""
RELAY_AGENT: Option[bytes] = Option(82, "relay agent information", _raw, _raw)
CLIENT_ARCH: Option[tuple[int, ...]] = Option(93, "client architecture", _decode_arch, _encode_arch)
"""RFC 4578 section 2.1: a list of 16-bit codes, IANA's "Processor Architecture Types"."""
UNDI: Option[tuple[int, int]] = Option(94, "network interface", _decode_undi, _encode_undi)
"""RFC 4578 section 2.2: the UNDI version, (major, minor)."""
CLIENT_UUID: Option[UUID | None] = Option(97, "machine identifier", _decode_uuid, _encode_uuid)
"""RFC 4578 section 2.3: a type octet 0, then 16 octets as SMBIOS stores them, the first three fields little-endian.

EDK2 copies the SMBIOS octets (PxeBcBuildDhcp4Options), and iPXE turns its own big-endian ``${uuid}`` into that order
before it sends it (``uuid_mangle`` in net/udp/dhcp.c), so ``bytes_le`` gives the text that iPXE, dmidecode and
``qemu -uuid`` show.  None when empty (some ROMs) or all zeros (EDK2 "if failed to get system Guid").
"""
IPXE_ENCAP: Option[bytes] = Option(175, "iPXE encapsulated", _raw, _raw)
"""A list of options itself: `netbootd.wire.pxe.decode_ipxe`."""
