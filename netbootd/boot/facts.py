"""What a machine says of itself when its iPXE asks for a script: hostile until a grammar has passed it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, fields, replace
from typing import Any
from uuid import UUID

from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

LIMIT = 128
"""Longest value kept; SMBIOS strings are far shorter."""

_WORD = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_SEPARATORS = frozenset({"||", "&&", ";"})
_JOINING = ("\\", "$", "|", "&")
"""What two harmless texts side by side could become: a continued line, ``${``, or a separator."""
_PLACEHOLDERS = frozenset(
    {
        "not specified",
        "to be filled by o.e.m.",
        "to be filled by oem",
        "default string",
        "system serial number",
        "system product name",
        "system manufacturer",
        "none",
        "n/a",
        "unknown",
        "0",
        "00000000",
        "0123456789",
        "123456789",
    }
)
_PLACEHOLDER_UUIDS = frozenset(
    {
        UUID(int=0),
        UUID(int=2**128 - 1),
        UUID("03000200-0400-0500-0006-000700080009"),  # seen on real boards, also written in wire order:
        UUID("00020003-0004-0005-0006-000700080009"),
    }
)


class NotKnown(ValueError):
    """A fact is needed that only the machine itself can tell, and it has not yet."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known of one machine; templates see it as ``machine``.

    The text fields are one printable line each, and `unsafe` has nothing against them.  A value the
    vendor left as a placeholder ("To be filled by O.E.M.") is None: it identifies nothing.
    """

    mac: Mac | None = None
    uuid: UUID | None = None
    serial: str | None = None
    asset: str | None = None
    manufacturer: str | None = None
    product: str | None = None
    buildarch: str | None = None
    platform: str | None = None
    ip: str | None = None
    netmask: str | None = None
    gateway: str | None = None
    dns: str | None = None
    version: str | None = None
    """iPXE's own version."""

    def over(self, older: Facts) -> Facts:
        """These facts, with ``older`` ones where these say nothing."""
        known: dict[str, Any] = {f.name: v for f in fields(self) if (v := getattr(self, f.name)) is not None}
        return replace(older, **known)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that was dropped, and why."""

    field: str
    reason: str


def unsafe(text: str) -> str:
    """Why this text may not stand in a script line, or "" if it may."""
    if any(not c.isprintable() for c in text):
        return "it holds a control character"
    if "${" in text:
        return "it holds '${', which iPXE would expand"
    words = text.split()
    if _SEPARATORS.intersection(words):
        return "it holds a command separator of iPXE (||, && or ;)"
    if any(word.startswith("#") for word in words):
        return "it holds a word that begins with '#', which iPXE takes for a comment"
    if text.endswith(_JOINING):
        return f"it ends in {text[-1]!r}, which may join what follows"
    return ""


def parse_facts(pairs: tuple[tuple[str, str], ...]) -> tuple[Facts, tuple[Refusal, ...]]:
    """Read a query string's pairs.  Unknown names are ignored, empty values mean unknown, bad ones are refused.

    The first of a name counts.  iPXE before 2021 decodes a URL and encodes it again with ``&`` left bare, so a
    serial number "1&mac=..." arrives as two pairs; the entry script writes SMBIOS texts last.
    """
    facts, refused = Facts(), []
    first = dict(reversed(pairs))
    for name, raw in first.items():
        reader = _READERS.get(name)
        value = raw.strip()
        if reader is None or not value:
            continue
        try:
            known: dict[str, Any] = {name: reader(value)}
            facts = replace(facts, **known)
        except ValueError as error:
            refused.append(Refusal(name, str(error)))
    return facts, tuple(refused)


def real_uuid(uuid: UUID | None) -> UUID | None:
    """The uuid unless it is one that boards share: never an identity."""
    return None if uuid in _PLACEHOLDER_UUIDS else uuid


def _text(value: str) -> str | None:
    if len(value) > LIMIT:
        raise ValueError(f"it is longer than {LIMIT} characters")
    if why := unsafe(value):
        raise ValueError(why)
    return None if value.lower() in _PLACEHOLDERS else value


def _word(value: str) -> str:
    if not _WORD.fullmatch(value):
        raise ValueError("it is not a plain word")
    return value


def _uuid(value: str) -> UUID | None:
    try:
        return real_uuid(UUID(value))
    except ValueError:
        raise ValueError("it is not a UUID") from None


def _ip(value: str) -> str:
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError:
        raise ValueError("it is not an IPv4 address") from None


def _netmask(value: str) -> str:
    text = _ip(value)
    # The length of the prefix would be read as well, and a mask of the host's part.
    if text not in {str(ipaddress.IPv4Network((0, length)).netmask) for length in range(1, 33)}:
        raise ValueError("it is not a netmask")
    return text


def _mac(value: str) -> Mac:
    try:
        return Mac.parse(value)
    except WireError:
        raise ValueError("it is not a hardware address") from None


_READERS = {
    "mac": _mac,
    "uuid": _uuid,
    "serial": _text,
    "asset": _text,
    "manufacturer": _text,
    "product": _text,
    "buildarch": _word,
    "platform": _word,
    "ip": _ip,
    "netmask": _netmask,
    "gateway": _ip,
    "dns": _ip,
    "version": _text,
}
