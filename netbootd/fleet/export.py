"""The fleet as a table to take elsewhere: which machine has, or will have, which soft serial.

It is there before a node is powered on, so that a controller can be told of it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, fields

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet take a cell for a formula; some take the full-width signs as well."""


@dataclass(frozen=True, slots=True)
class Row:
    """One machine; "" for what is not known."""

    name: str = ""
    soft_serial: str = ""
    serial: str = ""
    """What SMBIOS says."""
    uuid: str = ""
    mac: str = ""
    """All cards, the first first, with blanks between them."""
    manufacturer: str = ""
    model: str = ""
    profile: str = ""
    release: str = ""
    """What its profile installs."""
    state: str = ""


def as_csv(rows: Iterable[Row]) -> str:
    """RFC 4180, with a line of headings.  What a machine said of itself cannot become a formula: such a cell begins
    with an apostrophe, and control characters are question marks."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(field.name for field in fields(Row))
    writer.writerows([_cell(value) for value in astuple(row)] for row in rows)
    return text.getvalue()


def as_json(rows: Iterable[Row]) -> str:
    """A list of objects, null for what is not known; values as they are."""
    found = [{key: value or None for key, value in asdict(row).items()} for row in rows]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _cell(value: str) -> str:
    formula = value.lstrip(" ").startswith(_FORMULA)
    shown = "".join(c if c.isprintable() else "?" for c in value)
    return f"'{shown}" if formula else shown
