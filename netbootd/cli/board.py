"""What ``netbootd watch`` shows on a terminal: a line for each machine that boots, how far it is, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rich.cells import set_cell_size
from rich.text import Text

from netbootd.boot.rehearsal import rehearsed
from netbootd.fleet.record import Reached
from netbootd.observe.boots import stage_of
from netbootd.observe.events import Change
from netbootd.observe.sentences import rate_text, size_text

ROOM = 500
"""Machines that are kept."""
SHOWN, MISSED = 120.0, 3600.0
"""Seconds for which a boot that is over is shown, and one of which nothing more is heard."""
WIDE = 14
"""Columns of a bar."""
_HAD = 64  # files of one boot
_WAY = (Reached.FIRMWARE, Reached.LOADER, Reached.IPXE, Reached.SCRIPT, Reached.FILE, Reached.PAYLOAD, Reached.END)
_FIRST = (Reached.FIRMWARE, Reached.IPXE, None)
_WORDS = {
    Reached.FIRMWARE: "firmware",
    Reached.LOADER: "loader",
    Reached.IPXE: "iPXE",
    Reached.SCRIPT: "script",
    Reached.FILE: "files",
    Reached.PAYLOAD: "all sent",
    Reached.LOCAL: "own disk",
    Reached.END: "installed",
}
_OVER = (Reached.LOCAL, Reached.END)
_LONG = 30.0  # seconds without a word after which that is worth seeing
_FULL, _EMPTY = "━", "╌"
_WIDTHS, _RIGHT, _GAP = (17, 9, WIDE, 8, 6), (3, 4), " "  # columns, those that end at their right


@dataclass(frozen=True, slots=True)
class Moving:
    """A file on its way; ``rate`` in bytes a second."""

    file: str
    sent: int
    size: int
    seconds: float
    rate: float


@dataclass(frozen=True, slots=True)
class Line:
    """One machine; times on the clock of the board."""

    who: str
    began: float = 0.0
    last: float = 0.0
    """The last word of it."""
    stage: Reached | None = None
    bytes: int = 0
    rate: float = 0.0
    """Of the file that is on its way, or was the last that went out."""
    moving: Moving | None = None
    doing: str = ""
    trouble: str = ""
    last_file: str = ""
    """Of those its script has it fetch."""
    had: frozenset[str] = frozenset()
    """Scripts and files it got in this boot."""
    installs: bool = False

    @property
    def over(self) -> bool:
        """There is nothing more to come: who installs is heard of again, whoever has got all of a system is not."""
        return self.stage in _OVER or (self.stage is Reached.PAYLOAD and not self.installs)


class Board:
    """Told of each event as the stream has it; ``clock`` is monotonic seconds, ``explain`` the command that says what
    to do about trouble."""

    def __init__(
        self,
        room: int = ROOM,
        clock: Callable[[], float] = time.monotonic,
        explain: str = "netbootd explain MACHINE",
    ) -> None:
        self._explain = explain
        self._room = room
        self._clock = clock
        self._lines: dict[str, Line] = {}  # what was heard of last is last
        self._left_out = 0

    def take(self, data: Mapping[str, Any]) -> None:
        """It happened; what is about no machine is left out, and so is what `netbootd doctor` plays."""
        key, now = str(data.get("mac") or ""), self._clock()
        if not key or rehearsed(key):
            return
        line = self._lines.pop(key, None) or Line(key, now)
        self._lines[key] = _after(line, data, now)
        if len(self._lines) > self._room:
            del self._lines[self._victim()]
            self._left_out += 1

    def knew(self, machine: Mapping[str, Any]) -> None:
        """One that boots already, as the API shows it."""
        key, step, now = str(machine.get("mac") or ""), machine.get("last_stage"), self._clock()
        if not key or not step:
            return
        reached, who = Reached[str(step["stage"]).upper()], str(machine.get("name") or key)
        moving = _moving(None, machine["progress"]) if machine.get("progress") else None
        told = machine.get("trouble")
        trouble = str(told["sentence"]) if told else str(step["detail"]) if step["trouble"] else ""
        stage = reached if reached in _WORDS else None
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

    def view(self, most: int, width: int = 80) -> Text:
        """At most so many lines of so many columns."""
        now, every = self._clock(), self.lines(self._room)
        shown = _that_fit(self, every, max(1, most - 2))
        rows = [row for line in shown for row in _rows(line, now, width)]
        head = _row(("MACHINE", "STAGE", "", "RATE", "QUIET", "LAST"), width, "bold")
        return Text("\n").join((head, *rows, Text(self._summary(every, len(shown))[:width], style="dim")))

    def _victim(self) -> str:
        """Anybody can make up a card and ask; what came further goes last."""
        near = (key for key, line in self._lines.items() if line.stage in _FIRST)
        return next(near, next(iter(self._lines)))

    def _summary(self, every: tuple[Line, ...], shown: int) -> str:
        if not every:
            return "Nobody boots just now.  Ctrl-C ends this."
        over = sum(line.over for line in every)
        parts = [f"{len(every) - over} booting", f"{over} done"]
        parts += [f"{count} in trouble"] if (count := sum(bool(line.trouble) for line in every)) else []
        parts += [f"{len(every) - shown} not shown"] if shown < len(every) else []
        parts += [f"{self._left_out} dropped: too many at once"] if self._left_out else []
        hint = f"; {self._explain}: what to do" if any(line.trouble for line in every) else ""
        return ", ".join(parts) + hint


def _ago(moment: str) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())


def _that_fit(board: Board, every: tuple[Line, ...], most: int) -> tuple[Line, ...]:
    """A machine in trouble takes two lines."""
    lines = every if len(every) <= most else board.lines(most)
    while len(lines) > 1 and len(lines) + sum(bool(line.trouble) for line in lines) > most:
        lines = board.lines(len(lines) - 1)
    return lines


def _rows(line: Line, now: float, width: int) -> list[Text]:
    word = _WORDS.get(line.stage, "") if line.stage else ""
    rate = rate_text(line.rate) if line.rate else ""
    row = _row((line.who, word, bar(line), rate, _quiet(line, now), _doing(line)), width)
    if not line.trouble:
        return [row]
    return [row, Text(set_cell_size(f"  {line.trouble}", width).rstrip(), style="red")]


def _row(cells: tuple[str | Text, ...], width: int, style: str = "") -> Text:
    """The last cell has what the others leave."""
    widths = (*_WIDTHS, max(0, width - sum(_WIDTHS) - len(_GAP) * len(_WIDTHS)))
    row = Text(_GAP, style=style).join(
        _cell(cell, wide, place in _RIGHT) for place, (cell, wide) in enumerate(zip(cells, widths, strict=True))
    )
    row.rstrip()
    row.truncate(width)
    return row


def _cell(cell: str | Text, width: int, right: bool) -> Text:
    text = cell.copy() if isinstance(cell, Text) else Text(cell)
    text.truncate(width, overflow="ellipsis")
    missing = width - text.cell_len
    if right:
        text.pad_left(missing)
    else:
        text.pad_right(missing)
    return text


def bar(line: Line) -> Text:
    """Of the file that is on its way, else how far its boot is."""
    colour = "red" if line.trouble else "green" if line.stage in (Reached.PAYLOAD, Reached.END) else "cyan"
    if line.moving and line.moving.size:
        part = min(1.0, line.moving.sent / line.moving.size)
        said = f"{part:4.0%}"
        return _bar(part, WIDE - len(said) - 1, colour).append(f" {said}")
    if line.stage is None or line.stage not in _WAY:
        return Text("")
    return _bar((_WAY.index(line.stage) + 1) / len(_WAY), WIDE, colour)


def _bar(part: float, width: int, colour: str) -> Text:
    full = round(part * width)
    return Text(_FULL * full, style=colour).append(_EMPTY * (width - full), style="dim")


def _quiet(line: Line, now: float) -> Text:
    """Silence where a word should come is worth seeing."""
    seconds = now - line.last
    if line.over or seconds < 1:
        return Text("")
    said = f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"
    return Text(said, style="bold" if seconds >= _LONG else "")


def _doing(line: Line) -> str:
    """Short: the whole sentence is in the log."""
    return line.moving.file.rpartition("/")[2] if line.moving else line.doing


def _after(line: Line, data: Mapping[str, Any], now: float) -> Line:
    who, stage = str(data.get("machine") or line.who), _stage(data)
    if data.get("event") == "machine.trouble":  # concluded from silence, and no word of it
        return replace(line, who=who, trouble=str(data["reason"]))
    if data.get("event") == "transfer.moved":
        moving = _moving(line.moving, data)
        return replace(line, who=who, last=now, stage=_later(line.stage, stage), moving=moving, rate=moving.rate)
    if stage is Reached.FIRMWARE and line.stage in _WAY and _WAY.index(line.stage) > _WAY.index(Reached.IPXE):
        line = Line(line.who, now)  # it boots anew
    sentence = str(data.get("sentence", ""))
    if data.get("event") == "script.served" and (files := data.get("files")):
        line = replace(line, last_file=str(files[-1]), installs=bool(data.get("installs")))
    if data.get("event") == "http.served" and data.get("complete") and data.get("file") == line.last_file:
        stage = Reached.PAYLOAD
    got = _got(data)
    again = stage in _FIRST or (got is not None and got in line.had)  # which is not to go on
    return replace(
        line,
        who=who,
        last=now,
        stage=_later(line.stage, stage),
        bytes=line.bytes + _sent(data),
        rate=_rate(line, data),
        moving=None if _ends(line.moving, data) else line.moving,
        doing=_short(data) or line.doing,
        trouble=sentence if _bad(data) else line.trouble if again else "",
        had=line.had | {got} if got is not None and len(line.had) < _HAD else line.had,
    )


def _got(data: Mapping[str, Any]) -> str | None:
    match data:
        case {"event": "tftp.finished", "file": str(got)}:
            return got
        case {"event": "http.served", "complete": True, "file": str(got)}:
            return got
        case {"event": "script.served", "script": str(got)}:
            return got
    return None


def _short(data: Mapping[str, Any]) -> str:
    match data:
        case {"event": "dhcp.answered", "client": str(client)}:
            return client
        case {"event": "tftp.finished" | "tftp.aborted" | "http.served", "file": str(file)}:
            size = _sent(data)
            return f"{file.rpartition('/')[2]} {size_text(size)}" if size else file.rpartition("/")[2]
        case {"event": "installer.said", "text": str(text)}:
            return text
    return str(data.get("sentence", ""))


def _bad(data: Mapping[str, Any]) -> bool:
    return data.get("level") in ("warning", "error") or data.get("change") == Change.FAILED.value


def _moving(before: Moving | None, data: Mapping[str, Any]) -> Moving:
    file, sent, size, seconds = str(data["file"]), int(data["sent"]), int(data["size"]), float(data["seconds"])
    if before and before.file == file and sent > before.sent and seconds > before.seconds:
        return Moving(file, sent, size, seconds, (sent - before.sent) / (seconds - before.seconds))
    return Moving(file, sent, size, seconds, sent / seconds if seconds > 0 else 0.0)


def _ends(moving: Moving | None, data: Mapping[str, Any]) -> bool:
    return moving is not None and (data.get("file") == moving.file or data.get("event") == "dhcp.answered")


def _rate(line: Line, data: Mapping[str, Any]) -> float:
    match data:
        case {"event": "tftp.finished", "size": int(sent), "seconds": float(seconds)} if seconds > 0:
            return sent / seconds
        case {"event": "http.served", "sent": int(sent), "seconds": float(seconds)} if seconds > 0:
            return sent / seconds
    return line.rate if line.moving and not _ends(line.moving, data) else 0.0


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
        case {"event": "transfer.moved", "file": str(file)}:
            return stage_of(file)
        case {"event": "script.served", "payload": payload}:
            return Reached.LOCAL if payload == "local" else Reached.SCRIPT
        case {"event": "dhcp.silent", "reason": "BOOT_LOCAL"}:
            return Reached.LOCAL
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
