"""The form of an answer: from a request and a decision to the packet that goes back, and where to.

Both the BOOTP header and the options are filled in every reply: shim and U-Boot read only the header, UEFI and iPXE
prefer options.  Never sent: 1, 3, 6, 51 (we give no addresses), 13 (EDK2 would believe it instead of asking tsize),
52, and 175.176 (it would switch other proxies off).
"""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.boot.decide import Answer
from netbootd.boot.identify import DHCP_PORT, PXE_PORT, Arrival
from netbootd.boot.memory import Style
from netbootd.wire import options, pxe
from netbootd.wire.dhcp import NO_ADDRESS, MessageType, Op, Packet
from netbootd.wire.tlv import encode_options

BROADCAST = 0x8000
_CLIENT_PORT = 68


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a reply goes; ``address`` 255.255.255.255 means the interface the request came in on."""

    address: str
    port: int


def build(request: Packet, answer: Answer) -> Packet:
    """The reply packet, RFC 2131 section 4.3.1 and PXE 2.1 section 2.4."""
    ciaddr, yiaddr = request.ciaddr, NO_ADDRESS
    if answer.boot_item:
        # PXE 2.1 boot-server discovery: the reply carries the client's address in yiaddr.
        ciaddr, yiaddr = NO_ADDRESS, request.ciaddr
    if answer.message is MessageType.OFFER:
        ciaddr = NO_ADDRESS
    # "The server SHOULD broadcast" to a client that cannot be reached by its address yet, RFC 2131 section 4.1.
    flags = request.flags if request.ciaddr != NO_ADDRESS else request.flags | BROADCAST
    return Packet(
        op=Op.REPLY,
        htype=request.htype,
        hops=0,
        xid=request.xid,
        secs=0,
        flags=flags,
        ciaddr=ciaddr,
        yiaddr=yiaddr,
        siaddr=options.ip_bytes(answer.server),
        giaddr=request.giaddr,
        chaddr=request.chaddr,
        sname=answer.server.encode("ascii"),
        file=_header_file(answer),
        options=_options(request, answer),
    )


def destination(request: Packet, arrival: Arrival) -> Destination:
    """Who to send the reply to.

    On 4011 that is whoever asked, at the port it asked from (EDK2 uses 4011, iPXE 68).  On 67, RFC 2131 section 4.1:
    "If the 'giaddr' field in a DHCP message from a client is non-zero, the server sends any return messages to the
    'DHCP server' port on the BOOTP relay agent".
    """
    if request.giaddr != NO_ADDRESS:
        return Destination(options.ip_text(request.giaddr), DHCP_PORT)
    if arrival.port == PXE_PORT:
        host, port = arrival.source
        return Destination("255.255.255.255" if host == "0.0.0.0" else host, port)
    if request.ciaddr != NO_ADDRESS:
        return Destination(options.ip_text(request.ciaddr), _CLIENT_PORT)
    return Destination("255.255.255.255", _CLIENT_PORT)


def _options(request: Packet, answer: Answer) -> dict[int, bytes]:
    end = b"\0" if answer.terminated else b""
    said = {
        options.MESSAGE_TYPE.code: options.MESSAGE_TYPE.encode(answer.message),
        options.SERVER_ID.code: options.SERVER_ID.encode(answer.server),
        options.VENDOR_CLASS.code: options.VENDOR_CLASS.encode(answer.vendor_class),
        options.TFTP_SERVER_NAME.code: answer.server.encode("ascii") + end,
    }
    if answer.file:
        said[options.BOOTFILE.code] = answer.file.encode("latin-1", "replace") + end
    if answer.root_path:
        said[options.ROOT_PATH.code] = answer.root_path.encode("latin-1", "replace")
    if answer.over_lease:
        # iPXE takes `filename` from the lease before that from a proxy, unless the proxy's settings rank higher than
        # the usual 0: a router that names itself as boot server would win.
        said[options.IPXE_ENCAP.code] = encode_options({pxe.IPXE_PRIORITY: b"\x01"})
    vendor = _vendor(answer)
    if vendor:
        said[options.VENDOR_SPECIFIC.code] = vendor
    # RFC 6842 section 3 for 61, RFC 3046 section 2.2 for 82 ("shall copy"), RFC 4578 section 2.3 for 97.
    for code in (options.CLIENT_ID.code, options.CLIENT_UUID.code, options.RELAY_AGENT.code):
        if code in request.options:
            said[code] = request.options[code]
    return said


def _vendor(answer: Answer) -> bytes:
    if answer.boot_item:
        return pxe.encode_vendor({pxe.BOOT_ITEM: pxe.encode_boot_item(*answer.boot_item)})
    if answer.style is Style.BYPASS:
        return pxe.encode_vendor({pxe.DISCOVERY_CONTROL: bytes([pxe.Discovery.BOOT_FILE])})
    return b""


def _header_file(answer: Answer) -> bytes:
    """The 128-octet ``file`` field, NUL included; a longer URL stands in option 67 alone."""
    raw = answer.file.encode("latin-1", "replace")
    return raw if len(raw) <= 127 else b""
