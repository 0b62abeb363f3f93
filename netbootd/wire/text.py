"""Text as others wrote it, made fit to be shown."""

from __future__ import annotations


def printable(text: str, limit: int = 120) -> str:
    """One line for a log or a terminal: what is not printable becomes ``?``; cut to ``limit`` characters."""
    shown = "".join(each if each.isprintable() else "?" for each in text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
