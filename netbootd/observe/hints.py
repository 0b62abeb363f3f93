"""Commands that texts tell people to type: with the settings file that this program was given, or they ask another."""

from __future__ import annotations

import re
import shlex

_COMMAND = re.compile(
    r"\bnetbootd (?:"
    r"machines (?:list|show|add|approve|install|local|forget|export|secret|url)|bundles (?:list|show|remove)|"
    r"check|doctor|explain|import|render|run|watch)\b(?! -c)"
)


def with_settings(text: str, path: str) -> str:
    """``netbootd explain MAC`` as ``netbootd explain -c PATH MAC``; as it is where no file was named (``path`` "")."""
    return _COMMAND.sub(lambda found: f"{found[0]} -c {shlex.quote(path)}", text) if path else text
