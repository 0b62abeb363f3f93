"""What single firmwares need, as a table with evidence.

A quirk is data: who needs it, what changes, and how it is known.  The first matching row of each effect applies.
"""

from __future__ import annotations

from dataclasses import dataclass

from netbootd.wire.mac import Mac


@dataclass(frozen=True, slots=True)
class Quirk:
    """One peculiarity.  A row matches when every condition it states holds."""

    name: str
    evidence: str
    vendor_class: str = ""
    """Prefix of option 60."""
    ouis: tuple[str, ...] = ()
    """First three octets of the hardware address, any of these."""
    architecture: int | None = None
    """Code the client states in option 93."""

    treat_as: int | None = None
    """Effect: decide as for this architecture code instead."""
    reply_class: str = ""
    """Effect: answer with this vendor class instead of ``PXEClient``."""

    def matches(self, mac: Mac, vendor_class: str, architecture: int | None) -> bool:
        """Whether this client is one the row is about."""
        return (
            vendor_class.startswith(self.vendor_class)
            and (not self.ouis or mac.oui in self.ouis)
            and (self.architecture is None or self.architecture == architecture)
        )


QUIRKS = (
    Quirk(
        name="raspberry-pi-says-bios",
        evidence="Pi 3, 4 and 5 send architecture 0 on IPv4 (rpi-eeprom#182, raspberrypi/firmware#1928); "
        "an x86 program is useless to them",
        ouis=("b8:27:eb", "dc:a6:32", "e4:5f:01", "28:cd:c1", "d8:3a:dd", "2c:cf:67"),
        architecture=0,
        treat_as=41,
    ),
    Quirk(
        name="huawei-own-class",
        evidence="Huawei firmware sends its own vendor class and expects it back (dnsmasq, --dhcp-pxe-vendor)",
        vendor_class="HW-Client",
        reply_class="HW-Client",
    ),
)

NETBOOT_CLASSES = ("PXEClient", "HTTPClient", *(q.vendor_class for q in QUIRKS if q.vendor_class))
"""Prefixes of option 60 that ask for a boot program; everything else is an ordinary DHCP client."""


def quirks_of(mac: Mac, vendor_class: str, architecture: int | None) -> tuple[Quirk, ...]:
    """The rows about this client, in the table's order."""
    return tuple(q for q in QUIRKS if q.matches(mac, vendor_class, architecture))
