"""What a rule looks at: ``match`` of a rule in the settings."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from netbootd.config.problems import Place, Problems, said, suggest
from netbootd.config.yaml import Table, line_of
from netbootd.fleet.rules import FIELDS, Condition

_ARCHES = {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "x86": "i386", "aarch64": "arm64"}
_PLATFORMS = {"bios": "pcbios", "legacy": "pcbios", "uefi": "efi"}


def read_conditions(match: Mapping[str, str], table: Table, key: str, problems: Problems) -> tuple[Condition, ...]:
    """Those of a rule whose ``match`` is this; ``key`` is the rule's own."""
    return tuple(_condition(field, pattern, table, key, problems) for field, pattern in match.items())


def refuse_blank(table: Table, key: str, problems: Problems) -> None:
    """A rule that looks at nothing would take everybody, and a pattern that is left out nobody."""
    match = table.get("match")
    if not isinstance(match, Table):
        return
    if not match:
        at = Place(table.file, table.lines["match"], f"{key}.match")
        problems.error(at, "is empty, so it would take every machine; that is the key 'unknown'")
    for field, pattern in match.items():
        if pattern is None:
            problems.error(Place(match.file, match.lines[field], f"{key}.match.{field}"), "is empty")


def _condition(field: str, pattern: str, table: Table, key: str, problems: Problems) -> Condition:
    place = Place(table.file, line_of(table, ("match", field)), f"{key}.match.{field}")
    if field not in FIELDS:
        problems.error(place, f"a rule cannot look at this{suggest(field, FIELDS)}")
    elif field == "ip" and (why := _bad_network(pattern)):
        problems.error(place, why)
    elif meant := {"arch": _ARCHES, "platform": _PLATFORMS}.get(field, {}).get(pattern.lower()):
        problems.error(place, f"iPXE's word for {pattern} is {meant}")
    if field == "mac" and "[" not in pattern:
        pattern = pattern.replace("-", ":")
    return Condition(field, pattern)


def _bad_network(pattern: str) -> str:
    try:
        if "/" in pattern:
            ipaddress.IPv4Network(pattern, strict=False)
        elif not re.fullmatch(r"[0-9.*?\[\]!-]+", pattern):
            raise ValueError
    except ValueError:
        return f"{said(pattern)} is neither a network such as 192.0.2.0/24 nor a pattern such as 192.0.2.*"
    return ""
