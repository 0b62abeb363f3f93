"""The start-up banner: what was found, what is missing and how to get it, in 80 columns of plain text."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netbootd.artifacts.firmware import MissingFirmware
from netbootd.wire.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WIDTH = 80
_LABEL = 13  # columns of the label and its indent
_TO_OPEN = 200  # a URL or path is never broken across lines, unless it is longer than any real one


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedInterface:
    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """What a daemon that just started has to say of itself."""

    version: str
    interfaces: tuple[ServedInterface, ...] = ()
    services: tuple[str, ...] = ()
    """What listens where, in words: "ProxyDHCP on 67 and 4011", "TFTP on 69"."""
    script_urls: tuple[str, ...] = ()
    """Where any iPXE can start: ``http://192.0.2.1:8080/ipxe.cfg``."""
    admin_url: str = ""
    config: str = ""
    """The settings file, "" when the defaults are used."""
    firmware: tuple[str, ...] = ()
    missing: tuple[MissingFirmware, ...] = ()
    profiles: tuple[str, ...] = ()
    machines: int = 0
    unknown: str = "menu"
    """What machines without a record get, as the setting of that name."""
    warnings: tuple[str, ...] = ()


def banner(facts: Banner) -> list[str]:
    """The lines to show, none of them ending in a newline."""
    lines = [f"netbootd {facts.version}: network boot beside the DHCP server you have", ""]
    lines += _row("serving", _interfaces(facts.interfaces))
    lines += _row("", [", ".join(facts.services)]) if facts.services else []
    lines += _row("settings", [facts.config or "none found, the defaults are used"])
    lines += _row("iPXE URL", list(facts.script_urls))
    lines += _row("admin page", [facts.admin_url] if facts.admin_url else [])
    lines += _row("firmware", [", ".join(facts.firmware) or "none found: no machine can be given iPXE"])
    lines += [line for each in _grouped(facts.missing) for line in each]
    lines += _row("profiles", [", ".join(facts.profiles) or "none yet"])
    lines += _row("machines", [_machines(facts)])
    for warning in facts.warnings:
        lines += _row("warning", [warning])
    return [*(printable(line, _TO_OPEN) for line in lines), ""]


def _row(label: str, texts: Sequence[str]) -> list[str]:
    """``label`` once, each text on lines of its own below each other."""
    wrapped = [line for text in texts for line in _wrap(text)]
    labels = [f"  {label}".ljust(_LABEL)] + [" " * _LABEL] * len(wrapped)
    return [(left + right).rstrip() for left, right in zip(labels, wrapped, strict=False)]


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH - _LABEL - 1, break_long_words=False, break_on_hyphens=False)


def _interfaces(interfaces: Sequence[ServedInterface]) -> list[str]:
    column = max((len(each.name) for each in interfaces), default=0)
    return [f"{each.name.ljust(column)} {', '.join(each.addresses) or 'no address yet'}" for each in interfaces] or [
        "no interface"
    ]


def _grouped(missing: Sequence[MissingFirmware]) -> Iterator[list[str]]:
    """One row for each missing file, its remedy once below those that share it."""
    for position, each in enumerate(missing):
        following = missing[position + 1].fix if position + 1 < len(missing) else ""
        texts = [f"{each.file} ({each.needed_by} get no answer)"]
        if each.fix and each.fix != following:
            texts.append(f"to fix: {each.fix}")
        yield _row("missing" if position == 0 else "", texts)


def _machines(facts: Banner) -> str:
    known = f"{facts.machines or 'none'} known"
    return f"{known}; {_UNKNOWN.get(facts.unknown, f'others boot {facts.unknown}')}"


_UNKNOWN = {
    "menu": "others see a menu that ends in their own disk",
    "register": "others are written down and boot their own disk",
    "silent": "others get no answer",
}
