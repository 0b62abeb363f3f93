"""DHCPv4 packets (RFC 2131 section 2): bytes <-> `Packet`.

``decode`` raises `WireError` with one of these reasons and nothing else, whatever the bytes:

=================  ==================================================================================
`SHORT_PACKET`     fewer octets than the fixed BOOTP header has
`BAD_OP`           ``op`` is neither BOOTREQUEST nor BOOTREPLY
`BAD_HLEN`         ``hlen`` exceeds the 16 octets of ``chaddr``
`NOT_DHCP`         the magic cookie is missing: plain BOOTP
`TRUNCATED_OPTION` an option is longer than what is left of its field
`BAD_OPTION`       the overload option is not 1, 2 or 3; from ``Packet.get``: a value its type does not allow
=================  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import TypeVar

from netbootd.wire.errors import WireError
from netbootd.wire.options import BAD_OPTION, MESSAGE_TYPE, OVERLOAD, RELAY_AGENT, VENDOR_CLASS, Option, ip_text
from netbootd.wire.tlv import TRUNCATED_OPTION, decode_options, encode_options

__all__ = [
    "BAD_HLEN",
    "BAD_OP",
    "BAD_OPTION",
    "NOT_DHCP",
    "NO_ADDRESS",
    "SHORT_PACKET",
    "TRUNCATED_OPTION",
    "MessageType",
    "Op",
    "Packet",
    "decode",
    "encode",
]

T = TypeVar("T")

SHORT_PACKET = "short packet"
BAD_OP = "bad op"
BAD_HLEN = "bad hardware address length"
NOT_DHCP = "not DHCP"

NO_ADDRESS = b"\0\0\0\0"

_HEADER = Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
_BOOTP_SIZE = 236
_COOKIE = b"\x63\x82\x53\x63"
_END = b"\xff"
_MINIMUM = 300
_BROADCAST = 0x8000


class Op(IntEnum):
    REQUEST = 1
    REPLY = 2


class MessageType(IntEnum):
    """RFC 2132 section 9.6."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


_MESSAGE_TYPES = {bytes((kind,)): kind for kind in MessageType}


@dataclass(frozen=True, slots=True)
class Packet:
    """One DHCP message.

    Addresses are 4 octets, ``chaddr`` is its ``hlen`` octets (0 to 16), ``secs`` is in seconds.  ``sname`` and
    ``file`` end before their first NUL and are empty when the field held options.  ``options`` are raw, repeated
    ones joined (RFC 3396); those found in ``file`` and ``sname`` by option 52 are among them.
    """

    op: int
    htype: int
    hops: int
    xid: int
    secs: int
    flags: int
    ciaddr: bytes
    yiaddr: bytes
    siaddr: bytes
    giaddr: bytes
    chaddr: bytes
    sname: bytes
    file: bytes
    options: Mapping[int, bytes]

    @property
    def message_type(self) -> MessageType | None:
        """None for BOOTP with a cookie, and for a type nobody knows."""
        return _MESSAGE_TYPES.get(self.options.get(MESSAGE_TYPE.code, b""))

    @property
    def broadcast(self) -> bool:
        """The client cannot take unicast before it has an address (RFC 2131 section 4.1)."""
        return bool(self.flags & _BROADCAST)

    def get(self, option: Option[T]) -> T | None:
        """The option's value, None when absent; raises `WireError` when malformed."""
        raw = self.options.get(option.code)
        return None if raw is None else option.decode(raw)

    def __str__(self) -> str:
        """One line for logs, without line breaks or control characters whatever the peer sent."""
        kind = self.message_type
        words = [kind.name if kind else "BOOTP", self.chaddr.hex(":"), f"xid={self.xid:08x}", f"secs={self.secs}"]
        for name in ("ciaddr", "yiaddr", "siaddr", "giaddr"):
            address: bytes = getattr(self, name)
            if any(address):
                words.append(f"{name}={ip_text(address)}")
        for name, text in (("file", self.file), ("class", self.options.get(VENDOR_CLASS.code))):
            if text:
                words.append(f"{name}={ascii(text)[1:]}")
        return " ".join(words)


def decode(data: bytes) -> Packet:
    """Read a datagram's payload; raises `WireError` with a reason of the table above."""
    if len(data) < _HEADER.size:
        raise WireError(SHORT_PACKET if len(data) < _BOOTP_SIZE else NOT_DHCP, f"{len(data)} octets")
    (
        op, htype, hlen, hops, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr, chaddr, sname, file, cookie
    ) = _HEADER.unpack_from(data)  # fmt: skip
    if op not in (1, 2):
        raise WireError(BAD_OP, str(op))
    if hlen > 16:
        raise WireError(BAD_HLEN, str(hlen))
    if cookie != _COOKIE:
        raise WireError(NOT_DHCP, f"magic cookie {cookie.hex()}")
    options = decode_options(data[240:])
    if OVERLOAD.code in options:
        options, file, sname = _overloaded(data[240:], options[OVERLOAD.code], file, sname)
    return Packet(
        op, htype, hops, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr,
        chaddr[:hlen], sname.partition(b"\0")[0], file.partition(b"\0")[0], options,
    )  # fmt: skip


def _overloaded(area: bytes, overload: bytes, file: bytes, sname: bytes) -> tuple[dict[int, bytes], bytes, bytes]:
    """RFC 3396 section 5: "the optional parameters field, the file field, and the sname field, in that order"."""
    if overload not in (b"\1", b"\2", b"\3"):
        raise WireError(BAD_OPTION, f"overload {overload[:4].hex()}")
    in_file, in_sname = overload[0] & 1, overload[0] & 2
    areas = [area, *([file] if in_file else []), *([sname] if in_sname else [])]
    options = decode_options(*areas)
    options[OVERLOAD.code] = overload
    return options, b"" if in_file else file, b"" if in_sname else sname


def encode(packet: Packet) -> bytes:
    """Write a datagram's payload: message type first, relay agent information last, at least 300 octets.

    Option 52 describes the datagram it came in and is not written: we never overload.  The caller answers for sizes:
    ``sname`` at most 63 octets and ``file`` at most 127, so that both stay NUL-terminated.
    """
    assert len(packet.sname) < 64, f"sname of {len(packet.sname)} octets"
    assert len(packet.file) < 128, f"file of {len(packet.file)} octets"
    assert len(packet.chaddr) <= 16, f"chaddr of {len(packet.chaddr)} octets"
    assert len(packet.ciaddr + packet.yiaddr + packet.siaddr + packet.giaddr) == 16, "an address is not 4 octets"
    header = _HEADER.pack(
        packet.op, packet.htype, len(packet.chaddr), packet.hops, packet.xid, packet.secs, packet.flags,
        packet.ciaddr, packet.yiaddr, packet.siaddr, packet.giaddr,
        packet.chaddr, packet.sname, packet.file, _COOKIE,
    )  # fmt: skip
    # some relays drop what is shorter than a BOOTP message (RFC 951's 300 octets) without a word
    return (header + encode_options(_ordered(packet.options)) + _END).ljust(_MINIMUM, b"\0")


def _ordered(options: Mapping[int, bytes]) -> dict[int, bytes]:
    """RFC 3046 section 2.1: "SHALL add it as the last option (but before 'End Option' 255, if present)"."""
    ordered = {MESSAGE_TYPE.code: b"", **options}
    if MESSAGE_TYPE.code not in options:
        del ordered[MESSAGE_TYPE.code]
    ordered.pop(OVERLOAD.code, None)
    if RELAY_AGENT.code in ordered:
        ordered[RELAY_AGENT.code] = ordered.pop(RELAY_AGENT.code)
    return ordered
