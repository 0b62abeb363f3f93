"""Where each machine stands with a profile that boots once: in memory, the only thing packets ever look at.

A change is a value that goes to a `Journal`, in the order it was made.  What reaches the disk before what, so that no
moment to pull the plug turns one arming into two wipes:

1. An arming is on disk before it counts and before it is acknowledged.
2. That a machine has been handed its script (a `Handing`) is on disk before the script is sent.
3. That the last file of the payload is on its way (``begun``) is on disk before its first byte is sent.
4. That it went out whole (GIVEN) counts at once and is written behind.

So whoever has a whole payload has left ``begun`` on disk.  A handing that is found begun at start is in doubt, and
doubt never wipes: the machine counts as given, and `Ledger.doubted` names it.  One found not begun is followed on.
What 2 and 3 cost is one commit each per install; no DHCP or TFTP packet waits for either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from netbootd.fleet.lifecycle import Stage
from netbootd.wire.mac import Mac

ROOM = 100_000
"""Records beyond which a machine never seen before is held: on a network anybody can make up addresses."""

IN_DOUBT = "netbootd stopped while the last file was on its way"


@dataclass(frozen=True, slots=True)
class Entry:
    """``since`` in seconds since the epoch; ``by`` says who or what made it so."""

    mac: Mac
    stage: Stage
    since: float
    by: str


@dataclass(frozen=True, slots=True)
class Handing:
    """A machine has its script.  It has its payload when the last byte of ``file`` has gone to ``ip``."""

    mac: Mac
    ip: str
    file: str
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Put:
    """The record of a machine, kept under each of its cards."""

    entry: Entry
    macs: tuple[Mac, ...]


@dataclass(frozen=True, slots=True)
class Forgot:
    """There is no record of a machine."""

    macs: tuple[Mac, ...]


@dataclass(frozen=True, slots=True)
class Hand:
    """A handing, new or changed."""

    handing: Handing


@dataclass(frozen=True, slots=True)
class Unhand:
    """Handings that are over: all of these cards, or those at one address."""

    macs: tuple[Mac, ...]
    ip: str | None = None


Change = Put | Forgot | Hand | Unhand


@dataclass(frozen=True, slots=True)
class Known:
    """What a journal held at start."""

    entries: tuple[Entry, ...] = ()
    handings: tuple[Handing, ...] = ()


class Journal(Protocol):
    """Keeps changes in the order they are handed in, each call's changes wholly or not at all."""

    @property
    def durable(self) -> bool:
        """False when what is written now would be lost by a restart."""
        ...

    def write(self, *changes: Change) -> Awaitable[bool]:
        """Takes them at once, awaited or not.  True when they are on disk, False when they will not be written."""
        ...

    def later(self, *changes: Change) -> None:
        """Write them behind, trying again until they are on disk."""
        ...


def alone(mac: Mac) -> tuple[Mac, ...]:
    """The cards of a machine nobody named."""
    return (mac,)


class Ledger:
    """``family`` gives all cards of the machine that has this one, the first first, and is asked each time, so that a
    reload is followed; ``now`` is the time of the start, in seconds since the epoch."""

    def __init__(
        self,
        journal: Journal,
        known: Known = Known(),
        *,
        family: Callable[[Mac], tuple[Mac, ...]] = alone,
        now: float = 0.0,
        room: int = ROOM,
    ) -> None:
        self._journal = journal
        self._family = family
        self._room = room
        self._entries = {entry.mac: entry for entry in known.entries}
        self._handings: dict[str, dict[Mac, Handing]] = {}
        for handing in known.handings:
            self._hold(handing)
        self.doubted = self._settle_doubts(known.handings, now)

    @property
    def durable(self) -> bool:
        """Whether what happens now would be known after a restart."""
        return self._journal.durable

    def stage(self, mac: Mac) -> Stage | None:
        """Where this machine stands; None without a record."""
        entry = self.entry(mac)
        if entry and entry.stage is not Stage.ARMED:
            return entry.stage
        if not self.durable or (entry is None and len(self._entries) >= self._room):
            return Stage.HELD
        return entry.stage if entry else None

    def entry(self, mac: Mac) -> Entry | None:
        """The record behind `stage`.  Where a reload has made one machine of two with different records, one that
        wipes nothing wins."""
        macs = self._macs(mac)
        found = [entry for each in macs if (entry := self._entries.get(each))]
        if not found:
            return None
        return replace(min(found, key=lambda e: (e.stage is Stage.ARMED, -e.since)), mac=macs[0])

    def entries(self) -> tuple[Entry, ...]:
        """One for each machine with a record, under its first card."""
        firsts = dict.fromkeys(self._macs(mac)[0] for mac in self._entries)
        return tuple(entry for mac in firsts if (entry := self.entry(mac)))

    async def arm(self, mac: Mac, by: str, now: float) -> bool:
        """Let this machine have its payload once.  True when that is on disk, False when it could not be written:
        then nothing has changed."""
        macs, before = self._macs(mac), self.entry(mac)
        if before and before.stage is Stage.ARMED:
            return await self._journal.write(Put(before, macs))
        untouched = self._watch(macs)
        entry = Entry(macs[0], Stage.ARMED, now, by)
        written = await self._journal.write(Put(entry, macs), Unhand(macs))
        if not untouched():  # somebody changed it meanwhile, and that is what the journal ends with
            return written
        if written:
            self._put(entry, macs)
        else:
            self._restore(before, macs)
        return written

    async def disarm(self, mac: Mac, by: str, now: float) -> bool:
        """Leave this machine to its own disk, at once.  False when that could not be written yet: a restart before
        it is would undo it."""
        macs = self._macs(mac)
        entry = Entry(macs[0], Stage.DISARMED, now, by)
        self._put(entry, macs)
        untouched = self._watch(macs)
        if await self._journal.write(Put(entry, macs), Unhand(macs)):
            return True
        if untouched():
            self._journal.later(Put(entry, macs), Unhand(macs))
        return False

    def given(self, mac: Mac, by: str, now: float) -> bool:
        """It has its whole payload, and boots its own disk from now on.  False when it was not armed."""
        before = self.entry(mac)
        if before is None or before.stage is not Stage.ARMED:
            return False
        macs = self._macs(mac)
        entry = Entry(macs[0], Stage.GIVEN, now, by)
        self._put(entry, macs)
        self._journal.later(Put(entry, macs), Unhand(macs))
        return True

    def handed(self, mac: Mac, ip: str, file: str, now: float) -> Awaitable[bool]:
        """An armed machine, or one that arms by itself, is about to get its script.  Counts at once; the script may
        be sent when this turns out True, and not when somebody disarmed the machine while the disk was busy."""
        macs = self._macs(mac)
        entry = self.entry(mac) or Entry(macs[0], Stage.ARMED, now, "auto")
        if entry.stage is not Stage.ARMED:
            raise AssertionError(f"{mac} is {entry.stage.value} and was handed its script")
        handing = Handing(mac, ip, file)
        self._put(entry, macs, keep=True)
        self._hold(handing)
        written = self._journal.write(Put(entry, macs), Hand(handing))
        return asyncio.ensure_future(self._still_followed(handing, written))

    def spend(self, mac: Mac, by: str, now: float) -> Awaitable[bool]:
        """As `handed`, for a payload that cannot be followed: with its script the machine has had it."""
        macs, before = self._macs(mac), self.entry(mac)
        entry = Entry(macs[0], Stage.GIVEN, now, by)
        self._put(entry, macs)
        untouched, written = self._watch(macs), self._journal.write(Put(entry, macs))

        async def spent() -> bool:
            done = await written
            if not done and untouched():
                self._restore(before, macs)
            return done

        return asyncio.ensure_future(spent())

    def begin(self, handing: Handing) -> Awaitable[bool]:
        """The last file is asked for; it may be sent when this turns out True."""
        begun = replace(handing, begun=True)
        self._hold(begun)
        return self._journal.write(Hand(begun))

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

    async def _still_followed(self, handing: Handing, written: Awaitable[bool]) -> bool:
        """Arming again does not bring back a handing that was dropped: its script would be one nobody follows."""
        followed = await written and handing.mac in self._handings.get(handing.ip, {})
        return followed and self.stage(handing.mac) is Stage.ARMED

    def _settle_doubts(self, handings: tuple[Handing, ...], now: float) -> tuple[Mac, ...]:
        begun = dict.fromkeys(self._macs(h.mac)[0] for h in handings if h.begun)
        return tuple(mac for mac in begun if self.given(mac, IN_DOUBT, now))

    def _macs(self, mac: Mac) -> tuple[Mac, ...]:
        return self._family(mac) or (mac,)

    def _watch(self, macs: tuple[Mac, ...]) -> Callable[[], bool]:
        """Whether these records are still the very same, and not only equal."""
        held = [self._entries.get(mac) for mac in macs]
        return lambda: all(self._entries.get(mac) is entry for mac, entry in zip(macs, held, strict=True))

    def _put(self, entry: Entry, macs: tuple[Mac, ...], *, keep: bool = False) -> None:
        for mac in macs:
            self._entries[mac] = replace(entry, mac=mac)
        if not keep:
            self._drop(macs)

    def _restore(self, before: Entry | None, macs: tuple[Mac, ...]) -> None:
        """After a write that failed: it may have reached the disk all the same."""
        if before:
            self._put(before, macs, keep=True)
        else:
            for mac in macs:
                self._entries.pop(mac, None)
        self._journal.later(Put(before, macs) if before else Forgot(macs))

    def _hold(self, handing: Handing) -> None:
        self._handings.setdefault(handing.ip, {})[handing.mac] = handing

    def _drop(self, macs: tuple[Mac, ...], ip: str | None = None) -> None:
        for place in [ip] if ip is not None else list(self._handings):
            there = self._handings.get(place, {})
            for mac in macs:
                there.pop(mac, None)
            if not there:
                self._handings.pop(place, None)
