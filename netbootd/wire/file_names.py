"""Names of files inside images, held against a grammar before they become paths."""

from __future__ import annotations

from netbootd.wire.errors import WireError

BAD_NAME = "hostile file name"

MAX_PATH = 1024
"""Characters."""


def below(directory: str, name: str) -> str:
    """The path of ``name`` in ``directory``, which is empty at the top.  Raises `WireError`."""
    if name in ("", ".", "..") or "/" in name or not all(map(_harmless, name)):
        raise WireError(BAD_NAME, repr(name))
    path = f"{directory}/{name}" if directory else name
    if len(path) > MAX_PATH:
        raise WireError(BAD_NAME, f"{path[:40]}... has {len(path)} characters")
    return path


def _harmless(character: str) -> bool:
    return character >= " " and character != "\x7f"
