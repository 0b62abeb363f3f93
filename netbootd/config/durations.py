"""How long something may take, as settings write it: ``90`` seconds, ``90s``, ``30m``, ``2h``, ``1d``."""

from __future__ import annotations

import re

from netbootd.config.problems import said

_LONGEST = 30 * 86400
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def duration(value: object) -> float:
    """In seconds.  Raises `ValueError`, which says what is wrong."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    found = re.fullmatch(r"(0|[1-9][0-9]{0,6})([smhd]?)", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"must be a time such as 90s, 30m or 2h, not {said(value)}")
    seconds = int(found[1]) * dict(_UNITS).get(found[2], 1)
    if not 1 <= seconds <= _LONGEST:
        raise ValueError(f"must be between 1s and 30d, not {said(value)}")
    return float(seconds)


def written(seconds: float) -> str:
    """As settings would write it: in the largest unit that it is a whole number of."""
    return next((f"{int(seconds // size)}{unit}" for unit, size in _UNITS if seconds % size == 0), f"{seconds:g}s")
