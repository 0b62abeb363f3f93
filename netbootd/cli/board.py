"""What ``netbootd watch`` shows on a terminal: each machine that boots, how far it came and what was last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rich.markup import escape
from rich.table import Table

from netbootd.fleet.record import Reached
from netbootd.observe.boots import stage_of
from netbootd.observe.events import Change
from netbootd.observe.sentences import size_text

ROOM = 500
"""Machines that are kept; the one longest unheard of goes first."""
_WAY = (Reached.FIRMWARE, Reached.LOADER, Reached.IPXE, Reached.SCRIPT, Reached.FILE, Reached.PAYLOAD, Reached.END)
_WORDS = {
    Reached.FIRMWARE: "firmware",
    Reached.LOADER: "loader",
    Reached.IPXE: "iPXE",
    Reached.SCRIPT: "script",
    Reached.FILE: "files",
    Reached.PAYLOAD: "payload sent",
    Reached.LOCAL: "own disk",
    Reached.END: "installed",
}
_FULL, _EMPTY = "━", "╌"


@dataclass(frozen=True, slots=True)
class Line:
    """One machine."""

    who: str
    stage: Reached | None = None
    bytes: int = 0
    sentence: str = ""
    trouble: bool = False


class Board:
    """Told of each event as the stream has it."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._lines: dict[str, Line] = {}

    def take(self, data: Mapping[str, Any]) -> None:
        """It happened; what is about no machine is left out."""
        key = str(data.get("mac") or "")
        if not key:
            return
        line = self._lines.pop(key, Line(key))
        self._lines[key] = _after(line, data)
        while len(self._lines) > self._room:
            del self._lines[next(iter(self._lines))]

    def lines(self, most: int) -> tuple[Line, ...]:
        """The latest last."""
        return tuple(self._lines.values())[-most:]

    def table(self, most: int) -> Table:
        """For 80 columns and more."""
        table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
        table.add_column("MACHINE", max_width=20, no_wrap=True, overflow="ellipsis")
        table.add_column("", width=len(_WAY), no_wrap=True)
        table.add_column("STAGE", width=12, no_wrap=True)
        table.add_column("SENT", width=7, justify="right", no_wrap=True)
        table.add_column("LAST", ratio=1, no_wrap=True, overflow="ellipsis")
        for line in self.lines(most):
            last = f"[red]{escape(line.sentence)}[/]" if line.trouble else escape(line.sentence)
            sent = size_text(line.bytes) if line.bytes else ""
            table.add_row(escape(line.who), bar(line), _word(line), sent, last)
        return table


def bar(line: Line) -> str:
    """How far it is on its way."""
    if line.stage not in _WAY:
        return _EMPTY * len(_WAY) if line.stage is None else ""
    done = _WAY.index(line.stage) + 1
    colour = "red" if line.trouble else "green" if done == len(_WAY) else "cyan"
    return f"[{colour}]{_FULL * done}[/]{_EMPTY * (len(_WAY) - done)}"


def _word(line: Line) -> str:
    return _WORDS.get(line.stage, "") if line.stage else ""


def _after(line: Line, data: Mapping[str, Any]) -> Line:
    stage, fresh = _stage(data), False
    if stage is Reached.FIRMWARE and line.stage in _WAY and _WAY.index(line.stage) > _WAY.index(Reached.IPXE):
        fresh = True  # it boots anew
    before = None if fresh else line.stage
    sent = (0 if fresh else line.bytes) + _sent(data)
    return replace(
        line,
        who=str(data.get("machine") or line.who),
        stage=_later(before, stage),
        bytes=sent,
        sentence=str(data.get("sentence", "")),
        trouble=data.get("level") in ("warning", "error") or data.get("change") == "failed",
    )


def _later(before: Reached | None, now: Reached | None) -> Reached | None:
    """Files that are fetched after the whole payload went out do not lead back."""
    if now is None or (now is Reached.FILE and before in (Reached.PAYLOAD, Reached.END)):
        return before
    return now


def _stage(data: Mapping[str, Any]) -> Reached | None:
    match data:
        case {"event": "dhcp.answered", "client": str(client)}:
            return Reached.IPXE if client.startswith("iPXE") else Reached.FIRMWARE
        case {"event": "tftp.finished" | "tftp.started" | "tftp.aborted" | "http.served", "file": str(file)}:
            return stage_of(file)
        case {"event": "script.served", "payload": payload}:
            return Reached.LOCAL if payload == "local" else Reached.SCRIPT
        case {"event": "machine.changed", "change": str(change)}:
            return {Change.GIVEN.value: Reached.PAYLOAD, Change.INSTALLED.value: Reached.END}.get(change)
        case _:
            return None


def _sent(data: Mapping[str, Any]) -> int:
    match data:
        case {"event": "tftp.finished", "size": int(size)}:
            return size
        case {"event": "http.served" | "tftp.aborted", "sent": int(sent)}:
            return sent
        case _:
            return 0
