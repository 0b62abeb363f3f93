"""The kinds of client that are played, and what each hears."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from netbootd.boot.rehearsal import PREFIX
from netbootd.wire import options, pxe
from netbootd.wire.dhcp import NO_ADDRESS, MessageType, Op, decode
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

_WANTED = bytes((1, 3, 6, 15, 43, 51, 54, 60, 66, 67, *range(128, 136), 175))  # option 55
_LARGEST = (1472).to_bytes(2, "big")  # option 57, as EDK2 says it


class Kind(Enum):
    """Who asks; the value is how a line calls it."""

    PLAIN = "plain DHCP"
    BIOS = "BIOS PXE"
    UEFI = "x86-64 UEFI PXE"
    ARM64 = "ARM64 UEFI PXE"
    HTTP = "x86-64 UEFI HTTP"
    IPXE = "iPXE"

    @property
    def boots(self) -> bool:
        """It asks for something to boot."""
        return self is not Kind.PLAIN

    @property
    def options(self) -> dict[int, bytes]:
        """What it says of itself, as captured of firmware."""
        return {options.PARAMETER_LIST.code: _WANTED, options.MAX_SIZE.code: _LARGEST, **_SAID[self]}


_SAID: Mapping[Kind, dict[int, bytes]] = MappingProxyType(
    {
        Kind.PLAIN: {},
        Kind.BIOS: {60: b"PXEClient:Arch:00000:UNDI:002001", 93: b"\0\0", 94: b"\1\2\1"},
        Kind.UEFI: {60: b"PXEClient:Arch:00007:UNDI:003016", 93: b"\0\7", 94: b"\1\3\x10"},
        Kind.ARM64: {60: b"PXEClient:Arch:00011:UNDI:003016", 93: b"\0\x0b", 94: b"\1\3\x10"},
        Kind.HTTP: {60: b"HTTPClient:Arch:00016:UNDI:003001", 93: b"\0\x10", 94: b"\1\3\1"},
        Kind.IPXE: {
            60: b"PXEClient:Arch:00007:UNDI:003010",
            93: b"\0\7",
            77: b"iPXE",
            175: bytes.fromhex("130101 140101 150101 eb03 011501"),
        },
    }
)


@dataclass(frozen=True, slots=True)
class Cards:
    """Two made-up cards: a DHCP server may take seconds to try an address for each (dnsmasq pings it for three), and
    netbootd takes a card that asks for PXE by two kinds of firmware for one that was not content with its answer."""

    one: Mac
    two: Mac

    @classmethod
    def new(cls) -> Cards:
        """Whom no server knows."""
        return cls(*(Mac(PREFIX + secrets.token_bytes(3)) for _ in range(2)))

    def of(self, kind: Kind) -> Mac:
        """The one that this kind asks by."""
        return self.two if kind in (Kind.UEFI, Kind.ARM64) else self.one


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer to one of our questions."""

    kind: Kind
    server: str
    """What it calls itself (option 54), else where it came from."""
    offered: str = ""
    """An address; "" of a proxy."""
    file: str = ""
    next_server: str = ""
    """siaddr, else option 66."""
    vendor_class: str = ""
    no_proxy: bool = False
    """It tells iPXE not to wait for proxies (option 175.176)."""
    sent: bool = field(default=False, compare=False)
    """It was seen as it left this machine; False: as it arrived."""

    @property
    def boots(self) -> bool:
        """It says something of booting."""
        return bool(self.file) or self.vendor_class.startswith(("PXEClient", "HTTPClient"))


def heard(data: bytes, source: str, kinds: dict[int, Kind], *, sent: bool = False) -> Heard | None:
    """The DHCP message in a datagram, by the transaction it answers; None for all others."""
    try:
        packet = decode(data)
        kind = kinds.get(packet.xid)
        if packet.op != Op.REPLY or kind is None or packet.message_type not in (MessageType.OFFER, MessageType.ACK):
            return None
        encapsulated = packet.options.get(options.IPXE_ENCAP.code, b"")
        return Heard(
            kind=kind,
            server=packet.get(options.SERVER_ID) or source,
            offered="" if packet.yiaddr == NO_ADDRESS else options.ip_text(packet.yiaddr),
            file=packet.get(options.BOOTFILE) or options.text_from(packet.file),
            next_server=_next_server(packet.siaddr, packet.options.get(options.TFTP_SERVER_NAME.code, b"")),
            vendor_class=packet.get(options.VENDOR_CLASS) or "",
            no_proxy=pxe.IPXE_NO_PXEDHCP in pxe.decode_ipxe(encapsulated).subs,
            sent=sent,
        )
    except WireError:
        return None


def _next_server(siaddr: bytes, named: bytes) -> str:
    return options.text_from(named) if siaddr == NO_ADDRESS else options.ip_text(siaddr)
