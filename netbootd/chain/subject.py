"""What templates call ``machine``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from netbootd.boot.facts import Facts
from netbootd.fleet.snapshot import Assignment
from netbootd.wire.mac import Mac


@dataclass(frozen=True, slots=True)
class Subject:
    """The facts and the configured name."""

    name: str
    mac: Mac | None
    uuid: str | None
    serial: str | None
    asset: str | None
    manufacturer: str | None
    product: str | None
    buildarch: str | None
    platform: str | None
    ip: str | None
    soft_serial: str | None = None


IN_JINJAS_WORDS = f"'{Subject.__module__}.{Subject.__name__} object'"
"""How an error calls it; templates call it ``machine``."""

_NAMED = re.compile(r"\bmachine\.([a-z]+)\b")


def subject(assignment: Assignment, facts: Facts, soft_serial: str | None = None) -> Subject:
    """The machine of these facts, by its configured name."""
    return Subject(
        name=assignment.name or str(facts.mac or "unknown"),
        mac=facts.mac,
        uuid=str(facts.uuid) if facts.uuid else None,
        serial=facts.serial,
        asset=facts.asset,
        manufacturer=facts.manufacturer,
        product=facts.product,
        buildarch=facts.buildarch,
        platform=facts.platform,
        ip=facts.ip,
        soft_serial=soft_serial,
    )


def unknown_facts(text: str, machine: Subject) -> str:
    """What to do about the facts a template asks for that are not known; "" if all are."""
    names = dict.fromkeys(name for name in _NAMED.findall(text) if getattr(machine, name, "") is None)
    if not names:
        return ""
    said = " and ".join(f"machine.{name}" for name in names)
    shown = " ".join(f"--fact {name}=..." for name in names)
    return f" ({said}: its iPXE reports that by /ipxe.cfg or the machine's own URL; to see it before: render {shown})"
