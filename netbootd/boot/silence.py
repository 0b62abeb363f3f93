"""Silence is an answer: why a packet gets no reply.

Not replying is how a ProxyDHCP server says "boot your own disk" and "this was not for me".  Each way of keeping
silent has a name here, so that it can be counted, logged and explained.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reason(Enum):
    """Why nothing is sent; the value is the sentence ``explain`` prints."""

    MALFORMED = "the packet is not well-formed DHCP"
    NOT_A_REQUEST = "the packet is a server's reply, not a client's question"
    NOT_A_QUESTION = "this DHCP message is not one a boot server answers"
    NOT_NETBOOT = "the client's vendor class (option 60) is neither PXEClient nor HTTPClient: it is not booting"
    OTHER_SERVER = "the request is addressed to another server (option 54)"
    LEASE_REQUEST = "a REQUEST on port 67 belongs to the DHCP server that offered the address, and this one offers none"
    NOT_HERE = "this message belongs to the other port"
    NO_ARCHITECTURE = "the client does not say its architecture (option 93), so no program can be chosen for it"
    UNKNOWN_ARCHITECTURE = "no boot program exists for this architecture"
    NO_BINARY = "the boot program for this architecture is not installed"
    NOT_IPXE_BOOTABLE = "this firmware loads its own files, not iPXE"
    SIGNED_BOOT = "the client asks for a signed boot image (BIS), and this server signs none"
    IPXE_WITHOUT_PROTOCOL = "this iPXE can fetch neither by HTTP nor by TFTP"
    TFTP_OFF = "this client loads by TFTP alone, and the settings say tftp: {mode: off}"
    BOOT_LOCAL = "this machine boots its own disk, and silence lets its firmware go on to it"
    UNKNOWN_MACHINE = "no machine or rule names this client, and unknown machines are met with silence"
    OTHER_INTERFACE = "the packet arrived on an interface that is not served"
    NO_ADDRESS = "the interface it arrived on has no IPv4 address to come back to"


@dataclass(frozen=True, slots=True)
class Silence:
    """The decision not to reply."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason.value} ({self.detail})" if self.detail else self.reason.value
