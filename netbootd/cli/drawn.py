"""The board on a terminal: a line for each machine, with a bar, a rate, and for how long it has been silent."""

from __future__ import annotations

from rich.cells import set_cell_size
from rich.text import Text

from netbootd.cli.board import Board
from netbootd.cli.watched import WAY, Line
from netbootd.fleet.record import Reached
from netbootd.observe.sentences import rate_text

WIDE = 14
"""Columns of a bar."""
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
_LONG = 30.0  # seconds without a word after which that is worth seeing
_FULL, _EMPTY = "━", "╌"
_WIDTHS, _RIGHT, _GAP = (17, 9, WIDE, 8, 6), (3, 4), " "  # columns, those that end at their right


def view(board: Board, most: int, width: int = 80) -> Text:
    """At most so many lines of so many columns."""
    now, every = board.now(), board.every()
    shown = _that_fit(board, every, max(1, most - 2))
    rows = [row for line in shown for row in _rows(line, now, width)]
    head = _row(("MACHINE", "STAGE", "", "RATE", "QUIET", "LAST"), width, "bold")
    return Text("\n").join((head, *rows, Text(_summary(board, every, len(shown))[:width], style="dim")))


def bar(line: Line) -> Text:
    """Of the file that is on its way, else how far its boot is."""
    colour = "red" if line.trouble else "green" if line.stage in (Reached.PAYLOAD, Reached.END) else "cyan"
    if line.moving and line.moving.size:
        part = min(1.0, line.moving.sent / line.moving.size)
        said = f"{part:4.0%}"
        return _bar(part, WIDE - len(said) - 1, colour).append(f" {said}")
    if line.stage is None or line.stage not in WAY:
        return Text("")
    return _bar((WAY.index(line.stage) + 1) / len(WAY), WIDE, colour)


def _that_fit(board: Board, every: tuple[Line, ...], most: int) -> tuple[Line, ...]:
    """A machine in trouble takes two lines."""
    lines = every if len(every) <= most else board.lines(most)
    while len(lines) > 1 and len(lines) + sum(bool(line.trouble) for line in lines) > most:
        lines = board.lines(len(lines) - 1)
    return lines


def _summary(board: Board, every: tuple[Line, ...], shown: int) -> str:
    if not every:
        return "Nobody boots just now.  Ctrl-C ends this."
    over = sum(line.over for line in every)
    parts = [f"{len(every) - over} booting", f"{over} done"]
    parts += [f"{count} in trouble"] if (count := sum(bool(line.trouble) for line in every)) else []
    parts += [f"{len(every) - shown} not shown"] if shown < len(every) else []
    parts += [f"{board.left_out} dropped: too many at once"] if board.left_out else []
    hint = f"; {board.explain}: what to do" if any(line.trouble for line in every) else ""
    return ", ".join(parts) + hint


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
