"""What one bootable system needs, one module each.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from netbootd.payloads import eve, linux, local, menu, script
from netbootd.payloads.base import Order, Payload, Role

__all__ = ["PAYLOADS", "SOFT_SERIALS", "Order", "Payload", "Role", "the"]

PAYLOADS: Mapping[str, Payload] = MappingProxyType(
    {payload.name: payload for payload in (eve.PAYLOAD, linux.PAYLOAD, local.PAYLOAD, menu.PAYLOAD, script.PAYLOAD)}
)
SOFT_SERIALS = frozenset(payload.soft_serial for payload in PAYLOADS.values() if payload.soft_serial)
"""The arguments that give a machine its soft serial."""


def the(role: Role) -> Payload:
    """The payload that has this role."""
    return next(payload for payload in PAYLOADS.values() if payload.role is role)
