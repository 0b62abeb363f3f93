"""A boot as a picture: one lane for each thing that happened, over one axis of time.

The axis is true to scale while something happens.  A long silence takes a fixed breadth, hatched, with its length
written in it: a machine that installs for an hour after ten seconds of fetching would show nothing else.  Places are
percent of the breadth, so that letters keep their size on a narrow screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netbootd.fleet.record import Attempt, Outcome, Reached, Step
from netbootd.observe.boots import PROBED
from netbootd.observe.sentences import size_text
from netbootd.serve.admin.page.words import OUTCOMES, STAGES, mark, rate, span

LONG = 8.0
"""Seconds without anything that are shown as silence; longer where the boot itself is long."""
_LANE, _AXIS = 40, 38  # pixels
_SILENCE, _SILENCES = 16.0, 60.0  # percent, of one and of all of them
_LEFT, _RIGHT = 1.0, 99.0
_APART, _FAR_APART = 10.0, 26.0  # percent between the words of two ticks, on a broad screen and on a narrow one
_SHORTEST = 1e-6  # seconds that fill the breadth: what is no longer is a moment
_ROUND = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_WIDEST = 46  # characters
_ENDLESS = (Outcome.RUNNING, Outcome.ABANDONED)
_KINDS = {
    Reached.FIRMWARE: "dhcp",
    Reached.IPXE: "dhcp",
    Reached.SYSTEM: "dhcp",
    Reached.AGAIN: "dhcp",
    Reached.LOADER: "data",
    Reached.SCRIPT: "data",
    Reached.FILE: "data",
}


@dataclass(frozen=True, slots=True)
class Lane:
    """A thing that happened; ``width`` 0: at a moment.  ``pace`` is left out where there is little room."""

    label: str
    detail: str
    size: str
    pace: str
    kind: str
    x: float
    width: float
    top: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing happened for this long."""

    x: float
    width: float
    text: str
    at: float
    """Where its words stand, and how they hang there."""
    anchor: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the axis; ``extra``: left out where there is little room."""

    x: float
    text: str
    anchor: str
    extra: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """The picture, ``height`` in pixels; ``said`` is the same in a sentence."""

    lanes: tuple[Lane, ...]
    gaps: tuple[Gap, ...]
    ticks: tuple[Tick, ...]
    height: int
    said: str


def chart(attempt: Attempt, now: float) -> Chart:
    """Of this boot, as it is ``now``: seconds since the epoch."""
    steps = sorted(attempt.steps, key=began)
    start = min((began(step) for step in steps), default=attempt.started)
    scale = _Scale.of([(began(step) - start, ended(step) - start) for step in steps], _silent(attempt, now, start))
    lanes = tuple(_lane(step, start, scale, _AXIS + place * _LANE) for place, step in enumerate(steps))
    said = f"{len(steps)} stages in {span(max(0.0, attempt.last - start))}: {OUTCOMES[attempt.outcome]}"
    return Chart(lanes, scale.gaps(), scale.ticks(), _AXIS + len(lanes) * _LANE + 4, said)


def began(step: Step) -> float:
    """When it did: a transfer is told of at its end, with the time it took."""
    taken = step.transfer.seconds if step.transfer else 0.0
    return min(step.at, max(step.last, step.at) - taken)


def ended(step: Step) -> float:
    """When it was heard of last."""
    return max(step.at, step.last)


def measure(step: Step) -> str:
    """How much, how fast, and what had to be sent again."""
    return ", ".join(filter(None, (_size(step), _pace(step))))


def _size(step: Step) -> str:
    moved, done = step.transfer, _done(step)
    if moved is None:
        return size_text(done) if done else ""
    return f"{size_text(done)} of {size_text(moved.size)}" if 0 < done < moved.size else size_text(done or moved.size)


def _pace(step: Step) -> str:
    moved = step.transfer
    if moved is None:
        return ""
    again = f"{moved.retransmits} sent again" if moved.retransmits else ""
    return ", ".join(filter(None, (rate(_done(step), moved.seconds), again)))


def _done(step: Step) -> int:
    return max(step.bytes, step.transfer.sent if step.transfer else 0)


def _silent(attempt: Attempt, now: float, start: float) -> float | None:
    """Since when nothing has happened, up to now, in a boot that has not come to an end."""
    return now - start if attempt.outcome in _ENDLESS and now > attempt.last else None


def _lane(step: Step, start: float, scale: _Scale, top: int) -> Lane:
    x, until = scale.place(began(step) - start), scale.place(ended(step) - start)
    times = f" \N{MULTIPLICATION SIGN}{step.times}" if step.times > 1 else ""
    kind = "trouble" if step.trouble else _KINDS.get(step.stage, "mark")
    width = until - x if until - x > 0.4 else 0.0
    return Lane(f"{STAGES[step.stage]}{times}", _short(step), _size(step), _pace(step), kind, x, width, top)


def _short(step: Step) -> str:
    """Of a path the end tells most; of words the beginning, and the page cuts them where there is no more room."""
    if step.reason == PROBED:
        return f"{step.file[-_WIDEST + 10 :]}: its size"
    if step.file:
        return step.file if len(step.file) <= _WIDEST else f"…{step.file[1 - _WIDEST :]}"
    return step.detail


@dataclass(frozen=True, slots=True)
class _Scale:
    """``parts``: from, to in seconds, and whether that is silence."""

    parts: tuple[tuple[float, float, bool], ...]
    each: float
    """Percent for a silence."""
    second: float
    """Percent for a second of the others."""

    @classmethod
    def of(cls, spans: Sequence[tuple[float, float]], now: float | None) -> _Scale:
        parts = _parts(spans, now)
        silent = sum(silence for _, _, silence in parts)
        busy = sum(to - since for since, to, silence in parts if not silence)
        room = _RIGHT - _LEFT
        most, all_of_them = (_SILENCE, _SILENCES) if busy else (room, room)
        each = min(most, all_of_them / silent) if silent else 0.0
        return cls(tuple(parts), each, (room - each * silent) / max(busy, _SHORTEST))

    def place(self, second: float) -> float:
        """Where that is, in percent."""
        x = _LEFT
        for since, to, silence in self.parts:
            if second <= to:
                share = (second - since) / (to - since) if to > since else 0.0
                return round(x + max(0.0, share) * self._width(since, to, silence), 3)
            x += self._width(since, to, silence)
        return round(x, 3)

    def gaps(self) -> tuple[Gap, ...]:
        return tuple(self._gap(since, to) for since, to, silence in self.parts if silence)

    def _gap(self, since: float, to: float) -> Gap:
        x, middle = self.place(since), round(self.place(since) + self.each / 2, 3)
        anchor = _anchor(middle, 14.0)
        at = {"start": x, "middle": middle, "end": round(x + self.each, 3)}[anchor]
        return Gap(x, round(self.each, 3), span(to - since), at, anchor)

    def ticks(self) -> tuple[Tick, ...]:
        """The ends of the parts, or round times where there is one part, as far as there is room for their words."""
        end = self.parts[-1][1] if self.parts else 0.0
        seconds = sorted(each for since, to, silence in self.parts if silence for each in (since, to)) or _round(end)
        found: list[tuple[float, float]] = []
        for second in dict.fromkeys((0.0, end, *seconds)):  # the ends go before what lies between
            x = self.place(second)
            if all(abs(x - other) >= _APART for _, other in found):
                found.append((second, x))
        return tuple(self._tick(second, x, [at for _, at in found]) for second, x in sorted(found))

    def _tick(self, second: float, x: float, all_of_them: Sequence[float]) -> Tick:
        ends = x in (min(all_of_them), max(all_of_them))
        near = any(0 < abs(x - other) < _FAR_APART for other in all_of_them)
        return Tick(x, f"+{mark(second)}" if second else "0", _anchor(x, 8.0), extra=near and not ends)

    def _width(self, since: float, to: float, silence: bool) -> float:
        return self.each if silence else (to - since) * self.second


def _round(end: float) -> list[float]:
    """Times up to the end that are easily said, five at most."""
    each = next((each for each in _ROUND if end <= 5 * each), end)
    return [each * number for number in range(1, 6) if each * number < end]


def _anchor(x: float, edge: float) -> str:
    return "start" if x < edge else "end" if x > 100 - edge else "middle"


def _parts(spans: Sequence[tuple[float, float]], now: float | None) -> list[tuple[float, float, bool]]:
    """Time from nought on, in pieces with and without anything."""
    if not spans:
        return [(0.0, now, True)] if now and now > LONG else []
    last = max(to for _, to in spans)
    long = max(LONG, 0.25 * _busy(spans))
    parts: list[tuple[float, float, bool]] = []
    since = until = 0.0
    for begin, end in [*sorted(spans), *([(now, now)] if now is not None and now - last > LONG else [])]:
        if begin - until > long:
            parts += [(since, until, False), (until, begin, True)]
            since = begin
        until = max(until, end)
    return [*parts, (since, until, False)]


def _busy(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds with something, or with a short wait."""
    total = until = 0.0
    for begin, end in sorted(spans):
        wait = begin - until
        total += (wait if 0 < wait <= LONG else 0.0) + max(0.0, end - max(begin, until))
        until = max(until, end)
    return total
