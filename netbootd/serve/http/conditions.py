"""Conditional and range requests (RFC 9110 s.13, s.14): what of a file a request gets.  Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

_TAG = re.compile(r'(W/)?("[^"]*")')
_RANGE = re.compile(r"bytes=[ \t]*(\d{0,30})-(\d{0,30})[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Current:
    """What is there now.  ``etag`` is strong, with its quotes; ``modified`` whole seconds since the epoch, or None."""

    size: int
    etag: str
    modified: int | None


@dataclass(frozen=True, slots=True)
class Whole:
    """200."""


@dataclass(frozen=True, slots=True)
class Part:
    """206: ``count`` bytes from ``offset``."""

    offset: int
    count: int


@dataclass(frozen=True, slots=True)
class NotModified:
    """304."""


@dataclass(frozen=True, slots=True)
class Failed:
    """412."""


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """416."""


Judgement = Whole | Part | NotModified | Failed | Unsatisfiable


def judge(method: str, headers: Mapping[str, str], current: Current) -> Judgement:
    """Decide a GET or HEAD in the order of RFC 9110 s.13.2.2."""
    if not _preconditions_hold(headers, current):
        return Failed()
    if not _changed(headers, current):
        return NotModified()
    # s.14.2: "A server MUST ignore a Range header field received with a request method [...] for which range handling
    # is not defined.  For this specification, GET is the only method for which range handling is defined."
    wanted = headers.get("Range")
    if method != "GET" or wanted is None or not _same(headers.get("If-Range"), current):
        return Whole()
    return _range(wanted, current.size)


def _preconditions_hold(headers: Mapping[str, str], current: Current) -> bool:
    if (tags := headers.get("If-Match")) is not None:
        return tags.strip() == "*" or current.etag in _strong_tags(tags)
    since = _seconds(headers.get("If-Unmodified-Since"))
    return since is None or current.modified is None or current.modified <= since


def _changed(headers: Mapping[str, str], current: Current) -> bool:
    """s.13.1.3: "A recipient MUST ignore If-Modified-Since if the request contains an If-None-Match header field"."""
    if (tags := headers.get("If-None-Match")) is not None:
        return tags.strip() != "*" and current.etag not in (tag for _, tag in _TAG.findall(tags))
    since = _seconds(headers.get("If-Modified-Since"))
    return since is None or current.modified is None or current.modified > since


def _same(if_range: str | None, current: Current) -> bool:
    """Whether a resumed download continues the very file it began with (s.13.1.5): a strong tag, or the exact date."""
    if if_range is None:
        return True
    if '"' in if_range:
        return if_range.strip() == current.etag  # a weak tag never matches, W/ being part of the text
    return current.modified is not None and _seconds(if_range) == current.modified


def _strong_tags(tags: str) -> set[str]:
    return {tag for weak, tag in _TAG.findall(tags) if not weak}


def _range(wanted: str, size: int) -> Judgement:
    """One range is honoured.  Several, another unit or nonsense get the whole file: s.14.2 "A server MAY ignore the
    Range header field", and firmware understands a 200 but neither multipart nor a 400."""
    match = _RANGE.fullmatch(wanted.strip())
    if match is None or size == 0:  # any range of an empty file would be a 416, which GRUB takes for an error
        return Whole()
    first, last = match.groups()
    if not first:
        return _suffix(last, size)
    start = int(first)
    stop = min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:  # s.14.1.1: "invalid if the last-pos value is [...] less than the first-pos"
        return Whole()
    return Part(start, stop - start + 1) if start < size else Unsatisfiable()


def _suffix(length: str, size: int) -> Judgement:
    if not length:
        return Whole()
    count = min(int(length), size)
    return Part(size - count, count) if count else Unsatisfiable()


def _seconds(date: str | None) -> int | None:
    """An HTTP-date as seconds; None, and so ignored, when it is none."""
    if date is None:
        return None
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
