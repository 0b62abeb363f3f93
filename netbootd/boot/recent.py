"""A table that anybody on the network can add to, and that stays small."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most ``limit`` entries: what was not put for the longest time goes when there is no room."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """What was put last."""
        return self._entries.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep this instead of what was there."""
        self._entries.pop(key, None)
        self._entries[key] = value
        if len(self._entries) > self._limit:
            del self._entries[next(iter(self._entries))]

    def values(self) -> tuple[V, ...]:
        """All that is kept, what was put last is last."""
        return tuple(self._entries.values())

    def items(self) -> tuple[tuple[K, V], ...]:
        """Likewise, with its keys."""
        return tuple(self._entries.items())

    def __len__(self) -> int:
        return len(self._entries)
