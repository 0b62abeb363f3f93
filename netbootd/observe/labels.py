"""Label values for metrics, of which there must never be as many as there are machines, or packets."""

from __future__ import annotations

MOST = 64
OTHER = "other"


class Labels:
    """Keeps at most `MOST` values of each label; what comes later is ``other``."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}

    def bounded(self, metric: str, *values: str) -> tuple[str, ...]:
        """The values as they may be used; each place of a ``metric`` is a label of its own."""
        return tuple(self._value(f"{metric}.{place}", value) for place, value in enumerate(values))

    def _value(self, label: str, value: str) -> str:
        known = self._known.setdefault(label, set())
        if value not in known and len(known) >= MOST:
            return OTHER
        known.add(value)
        return value
