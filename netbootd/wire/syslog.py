"""One line of syslog as an installer sends it by UDP, read leniently: what cannot be told apart belongs to the text.

<13>1 2026-11-21T08:00:00Z node-1 anaconda 812 - - starting installation     RFC 5424
<30>Nov 21 08:00:00 node-1 anna[812]: downloading libc6-udeb                 RFC 3164, with or without a host
<6>node-1 ipxe: http://192.0.2.1/vmlinuz... ok                               iPXE: no time, and a host if it has one
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from netbootd.wire.errors import WireError

LONGEST = 8192
"""Octets that are looked at; RFC 5424 6.1: "SHOULD be able to accept messages of up to and including 2048 octets"."""


class Severity(IntEnum):
    """RFC 5424 6.2.1, table 2; the lower, the worse."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6
    DEBUG = 7


@dataclass(frozen=True, slots=True)
class Line:
    """``host`` and ``program`` are "" where the line does not say; nothing of it is fit to be shown as it is."""

    severity: Severity
    text: str
    program: str = ""
    host: str = ""


_PRI = re.compile(r"<(\d{1,3})>")
_NEW = re.compile(r"1 (?P<time>\S+) (?P<host>\S+) (?P<program>\S+) (?P<pid>\S+) (?P<id>\S+) ?")
_STRUCTURED = re.compile(r'(?:-|(?:\[(?:[^"\]\\]|\\.|"(?:[^"\\]|\\.)*+")*+\])+)(?: |$)')
_TIME = re.compile(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? ")
_TAG = re.compile(r"(?:(?P<host>[\w.:-]{0,254}\w) )?(?P<program>[\w./-]{1,48})(?:\[\d{1,10}\])?:(?: |$)")
_NOBODY = "-"  # RFC 5424's NILVALUE
_DEFAULT = 13  # RFC 3164 4.3.3: a message without one is given "a priority value of 13"
_MOST = 191  # facility 23, severity 7


def parse_line(data: bytes) -> Line:
    """Read one datagram.  Raises `WireError` for one that says nothing."""
    text = data[:LONGEST].decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\0\r\n ")
    priority, rest = _priority(text)
    line = _new(rest, Severity(priority % 8)) or _old(rest, Severity(priority % 8))
    if not line.text:
        raise WireError("empty syslog line")
    return line


def _priority(text: str) -> tuple[int, str]:
    found = _PRI.match(text)
    if found is None or int(found[1]) > _MOST:
        return _DEFAULT, text
    return int(found[1]), text[found.end() :]


def _new(text: str, severity: Severity) -> Line | None:
    head = _NEW.match(text)
    if head is None:
        return None
    rest = text[head.end() :]
    structured = _STRUCTURED.match(rest)
    if structured is None:
        return None
    said = rest[structured.end() :].removeprefix("\ufeff").strip()
    return Line(severity, said, _named(head["program"]), _named(head["host"]))


def _old(text: str, severity: Severity) -> Line:
    time = _TIME.match(text)
    rest = text[time.end() :] if time else text
    tag = _TAG.match(rest)
    if tag is None:
        return Line(severity, rest.strip())
    return Line(severity, rest[tag.end() :].strip(), tag["program"], tag["host"] or "")


def _named(word: str) -> str:
    return "" if word == _NOBODY else word
