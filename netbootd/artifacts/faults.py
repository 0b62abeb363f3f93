"""The one error of importing."""

from __future__ import annotations


class ImportFault(Exception):
    """Nothing was imported; the text says why, and where it can, what to do."""
