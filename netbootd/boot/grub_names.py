"""The names under which GRUB looks for its configuration on a network, and what else it probes for.

In this order (grub-core/net/net.c, 2.06 and later), each below the directory it takes for its own::

    grub.cfg-44332211-6655-8877-99aa-bbccddeeff00   the SMBIOS UUID, its first three fields byte-swapped
    grub.cfg-01-52-54-00-12-34-56                   ARP's hardware type and the card's address
    grub.cfg-C000024D, -C000024, ... -C             its IPv4 address, one digit less each time
    grub.cfg

Before ``grub.cfg`` come ``x86_64-efi/command.lst`` and three more, and now and then a module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

_CONFIG = "grub.cfg"
_BY_CARD = re.compile(r"grub\.cfg-01-((?:[0-9a-f]{2}[-:]){5}[0-9a-f]{2})", re.IGNORECASE | re.ASCII)
_PROBE = re.compile(
    r"grub\.cfg-(?:[0-9a-f]{1,8}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{2}-[0-9a-f:-]+)",
    re.IGNORECASE | re.ASCII,
)
_MODULES = re.compile(r"[a-z0-9_]+-(?:efi|pc|coreboot|emu)/[^/]+\.(?:lst|mod)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class ByCard:
    """The configuration of the machine with this card."""

    mac: Mac


@dataclass(frozen=True, slots=True)
class ByAddress:
    """The configuration of whichever machine asks."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A name that GRUB tries on its way, and goes on at once when it is told that there is none."""


Wanted = ByCard | ByAddress | Probe


def wanted(path: str) -> Wanted | None:
    """What GRUB asks for by this path, whatever directory is in front; None for any other file."""
    name = path.rsplit("/", 1)[-1]
    if name.lower() == _CONFIG:
        return ByAddress()
    if match := _BY_CARD.fullmatch(name):
        try:
            return ByCard(Mac.parse(match[1]))
        except WireError:
            return Probe()
    if _PROBE.fullmatch(name) or _MODULES.fullmatch("/".join(path.split("/")[-2:])):
        return Probe()
    return None
