"""Follows the lives of all machines: a sink for events, and a look at the clock now and then.

What happens goes into the records and the boots; what that amounts to (`fleet.lifecycle`) is written into the record,
and where an installation is over that was still armed, the ledger uses the arming up.  Nothing here arms anybody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from uuid import UUID

from netbootd.boot.facts import Facts
from netbootd.boot.recent import Recent
from netbootd.boot.silence import Reason
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.attempts import Limits as Room
from netbootd.fleet.behind import Behind
from netbootd.fleet.changes import Entry
from netbootd.fleet.identity import own_uuid
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Limits, Stage, Standing, ending_of, is_over, learned, spends, state_of, told
from netbootd.fleet.record import Attempt, DropRecord, Ending, PutRecord, Reached, Record, RecordChange
from netbootd.fleet.records import Records
from netbootd.observe.boots import happening
from netbootd.observe.events import Change, DaemonNotice, DhcpAnswered, DhcpSilent, Event, MachineChanged, ScriptServed
from netbootd.serve.kept import Kept
from netbootd.wire.mac import Mac

_TELLS = 60.0  # seconds between two words on what was dropped
_CARDS = 128  # looked through for each machine that is shown
_OTHERS = 8  # cards of one uuid

_RECORDED = (Reason.BOOT_LOCAL.name,)
"""Silence to a machine that netboots and is left to its disk, as ``unknown: register`` has it: it is listed, too."""

_AT_ONCE = 2000  # machines that are new to look at, so that a large fleet does not hold packets up at the start


class Lives:
    """``known`` gives what a machine's iPXE said of it, ``limits`` how long its installation may take, ``listed``
    whether a file names it, ``auto`` whether its profile arms by itself, ``trace`` is what all of that is made of, see
    `serve.kept`; ``wall`` is seconds since the epoch."""

    def __init__(
        self,
        ledger: Ledger,
        records: Records,
        attempts: Attempts,
        behind: Behind,
        emit: Callable[[Event], None],
        *,
        known: Callable[[Mac], Facts] = lambda mac: Facts(mac=mac),
        limits: Callable[[Mac], Limits] = lambda _mac: Limits(),
        listed: Callable[[Mac], bool] = lambda _mac: False,
        auto: Callable[[Mac], bool] = lambda _mac: False,
        trace: Callable[[Mac], object] = lambda _mac: object(),
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._attempts = attempts
        self._behind = behind
        self._emit = emit
        self._known = known
        self._limits = limits
        self._listed = listed
        self._auto = auto
        self._trace = trace
        self._wall = wall
        self._standings: Kept[Mac, Standing] = Kept(lambda standing: not standing.timed)
        self._dropped_told = 0
        self._tells = 0.0
        self._cards: Recent[Mac, str] = Recent(_CARDS)
        self._asking: Recent[UUID, tuple[Mac, ...]] = Recent(_CARDS)  # cards by the uuid they told, the latest last
        self._watched: dict[Mac, None] = {}  # cards of those that install

    def __call__(self, event: Event) -> None:
        """Take in what happened."""
        now = self._wall()
        what = happening(event, now)
        if what is None:
            return
        match event:
            case ScriptServed(installs=installs) if what.mac:
                self._cards.put(what.mac, "")  # its iPXE says who it is
                self._saw(facts := self._known(what.mac), what.ip, now)
                self._asked_for(what.mac, facts.uuid)
                what = replace(what, generation=self._generation(what.mac) if installs else 0)
            case DhcpAnswered() if what.mac:
                self._seems(what.mac, what.uuid)
                self._saw(Facts(mac=what.mac), what.ip, now)
            case DhcpSilent(reason=reason) if what.mac and (reason in _RECORDED or self._records.of_card(what.mac)):
                self._saw(Facts(mac=what.mac), what.ip, now)
                armed = what.stage is Reached.SYSTEM and self._ledger.stage(what.mac) is Stage.ARMED
                what = replace(what, awaited=armed)
        self._attempts.happened(what)

    def _seems(self, mac: Mac, uuid: UUID | None) -> None:
        if (own := own_uuid(uuid)) is not None:
            others = (each for each in self._asking.get(own) or () if each != mac)
            self._asking.put(own, (*others, mac)[-_OTHERS:])
        if seems := self._records.seems(mac, uuid):
            self._cards.put(mac, seems)

    def _asked_for(self, mac: Mac, uuid: UUID | None) -> None:
        """Other cards asked before this one, whose iPXE has told the board now: firmware that boots by one card and its
        iPXE by another, or that had no luck with the first."""
        own = own_uuid(uuid)
        for card in (self._asking.get(own) or ()) if own else ():
            if card != mac and (seems := self._records.seems(card, uuid)):
                self._cards.put(card, seems)

    def look(self) -> None:
        """Once in some seconds: what time and silence have made of those that install.  Those that are over are not
        looked at again; nor is anybody while the state is away, for another daemon may hear what is not heard here."""
        now = self._wall()
        self._tell_dropped(now)
        if not self._ledger.durable:
            return
        self._watched.update(dict.fromkeys(self._ledger.moved(_AT_ONCE)))
        for mac in tuple(self._watched):
            entry = self._ledger.entry(mac)
            if entry is not None and entry.mac != mac and entry.mac in self._watched:
                continue
            if entry is None or entry.stage not in (Stage.ARMED, Stage.GIVEN) or self._look_at(entry, now):
                del self._watched[mac]

    @property
    def watched(self) -> int:
        """Cards of machines that are looked at."""
        return len(self._watched)

    @property
    def dropped(self) -> int:
        """Machines, and boots under way, that there was no room for."""
        return self._records.dropped + self._attempts.pushed_out

    def _tell_dropped(self, now: float) -> None:
        new = self.dropped - self._dropped_told
        if new <= 0 or now < self._tells:
            return
        self._dropped_told, self._tells = self.dropped, now + _TELLS
        text = f"{new} machines or boots were dropped: more showed up than there is room for; those known stay"
        self._emit(DaemonNotice(text=text, severity="warning"))

    def prune(self, now: float) -> None:
        """Now and then: history that is too old; for ``now`` see `fleet.age`."""
        self._attempts.prune(now)
        gone = self._records.prune(now - Room().age)
        for change in gone:
            self._attempts.forget(change.id)
        self._behind.add(gone)

    def waiting(self, most: int = 1000) -> tuple[RecordChange, ...]:
        """What is to be written behind."""
        self._behind.add(self._attempts.take())
        return self._behind.take(most)

    def standing(self, mac: Mac) -> Standing:
        """Where a machine stands now."""
        return self._standings.of(mac, self._trace(mac), lambda: self._stands(mac))

    def _stands(self, mac: Mac) -> Standing:
        """Found anew; what the one case does not ask for is not looked for."""
        record, entry = self.record(mac), self._ledger.entry(mac)
        attempt, armed = self._latest(mac, record), entry is not None and entry.stage is Stage.ARMED
        ends = entry is not None and attempt is not None and ending_of(record, entry) is None
        auto = entry is None and self._auto(mac)
        return state_of(
            record,
            entry,
            attempt,
            self._wall(),
            listed=entry is None and self._listed(mac),
            auto=auto,
            held=(armed or auto) and self._ledger.stage(mac) is Stage.HELD,
            limits=self._limits(mac) if ends else Limits(),
        )

    def seeming(self, record: str) -> tuple[Mac, ...]:
        """Cards that are of the machine of this record as their uuid says, until their iPXE tells the board.

        Their boots are shown with the machine's, and count for nothing.
        """
        return tuple(mac for mac, id in self._cards.items() if id == record)

    def shown(self, mac: Mac) -> Record | None:
        """The record that boots of this card are shown with, which is not its own where it is `seeming`."""
        return self._records.get(self._cards.get(mac) or "") or self.record(mac)

    def boots(self, record: str, macs: Iterable[Mac]) -> tuple[Attempt, ...]:
        """Those that are kept of a machine, the latest first: of its record and of the cards that are `seeming`, else
        of these cards."""
        others = (self._records.owner(mac) for mac in self.seeming(record)) if record else map(str, macs)
        found = [each for key in dict.fromkeys((record, *others)) for each in self._attempts.of(key)]
        return tuple(sorted(found, key=lambda each: each.started, reverse=True))

    def record(self, mac: Mac) -> Record | None:
        """The one record of this card; None also where records conflict about it."""
        return self._records.get(self._records.owner(mac))

    def told(self, mac: Mac, generation: int, done: bool, detail: str = "") -> Ending | None:
        """The installer called.  None: refuse it, there is no such installation."""
        entry = self._ledger.entry(mac)
        if entry is None:
            return None
        self._saw(Facts(mac=mac), "", self._wall())  # its record may be one that was not written before a power cut
        record = self.record(mac) or self._shown_last(mac)
        ending = told(record, entry, generation, done, self._wall(), detail)
        if ending is not None:
            self._end(entry, record, ending)
        return ending

    def _shown_last(self, mac: Mac) -> Record | None:
        """Where records conflict about a card: its installer is running, so it is the one that was seen last.  What it
        says is kept there until somebody settles which record stays."""
        return max(self._records.of_card(mac), key=lambda each: each.last_seen or 0.0, default=None)

    def _generation(self, mac: Mac) -> int:
        """Of the arming that a script is handed out for now."""
        entry = self._ledger.entry(mac)
        return entry.generation if entry else 1

    def _look_at(self, entry: Entry, now: float) -> bool:
        """Whether it is over, and nothing more will come of looking."""
        record = self.record(entry.mac)
        if spends(record, entry):  # netbootd stopped between the two
            assert record is not None
            assert record.ending is not None, "what is over has an ending"
            self._use_up(entry, record.ending)
            return False
        attempt, limits = self._latest(entry.mac, record), self._limits(entry.mac)
        ending = learned(record, entry, attempt, now, limits)
        if ending is not None:
            self._end(entry, record, ending)
            return False
        return is_over(record, entry, attempt, now, limits)

    def _end(self, entry: Entry, record: Record | None, ending: Ending) -> None:
        if record is not None and ending_of(record, entry) != ending:
            self._behind.add(self._records.change(replace(record, ending=ending)))
            attempt = self._installed_in(record, entry) or self._latest(entry.mac, record)
            if attempt is not None:
                self._attempts.ended(attempt.id, ending.done, ending.at, ending.detail)
            said = ": ".join(filter(None, (ending.signal.value, ending.detail)))
            change = Change.INSTALLED if ending.done else Change.FAILED
            self._emit(MachineChanged(mac=str(entry.mac), change=change, detail=said))
        if entry.stage is Stage.ARMED:
            self._use_up(entry, ending)

    def _use_up(self, entry: Entry, ending: Ending) -> None:
        """Also where no record could be told: to go on handing out what failed would be worse than not to show it."""
        self._ledger.given(
            entry.mac, f"{'installed' if ending.done else 'failed'}: {ending.signal.value}", self._wall()
        )

    def _installed_in(self, record: Record, entry: Entry) -> Attempt | None:
        """The boot it got its payload in; a later one that told of the end goes on by itself."""
        boots = (each for each in self._attempts.of(record.id) if each.generation == entry.generation)
        return next(boots, None)

    def _latest(self, mac: Mac, record: Record | None) -> Attempt | None:
        return self._attempts.current(record.id if record else str(mac))

    def _saw(self, facts: Facts, ip: str, now: float) -> None:
        changes = self._records.saw(facts, ip, now)
        kept = next((change.record.id for change in changes if isinstance(change, PutRecord)), None)
        for change in changes:
            if isinstance(change, DropRecord):
                self._gone(change.id, kept)
        self._behind.add(changes)

    def _gone(self, id: str, kept: str | None) -> None:
        """A record became part of the one it is about, or there was no room for it."""
        record = self._records.get(kept) if kept else None
        cards = {str(mac) for mac in record.macs} if record else set()
        if kept and any(str(attempt.mac) in cards for attempt in self._attempts.of(id)):
            self._attempts.moved(id, kept)
        else:
            self._attempts.forget(id)
