"""What asks: from a DHCP packet to a `Client`, or the reason it is none of ours.

One predicate per port: what :67 answers and what :4011 answers are different questions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from netbootd.boot.arch import Architecture, Platform, architecture, first_known
from netbootd.boot.quirks import NETBOOT_CLASSES, Quirk, quirks_of
from netbootd.boot.silence import Reason, Silence
from netbootd.wire import options, pxe
from netbootd.wire.dhcp import NO_ADDRESS, MessageType, Op, Packet
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

DHCP_PORT = 67
PXE_PORT = 4011

_ARCH_IN_CLASS = re.compile(r"Arch:(\d{5})")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a packet came in: the port it was sent to, who sent it, and our address on that interface."""

    port: int
    source: tuple[str, int]
    local: str
    """Our address there."""
    server: str = ""
    """What we call ourselves in option 54, where settings make that another address."""
    interface: str = ""


@dataclass(frozen=True, slots=True)
class Ipxe:
    """An iPXE says so, and says what it can do (option 175)."""

    version: str
    http: bool
    https: bool
    tftp: bool
    features: frozenset[int]


@dataclass(frozen=True, slots=True)
class Client:
    """One question, understood."""

    mac: Mac
    message: MessageType
    port: int
    vendor_class: str
    http: bool
    """It is UEFI HTTP Boot (class ``HTTPClient`` or an HTTP architecture) and wants a URL."""
    architecture: Architecture | None
    codes: tuple[int, ...]
    """Option 93 as sent."""
    ipxe: Ipxe | None
    uuid: UUID | None
    server: str | None
    """Option 54: the server this message is for."""
    boot_item: tuple[int, int] | None
    """Option 43.71 (type, layer): PXE boot-server discovery, PXE 2.1 section 2.2.4."""
    quirks: tuple[Quirk, ...]

    @property
    def platform(self) -> Platform | None:
        """BIOS or EFI, where the architecture says."""
        return self.architecture.platform if self.architecture else None

    def __str__(self) -> str:
        arch = self.architecture.name if self.architecture else "unknown architecture"
        if self.ipxe:
            return f"iPXE {self.ipxe.version} on {arch}".replace("  ", " ")
        return arch if self.http else f"{arch} PXE"


def identify(packet: Packet, arrival: Arrival) -> Client | Silence:
    """Read who is asking; `Silence` when this is no question for a boot server.  Never raises."""
    try:
        return _stranger(packet) or _misplaced(packet, arrival) or _client(packet, arrival)
    except WireError as error:
        return Silence(Reason.MALFORMED, str(error))


def described(packet: Packet, arrival: Arrival) -> Client | None:
    """Who asks, whether it is for us or for another server; None for what is no netboot client.  Never raises."""
    try:
        return None if packet.message_type is None or _stranger(packet) else _client(packet, arrival)
    except WireError:
        return None


def _stranger(packet: Packet) -> Silence | None:
    """Not ours at all: a reply, or an ordinary DHCP client."""
    if packet.op != Op.REQUEST:
        return Silence(Reason.NOT_A_REQUEST)
    if not packet.chaddr:
        return Silence(Reason.MALFORMED, "no hardware address")
    if _nobodys(packet.giaddr) or _nobodys(packet.ciaddr):
        return Silence(Reason.MALFORMED, "giaddr or ciaddr is no machine's address")
    vendor_class = packet.get(options.VENDOR_CLASS)
    if vendor_class is None or not vendor_class.startswith(NETBOOT_CLASSES):
        return Silence(Reason.NOT_NETBOOT, "" if vendor_class is None else f"class {vendor_class[:40]!r}")
    return None


def _nobodys(address: bytes) -> bool:
    """Whether this can never be the address of one machine: this network, loopback, multicast, reserved, broadcast.

    The answer goes there, and whoever forges a packet must not have it sent to everybody (RFC 1122 section 3.2.1.3).
    """
    return address != NO_ADDRESS and (address[0] in (0, 127) or address[0] >= 224)


def _misplaced(packet: Packet, arrival: Arrival) -> Silence | None:
    """A netboot client's message that is not for this port, or not for us."""
    server = packet.get(options.SERVER_ID)
    match (arrival.port, packet.message_type):
        case (4011, MessageType.REQUEST | MessageType.INFORM):
            if server not in (None, arrival.local, arrival.server):
                return Silence(Reason.OTHER_SERVER, f"for {server}")
            return None
        case (67, MessageType.DISCOVER):
            return None
        case (67, MessageType.REQUEST):
            return Silence(Reason.LEASE_REQUEST, f"for {server}" if server else "")
        case (_, MessageType.DISCOVER | MessageType.REQUEST | MessageType.INFORM as message):
            return Silence(Reason.NOT_HERE, f"{message.name} on port {arrival.port}")
        case (_, message):
            return Silence(Reason.NOT_A_QUESTION, message.name if message else "no message type")


def _client(packet: Packet, arrival: Arrival) -> Client:
    vendor_class = packet.get(options.VENDOR_CLASS) or ""
    mac = Mac(packet.chaddr)
    codes = packet.get(options.CLIENT_ARCH) or _codes_in_class(vendor_class)
    quirks = quirks_of(mac, vendor_class, codes[0] if codes else None)
    treat_as = next((q.treat_as for q in quirks if q.treat_as is not None), None)
    arch = architecture(treat_as) if treat_as is not None else first_known(codes)
    message = packet.message_type
    assert message is not None, "_misplaced lets no message without a type pass"
    return Client(
        mac=mac,
        message=message,
        port=arrival.port,
        vendor_class=vendor_class,
        http=vendor_class.startswith("HTTPClient") or bool(arch and arch.http),
        architecture=arch,
        codes=codes,
        ipxe=_ipxe(packet),
        uuid=packet.get(options.CLIENT_UUID),
        server=packet.get(options.SERVER_ID),
        boot_item=_boot_item(packet),
        quirks=quirks,
    )


def _codes_in_class(vendor_class: str) -> tuple[int, ...]:
    """Old ROMs leave option 93 out but still write ``PXEClient:Arch:00000:UNDI:002001`` (PXE 2.1 table 2-1)."""
    found = _ARCH_IN_CLASS.search(vendor_class)
    return (int(found[1]),) if found else ()


def _ipxe(packet: Packet) -> Ipxe | None:
    """iPXE announces itself by user class or by its encapsulated options; an embedded script may change the class."""
    raw = packet.options.get(options.IPXE_ENCAP.code)
    user_class = pxe.parse_user_class(packet.options.get(options.USER_CLASS.code, b""))
    if raw is None:
        # Without feature bits assume what every default build has.
        return Ipxe("", True, False, True, frozenset()) if "iPXE" in user_class else None
    said = pxe.decode_ipxe(raw)
    if not said.features and "iPXE" not in user_class:
        return None
    has = said.features.__contains__
    known = bool(said.features)
    return Ipxe(
        version=".".join(map(str, said.version)) if said.version else "",
        http=has(pxe.IpxeFeature.HTTP) or not known,
        https=has(pxe.IpxeFeature.HTTPS),
        tftp=has(pxe.IpxeFeature.TFTP) or not known,
        features=said.features,
    )


def _boot_item(packet: Packet) -> tuple[int, int] | None:
    raw = packet.options.get(options.VENDOR_SPECIFIC.code)
    return pxe.boot_item(raw) if raw else None
