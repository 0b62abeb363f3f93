"""Events as they happen, as Server-Sent Events: a sink of the hub that anybody who watches reads from.

An event's id is the moment this daemon started and a number counted up.  Whoever comes back with the last id they saw
(Last-Event-ID) gets what they missed, as far as it is kept; of what is not they are told how much it was, by a ``gap``
without a number where another run of the daemon made the id.  Nothing waits for a reader: what there is no room for in
their queue is dropped, and a ``dropped`` says how much.

How far transfers are (`TransferMoved`) comes at every level.  Of each a reader gets the latest alone, once there is
nothing else to tell, and without an id: that it is missed does no harm.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime

from netbootd.boot.recent import Recent
from netbootd.observe.events import ArtifactServed, Event, Level, TftpAborted, TftpFinished, TransferMoved
from netbootd.observe.sentences import level_of, sentence

KEPT = 2000
"""Events that one who comes back may have missed; those of level debug are never kept, as anybody can make them."""
WAITING = 500
"""Events that one reader may be behind."""
READERS = 64
BEAT = 15.0
"""Seconds of silence after which a comment says that the connection still stands."""
_LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")


class TooMany(Exception):
    """There is no room for one more reader."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event with its number; ``at`` in seconds since the epoch."""

    number: int
    at: float
    event: Event

    @property
    def level(self) -> Level:
        return level_of(self.event)


@dataclass(eq=False)
class _Reader:
    wanted: Callable[[Happened], bool]
    room: int
    queue: deque[Happened] = field(default_factory=deque)
    moving: dict[tuple[str, str, str], Happened] = field(default_factory=dict)
    dropped: int = 0
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, one: Happened) -> None:
        match one.event:
            case TransferMoved(file=file) as event:
                self.moving[event.mac, event.ip, file] = one
                if len(self.moving) > self.room:
                    del self.moving[next(iter(self.moving))]
            case TftpFinished(file=file) | TftpAborted(file=file) | ArtifactServed(file=file) as event:
                self.moving.pop((event.mac, event.ip, file), None)
                self._queue(one)
            case _:
                self._queue(one)
        self.woken.set()

    def next(self) -> Happened | None:
        if self.queue:
            return self.queue.popleft()
        return self.moving.pop(next(iter(self.moving))) if self.moving else None

    def _queue(self, one: Happened) -> None:
        if len(self.queue) >= self.room:
            self.queue.popleft()
            self.dropped += 1
        self.queue.append(one)


class Stream:
    """``run`` names this run of the daemon; ``wall`` is seconds since the epoch."""

    def __init__(
        self, run: str, wall: Callable[[], float], *, kept: int = KEPT, waiting: int = WAITING, readers: int = READERS
    ) -> None:
        self._run = run
        self._wall = wall
        self._kept: deque[Happened] = deque(maxlen=kept)
        self._waiting = waiting
        self._most = readers
        self._readers: set[_Reader] = set()
        self._number = 0
        self._lost = 0  # the number of the last event that is not kept, debug aside
        self._closed = False
        self._texts_of: Recent[int, str] = Recent(waiting)  # for who comes to the same event a moment later

    def __call__(self, event: Event) -> None:
        """A sink."""
        self._number += 1
        one = Happened(self._number, self._wall(), event)
        if one.level != "debug":
            if len(self._kept) == self._kept.maxlen:
                self._lost = self._kept[0].number
            self._kept.append(one)
        for reader in self._readers:
            if reader.wanted(one):
                reader.put(one)

    @property
    def readers(self) -> int:
        """How many there are."""
        return len(self._readers)

    def close(self) -> None:
        """End every reading: the daemon stops."""
        self._closed = True
        for reader in self._readers:
            reader.woken.set()

    @contextmanager
    def reading(
        self, last: str = "", mac: str = "", least: Level = "info", beat: float = BEAT
    ) -> Iterator[AsyncIterator[str]]:
        """Text for one reader, chunk by chunk, for ever.  Raises `TooMany`."""
        if len(self._readers) >= self._most:
            raise TooMany
        levels = _LEVELS[_LEVELS.index(least) :]
        reader = _Reader(lambda one: _wanted(one, levels) and (not mac or one.event.mac == mac), self._waiting)
        opening = self._opening(last)
        missed = [one for one in self._missed(last) if reader.wanted(one)]
        self._readers.add(reader)
        try:
            yield self._texts(reader, opening, missed, beat)
        finally:
            self._readers.discard(reader)

    async def _texts(self, reader: _Reader, opening: str, missed: list[Happened], beat: float) -> AsyncIterator[str]:
        yield opening
        for each in missed:
            yield self._text(each)
        while not self._closed:
            if reader.dropped:
                dropped, reader.dropped = reader.dropped, 0
                yield _notice("dropped", dropped)
            elif one := reader.next():
                yield self._text(one)
            else:
                reader.woken.clear()
                yield "" if await _within(reader.woken, beat) else ": still here\n\n"

    def _opening(self, last: str) -> str:
        """The id of now, so that one who loses the connection before anything happens misses nothing."""
        start = f"retry: 2000\nid: {self._run}-{self._number if not last else self._seen(last)}\n: netbootd\n\n"
        seen = self._number_of(last)
        if last and seen is None:
            return f"id: {self._run}-{self._number}\n{_notice('gap', None)}retry: 2000\n\n"
        if seen is not None and seen < self._lost:
            return f"{_notice('gap', self._lost - seen)}retry: 2000\n\n"
        return start

    def _seen(self, last: str) -> int:
        return self._number_of(last) or self._number

    def _missed(self, last: str) -> list[Happened]:
        seen = self._number_of(last)
        return [one for one in self._kept if one.number > seen] if seen is not None else []

    def _number_of(self, last: str) -> int | None:
        run, _, number = last.rpartition("-")
        if run != self._run or not number.isascii() or not number.isdigit() or len(number) > 18:
            return None
        return min(int(number), self._number)

    def _text(self, one: Happened) -> str:
        if (text := self._texts_of.get(one.number)) is not None:
            return text
        text = self._rendered(one)
        self._texts_of.put(one.number, text)
        return text

    def _rendered(self, one: Happened) -> str:
        id = "" if isinstance(one.event, TransferMoved) else f"id: {self._run}-{one.number}\n"
        return f"{id}event: {one.event.name}\ndata: {json.dumps(told(one))}\n\n"


def _wanted(one: Happened, levels: tuple[Level, ...]) -> bool:
    return one.level in levels or isinstance(one.event, TransferMoved)


def told(one: Happened) -> dict[str, object]:
    """The JSON of an event: what the log says of it."""
    event = one.event
    return {
        "at": datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds"),
        "event": event.name,
        "level": one.level,
        "sentence": sentence(event),
        **{each.name: getattr(event, each.name) for each in fields(event)},
    }


def _notice(name: str, count: int | None) -> str:
    return f"event: {name}\ndata: {json.dumps({'count': count})}\n\n"


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
