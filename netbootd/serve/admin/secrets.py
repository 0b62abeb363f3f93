"""What an argument's name says of its value: that it is a secret, so that no answer has it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

HIDDEN = "(not shown)"

_SECRET = re.compile(
    r"(?<!by)pass(word|wd|phrase)?($|[^a-z])|secret|token|psk|credential|(^|[^a-z])(api|auth|priv|private)?_?key$"
)


def kept_from_sight(key: str, value: str) -> str:
    """The value, or `HIDDEN`; a password in a URL is left out as well."""
    if _SECRET.search(key.lower()):
        return HIDDEN
    if "://" not in value or "@" not in value:
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        return HIDDEN
    return value.replace(f"{parts.netloc.rpartition('@')[0]}@", f"{HIDDEN}@", 1) if "@" in parts.netloc else value
