"""Where each machine stands with a profile that boots once: in memory, the only thing packets ever look at.

A change is a value that goes to a `Journal`, in the order it was made.  What reaches the disk before what, so that no
moment to pull the plug turns one arming into two wipes:

1. An arming is on disk before it counts and before it is acknowledged.
2. That a machine has been handed its script (a `Handing`) is on disk before the script is sent.
3. That the last file of the payload is on its way (``begun``) is on disk before its first byte is sent.
4. That it went out whole (GIVEN) counts at once and is written behind.

So whoever has a whole payload has left ``begun`` on disk.  A handing that is found begun, by a daemon that no longer
runs, is in doubt, and doubt never wipes: the machine counts as given, and that is told.  One found not begun is
followed on.  What 2 and 3 cost is one commit each per install; no DHCP or TFTP packet waits for either.

Where several daemons share a database, each step is refused to the second that would take it, and what the others did
is taken in by `Ledger.learn`.  While one has begun, the others hold the machine.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, replace
from itertools import islice

from netbootd.fleet.changes import (
    NOTHING,
    Entry,
    Hand,
    Handing,
    Journal,
    Keeper,
    Known,
    Order,
    Put,
    Undo,
    Unhand,
    Written,
)
from netbootd.fleet.lifecycle import AUTO, Stage
from netbootd.wire.mac import Mac

ROOM = 100_000
"""Records beyond which a machine never seen before is held: on a network anybody can make up addresses."""

IN_DOUBT = "netbootd stopped while the last file was on its way"

_TRIES = 8  # for an order that meets another daemon's each time


def alone(mac: Mac) -> tuple[Mac, ...]:
    """The cards of a machine nobody named."""
    return (mac,)


@dataclass(frozen=True, slots=True)
class Learned:
    """What `Ledger.learn` came to: machines with another record than before, and those that count as given by doubt."""

    changed: tuple[Mac, ...]
    doubted: tuple[Mac, ...]


class Ledger:
    """``family`` gives all cards of the machine that has this one, the first first, and is asked each time, so that a
    reload is followed; ``wall`` is seconds since the epoch.."""

    def __init__(
        self,
        journal: Journal,
        known: Known = NOTHING,
        *,
        family: Callable[[Mac], tuple[Mac, ...]] = alone,
        wall: Callable[[], float] = time.time,
        room: int = ROOM,
    ) -> None:
        self._journal = journal
        self._family = family
        self._wall = wall
        self._room = room
        self._tell: Callable[[Learned], None] = lambda learned: None
        self._tell_move: Callable[[Mac], None] = lambda _mac: None
        self._entries = {entry.mac: entry for entry in known.entries}
        armed_first = sorted(known.entries, key=lambda entry: entry.stage is not Stage.ARMED)
        self._moved = dict.fromkeys(entry.mac for entry in armed_first)
        self._handings: dict[str, dict[Mac, Handing]] = {}
        for handing in known.handings:
            self._hold(handing)
        self._busy = _elsewhere(known.handings)
        self._ordered: dict[Mac, int] = {}  # the generation of the latest order, which may not count yet
        self.doubted = self._settle_doubts(known.handings)
        journal.follow(self.learn)

    @property
    def durable(self) -> bool:
        """Whether what happens now would be known after a restart."""
        return self._journal.durable

    def stage(self, mac: Mac) -> Stage | None:
        """Where this machine stands; None without a record."""
        entry = self.entry(mac)
        if entry and entry.stage is not Stage.ARMED:
            return entry.stage
        if (
            not self.durable
            or (entry is None and len(self._entries) >= self._room)
            or (self._busy and self._busy.intersection(self._macs(mac)))
        ):
            return Stage.HELD
        return entry.stage if entry else None

    def entry(self, mac: Mac) -> Entry | None:
        """The record behind `stage`.  Where a reload has made one machine of two with different records, one that
        wipes nothing wins."""
        macs = self._macs(mac)
        found = [entry for each in macs if (entry := self._entries.get(each))]
        if not found:
            return None
        latest = max(entry.generation for entry in found)
        return replace(min(found, key=lambda e: (e.stage is Stage.ARMED, -e.since)), mac=macs[0], generation=latest)

    def entries(self) -> tuple[Entry, ...]:
        """One for each machine with a record, under its first card."""
        firsts = dict.fromkeys(self._macs(mac)[0] for mac in self._entries)
        return tuple(entry for mac in firsts if (entry := self.entry(mac)))

    def recorded(self) -> tuple[Entry, ...]:
        """One for each card, as they are kept."""
        return tuple(self._entries.values())

    def traced(self, macs: Collection[Mac]) -> tuple[object, ...]:
        """All that `entry` and `stage` say of a machine is made of, if these are its cards: as long as this is equal,
        they say the same."""
        busy = self._busy.intersection(macs) if self._busy else frozenset()
        full = len(self._entries) >= self._room
        return (self.durable, full, busy, *(self._entries.get(mac) for mac in macs))

    def moved(self, most: int) -> tuple[Mac, ...]:
        """Cards with another record than when this was last asked, the armed ones of the start first; those there is
        no room for are told the next time."""
        found = tuple(islice(self._moved, most))
        for mac in found:
            del self._moved[mac]
        return found

    async def arm(self, mac: Mac, by: str, now: float) -> bool:
        """Let this machine have its payload once.  True when that is on disk, False when it could not be written:
        then nothing has changed."""
        now = self._after(mac, now)
        return await self._order(lambda: self._arm(mac, by, now), mac, Stage.ARMED, now)

    async def disarm(self, mac: Mac, by: str, now: float) -> bool:
        """Leave this machine to its own disk, at once.  False when that could not be written yet: a restart before
        it is would undo it."""
        now = self._after(mac, now)
        return await self._order(lambda: self._disarm(mac, by, now), mac, Stage.DISARMED, now)

    def given(self, mac: Mac, by: str, now: float) -> bool:
        """It has its whole payload, and boots its own disk from now on.  False when it was not armed."""
        before = self.entry(mac)
        if before is None or before.stage is not Stage.ARMED:
            return False
        macs = self._macs(mac)
        entry = Entry(macs[0], Stage.GIVEN, now, by, before.generation)
        self._put(entry, macs)
        self._journal.later(Put(entry, macs), Unhand(macs))
        return True

    def handed(self, mac: Mac, ip: str, file: str, now: float) -> Awaitable[bool]:
        """An armed machine, or one that arms by itself, is about to get its script.  Counts at once; the script may
        be sent when this turns out True, and not when somebody disarmed the machine while the disk was busy."""
        macs, before = self._macs(mac), self.entry(mac)
        entry = before or Entry(macs[0], Stage.ARMED, now, AUTO)
        if entry.stage is not Stage.ARMED:
            raise AssertionError(f"{mac} is {entry.stage.value} and was handed its script")
        handing = Handing(mac, ip, file)
        self._put(entry, macs, keep=True)
        self._hold(handing)
        written = self._journal.write(_change(entry, before, macs), Hand(handing, macs, entry.generation))
        return asyncio.ensure_future(self._still_followed(handing, written))

    def spend(self, mac: Mac, by: str, now: float) -> Awaitable[bool]:
        """As `handed`, for a payload that cannot be followed: with its script the machine has had it."""
        macs, before = self._macs(mac), self.entry(mac)
        entry = Entry(macs[0], Stage.GIVEN, now, by, before.generation if before else 1)
        self._put(entry, macs)
        untouched, written = self._watch(macs), self._journal.write(_change(entry, before, macs))

        async def spent() -> bool:
            done = await written
            if done is Written.NO and untouched():
                self._undo(entry, before, macs)
            return bool(done)

        return asyncio.ensure_future(spent())

    def begin(self, handing: Handing) -> Awaitable[Written]:
        """The last file is asked for; it may be sent when this turns out true."""
        entry = self.entry(handing.mac)
        if entry is None:  # forgotten since, by another daemon
            refused: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
            refused.set_result(Written.REFUSED)
            return refused
        begun = replace(handing, begun=True, keeper=Keeper.US)
        self._hold(begun)
        return self._journal.write(Hand(begun, self._macs(handing.mac), entry.generation))

    def handings_at(self, ip: str) -> tuple[Handing, ...]:
        """Those under way at this address; behind NAT it may be several."""
        return tuple(self._handings.get(ip, {}).values())

    def handings(self) -> tuple[Handing, ...]:
        """All that are under way, oldest first at each address."""
        return tuple(handing for there in self._handings.values() for handing in there.values())

    def forget_handing(self, handing: Handing) -> None:
        """Follow this one no longer; the machine stays armed."""
        self._drop((handing.mac,), handing.ip)
        self._journal.later(Unhand((handing.mac,), handing.ip))

    def listen(self, tell: Callable[[Learned], None]) -> None:
        """Have it told what is learned from the journal."""
        self._tell = tell

    def on_move(self, tell: Callable[[Mac], None]) -> None:
        """Have it told each card whose record is another from now on."""
        self._tell_move = tell

    def learn(self, found: Known, macs: Collection[Mac] | None = None, but: Collection[Mac] = ()) -> None:
        """Take in what the journal holds of these cards, or of all; ``but`` these, with changes that still wait."""
        entries = {entry.mac: entry for entry in found.entries}
        handings = [handing for handing in found.handings if handing.mac not in but]
        if macs is None:
            macs = {*self._entries, *entries, *(handing.mac for handing in self.handings())}
        about = set(macs).difference(but)
        changed = [mac for mac in about if self._entries.get(mac) != entries.get(mac)]
        for mac in changed:
            self._record(mac, entries.get(mac))
        self._drop(about)
        for handing in handings:
            self._hold(handing)
        self._busy = _elsewhere(self.handings())
        doubted = self._settle_doubts(handings)
        self._tell(Learned(tuple(dict.fromkeys(self._macs(mac)[0] for mac in changed)), doubted))

    async def _order(self, order: Callable[[], Awaitable[Written]], mac: Mac, ordered: Stage, now: float) -> bool:
        """One that another daemon's came before is given again, on top of that; but one that was given later, here or
        there, counts: to arm again what was disarmed since would wipe it."""
        for _ in range(_TRIES):
            written = await order()
            entry = self.entry(mac)
            if written is not Written.REFUSED:
                return bool(written)
            if entry and entry.since > now:
                return entry.stage is ordered
        return False

    async def _arm(self, mac: Mac, by: str, now: float) -> Written:
        macs, before = self._macs(mac), self.entry(mac)
        if before and before.stage is Stage.ARMED:
            return await self._arm_again(before, macs)
        untouched = self._watch(macs)
        entry = Entry(macs[0], Stage.ARMED, now, by, self._next(macs))
        written = await self._journal.write(Order(entry, macs), Unhand(macs))
        if untouched():  # else somebody changed it meanwhile, and that is what the journal ends with
            if written:
                self._put(entry, macs)
            elif written is Written.NO:
                self._undo(entry, before, macs)
        return written

    async def _arm_again(self, before: Entry, macs: tuple[Mac, ...]) -> Written:
        """It need not be the same to the database: where the first arming failed at its daemon and had reached the
        disk all the same, taking that back must not take back what was promised here."""
        again = replace(before, since=math.nextafter(before.since, math.inf))
        untouched = self._watch(macs)
        written = await self._journal.write(Put(again, macs))
        if written and untouched():
            self._put(again, macs, keep=True)
        return written

    async def _disarm(self, mac: Mac, by: str, now: float) -> Written:
        macs = self._macs(mac)
        entry = Entry(macs[0], Stage.DISARMED, now, by, self._next(macs))
        self._put(entry, macs)
        untouched = self._watch(macs)
        written = await self._journal.write(Order(entry, macs), Unhand(macs))
        if written is Written.NO and untouched():
            self._journal.later(Order(entry, macs, late=True), Unhand(macs))
        return written

    def _after(self, mac: Mac, now: float) -> float:
        """What is known here was before, by whichever daemon's clock."""
        known = [entry.since for each in self._macs(mac) if (entry := self._entries.get(each))]
        return max(now, *(math.nextafter(since, math.inf) for since in known)) if known else now

    def _next(self, macs: tuple[Mac, ...]) -> int:
        recorded = [entry.generation for mac in macs if (entry := self._entries.get(mac))]
        generation = 1 + max([*recorded, *(self._ordered.get(mac, 0) for mac in macs)])
        self._ordered.update(dict.fromkeys(macs, generation))
        return generation

    async def _still_followed(self, handing: Handing, written: Awaitable[Written]) -> bool:
        """Arming again does not bring back a handing that was dropped: its script would be one nobody follows."""
        followed = await written and handing.mac in self._handings.get(handing.ip, {})
        return bool(followed) and self.stage(handing.mac) is Stage.ARMED

    def _settle_doubts(self, handings: Iterable[Handing]) -> tuple[Mac, ...]:
        begun = dict.fromkeys(self._macs(h.mac)[0] for h in handings if h.begun and h.keeper is Keeper.NOBODY)
        return tuple(mac for mac in begun if self.given(mac, IN_DOUBT, self._wall()))

    def _macs(self, mac: Mac) -> tuple[Mac, ...]:
        return self._family(mac) or (mac,)

    def _watch(self, macs: tuple[Mac, ...]) -> Callable[[], bool]:
        """Whether these records are still the very same, and not only equal."""
        held = [self._entries.get(mac) for mac in macs]
        return lambda: all(self._entries.get(mac) is entry for mac, entry in zip(macs, held, strict=True))

    def _put(self, entry: Entry, macs: tuple[Mac, ...], *, keep: bool = False) -> None:
        for mac in macs:
            self._record(mac, replace(entry, mac=mac))
        if not keep:
            self._drop(macs)

    def _record(self, mac: Mac, entry: Entry | None) -> None:
        self._moved[mac] = None
        if entry:
            self._entries[mac] = entry
        else:
            self._entries.pop(mac, None)
        self._tell_move(mac)

    def _undo(self, failed: Entry, before: Entry | None, macs: tuple[Mac, ...]) -> None:
        """After a write that failed: it may have reached the disk all the same."""
        for mac in macs:
            self._record(mac, replace(before, mac=mac) if before else None)
        self._journal.later(Undo(failed, before, macs))

    def _hold(self, handing: Handing) -> None:
        self._handings.setdefault(handing.ip, {})[handing.mac] = handing

    def _drop(self, macs: Collection[Mac], ip: str | None = None) -> None:
        if ip is None:
            self._busy = self._busy.difference(macs)
        for place in [ip] if ip is not None else list(self._handings):
            there = self._handings.get(place, {})
            for mac in macs:
                there.pop(mac, None)
            if not there:
                self._handings.pop(place, None)


def _change(entry: Entry, before: Entry | None, macs: tuple[Mac, ...]) -> Order | Put:
    """A machine that arms by itself begins with its first generation."""
    return Put(entry, macs) if before else Order(entry, macs)


def _elsewhere(handings: Iterable[Handing]) -> frozenset[Mac]:
    return frozenset(handing.mac for handing in handings if handing.begun and handing.keeper is Keeper.ANOTHER)
