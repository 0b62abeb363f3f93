"""The machines that boot, as ``netbootd watch`` follows them: who is kept, who is shown, and in which order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from netbootd.boot.rehearsal import rehearsed
from netbootd.cli.watched import FIRST, WAY, Line, after, moving_of
from netbootd.fleet.record import Reached

ROOM = 500
"""Machines that are kept."""
SHOWN, MISSED = 120.0, 3600.0
"""Seconds for which a boot that is over is shown, and one of which nothing more is heard."""


class Board:
    """Told of each event as the stream has it; ``clock`` is monotonic seconds, ``explain`` the command that says what
    to do about trouble."""

    def __init__(
        self,
        room: int = ROOM,
        clock: Callable[[], float] = time.monotonic,
        explain: str = "netbootd explain MACHINE",
    ) -> None:
        self.explain = explain
        self._room = room
        self._clock = clock
        self._lines: dict[str, Line] = {}  # what was heard of last is last
        self.left_out = 0
        """Machines there was no room for."""

    def take(self, data: Mapping[str, Any]) -> None:
        """It happened; what is about no machine is left out, and so is what `netbootd doctor` plays."""
        key, now = str(data.get("mac") or ""), self._clock()
        if not key or rehearsed(key):
            return
        line = self._lines.pop(key, None) or Line(key, now)
        self._lines[key] = after(line, data, now)
        if len(self._lines) > self._room:
            del self._lines[self._victim()]
            self.left_out += 1

    def knew(self, machine: Mapping[str, Any]) -> None:
        """One that boots already, as the API shows it."""
        key, step, now = str(machine.get("mac") or ""), machine.get("last_stage"), self._clock()
        if not key or not step:
            return
        reached, who = Reached[str(step["stage"]).upper()], str(machine.get("name") or key)
        moving = moving_of(None, machine["progress"], now) if machine.get("progress") else None
        told = machine.get("trouble")
        trouble = str(told["sentence"]) if told else str(step["detail"]) if step["trouble"] else ""
        stage = reached if reached in (*WAY, Reached.LOCAL) else None
        heard = now - (machine["progress"]["quiet"] if moving else _ago(str(step["last"])))
        self._lines[key] = Line(
            who,
            now,
            heard,
            stage,
            rate=moving.rate if moving else 0.0,
            moving=moving,
            doing=str(step["file"] or step["detail"]).rpartition("/")[2],
            trouble=trouble,
        )

    def lines(self, most: int) -> tuple[Line, ...]:
        """In the order they began, so that none moves while it is read; where not all fit, those that are over go
        first, then those that nobody heard of for longest."""
        now = self._clock()
        shown = [line for line in self._lines.values() if now - line.last < (SHOWN if line.over else MISSED)]
        shown.sort(key=lambda line: (line.over, not line.trouble, -line.last))
        return tuple(sorted(shown[:most], key=lambda line: line.began))

    def every(self) -> tuple[Line, ...]:
        """As many as there are."""
        return self.lines(self._room)

    def now(self) -> float:
        """On the clock of the lines."""
        return self._clock()

    def _victim(self) -> str:
        """Anybody can make up a card and ask; what came further goes last."""
        near = (key for key, line in self._lines.items() if line.stage in FIRST)
        return next(near, next(iter(self._lines)))


def _ago(moment: str) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())
