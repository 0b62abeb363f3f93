"""``--fact KEY=VALUE``: what a machine's iPXE would report, said by a person."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Annotated

import typer

from netbootd.boot.facts import Facts, parse_facts
from netbootd.cli.common import USED_WRONGLY, fail
from netbootd.wire.mac import Mac

FactOption = Annotated[
    list[str] | None, typer.Option("--fact", metavar="KEY=VALUE", help="What iPXE would report: serial, ip ...")
]

_REPORTED = tuple(each.name for each in dataclasses.fields(Facts) if each.name != "mac")


def facts(mac: Mac, given: Iterable[str], more: Iterable[tuple[str, str | None]] = ()) -> Facts:
    """Those of a machine, read as the daemon reads them; ends the program at what it would refuse.

    ``more`` are pairs that come from options of their own.
    """
    pairs = (("mac", str(mac)), *((key, value) for key, value in more if value), *map(_pair, given))
    read, refused = parse_facts(pairs)
    for refusal in refused:
        fail(f"{refusal.field}: {refusal.reason}", USED_WRONGLY)
    return read


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        fail(f"--fact {text!r}: write it as KEY=VALUE", USED_WRONGLY)
    if key not in _REPORTED:
        fail(f"--fact {key}: iPXE reports no such thing; there is {', '.join(_REPORTED)}", USED_WRONGLY)
    return key, value
