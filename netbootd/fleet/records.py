"""All machines on record, in memory: those that showed up, and those somebody made.

Every call that changes something says what, as values for a `Journal` to write behind; no packet waits for that.
Anybody on the network can make up cards, so there is room for so many.  What goes first is what nobody touched: cards
that said nothing of their machine before those that did, the longest unseen first.  What somebody named, approved,
armed or installed never goes, and where only such are left a newcomer is not kept, but counted (`Records.dropped`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from uuid import UUID

from netbootd.boot.facts import Facts
from netbootd.fleet.identity import Conflict, Match, Stranger, board, contradicted, own_uuid, usable, which
from netbootd.fleet.record import DropRecord, PutRecord, Record, RecordChange
from netbootd.fleet.sightings import Mark, called, in_full, joined, mark_name, marks, seen, touched
from netbootd.wire.mac import Mac

ROOM = 20_000
STEP = 60.0
"""Seconds to which ``last_seen`` is exact, so that not every packet is a write."""
_TRIES = 64  # records looked at for one that may go, so that a flood costs the same however many may not


class Taken(ValueError):
    """What one record claims belongs to another; says both."""

    def __init__(self, mark: Mark, claimed_by: Record, owner: Record) -> None:
        named = called if isinstance(mark, Mac) else in_full
        super().__init__(f"{mark_name(mark, claimed_by)} of {named(claimed_by)} already belongs to {named(owner)}")
        self.owner = owner.id


class NoRoom(ValueError):
    """There are too many records to add one."""


class Records:
    """``new_id`` makes ids for records made by hand; ``kept`` says of a record nobody touched that it must stay, as it
    is armed or listed in a file; ``family`` gives all cards that the files say belong to the machine with this one."""

    def __init__(
        self,
        known: Iterable[Record] = (),
        *,
        new_id: Callable[[], str],
        kept: Callable[[Record], bool] = lambda _record: False,
        family: Callable[[Mac], tuple[Mac, ...]] = lambda mac: (mac,),
        room: int = ROOM,
    ) -> None:
        self._new_id = new_id
        self._kept = kept
        self._family = family
        self._room = room
        self._records: dict[str, Record] = {}
        self._by: dict[Mark, dict[str, None]] = {}  # ids
        self._boards: dict[UUID, dict[str, None]] = {}  # ids by the uuid of the board
        self._silent: dict[str, None] = {}  # ids of those of which only a card is known, the longest unseen first
        self._told: dict[str, None] = {}  # and of the others
        self._tell: Callable[[str], None] = lambda _id: None
        self.dropped = 0
        """Machines there was no room for, or no longer."""
        for record in sorted(known, key=lambda each: each.last_seen or 0.0):
            self.learn(record)

    def saw(self, facts: Facts, ip: str, now: float) -> tuple[RecordChange, ...]:
        """A machine showed up, at this address if ``ip`` says one.  Where records conflict about it none changes."""
        if facts.mac is None or not usable(facts.mac):
            return ()
        match self.identify(facts):
            case Match(id):
                return self._update(self._records[id], facts, ip, now)
            case Stranger(card_of) if follows := self._follows(card_of, facts):
                return self._update(follows, facts, ip, now)
            case Stranger():
                return self._add(facts, ip, now)
            case Conflict():
                return ()

    def identify(self, facts: Facts) -> Match | Stranger | Conflict:
        """Which record a machine that says this is about.

        What was only ever seen is no claim against what somebody made: anybody can show a card.  Such records become
        part of the one they are found to be about.
        """
        shown = board(facts)
        found = which(facts, self.of_card(facts.mac), self.marked(shown))
        if not isinstance(found, Conflict):
            return found
        claims = [id for id in found.ids if not self._loose(self._records[id])]
        claims = claims or [id for id in found.ids if not self._part(self._records[id], facts)]
        if len(claims) > 1:
            return found
        return Match(claims[0] if claims else min(found.ids, key=self._age), shown is not None)

    def of_card(self, mac: Mac | None) -> tuple[Record, ...]:
        """Those with this card, or with another of the same machine; more than one is a conflict."""
        return self.marked(mac, *self._family(mac)) if mac else ()

    def marked(self, *marks: Mark | None) -> tuple[Record, ...]:
        """Those that have one of these."""
        ids = dict.fromkeys(id for mark in marks if mark for id in self._by.get(mark, ()))
        return tuple(self._records[id] for id in ids)

    def owner(self, mac: Mac) -> str:
        """The id of the one record that a machine with this card is about, or ""."""
        found = self.identify(Facts(mac=mac))
        return found.id if isinstance(found, Match) else ""

    def known(self, mac: Mac) -> bool:
        """Whether the machine with this card is one that somebody did something about, or a file lists."""
        return any(not self._loose(record) for record in self.of_card(mac))

    def seems(self, mac: Mac, uuid: UUID | None) -> str:
        """The id of the one record whose board has this uuid, for a card that is on none, or on one that says nothing
        but the card; "" where there is none.

        Enough to show what happens where it belongs, and never to decide by: clones have one uuid.
        """
        own = own_uuid(uuid)
        ids = self._boards.get(own, {}) if own and all(map(self._bare, self.of_card(mac))) else {}
        return next(iter(ids)) if len(ids) == 1 else ""

    def _bare(self, record: Record) -> bool:
        """A card that asked, whose iPXE never told of a board, and about which nobody did anything."""
        return self._loose(record) and not (record.uuid or record.serial or record.ipxe)

    def get(self, id: str) -> Record | None:
        """The record of this id."""
        return self._records.get(id)

    def all(self) -> tuple[Record, ...]:
        """The first seen first."""
        return tuple(self._records[id] for id in sorted(self._records, key=self._age))

    def conflicts(self) -> tuple[Conflict, ...]:
        """What more than one record claims, for a person to settle."""
        several = ((mark, tuple(ids)) for mark, ids in self._by.items() if len(ids) > 1)
        return tuple(Conflict(mark_name(mark, self._records[ids[0]]), ids) for mark, ids in several)

    def create(self, draft: Record) -> tuple[RecordChange, ...]:
        """Make a record, without an id yet; records nobody touched that are about the same machine become part of it.

        Raises `Taken`, `NoRoom`.
        """
        made, parts = replace(draft, id=self._new_id()), []
        for rival in self._rivals(draft):
            if self._loose(rival) and not contradicted(rival, Facts(uuid=made.uuid, serial=made.serial)):
                made = joined(made, rival)
                parts.append(rival)
        self._refuse_taken(replace(draft, id=made.id), besides=parts)
        gone = [change for part in parts for change in self.forget(part.id)]
        room = [] if parts else self._make_room()
        if room is None:
            raise NoRoom(f"there are {self._room} machines already, and none that may be forgotten")
        self._put(made)
        return (*gone, *room, PutRecord(made))

    def about(self, macs: tuple[Mac, ...], uuid: UUID | None, serial: str | None) -> tuple[Record | None, bool]:
        """The record of a machine that a file lists, and whether it is made now, so that something can be kept of one
        nobody has seen yet.  None where records conflict about it, or there is no room."""
        facts = Facts(mac=macs[0], uuid=uuid, serial=serial)
        match self.identify(facts):
            case Match(id):
                return self._records[id], False
            case Stranger() if len(self._records) < self._room:
                id = f"mac-{macs[0].hexraw}"  # of two daemons that read one file each makes the same
                made = Record(self._new_id() if id in self._records else id, macs, uuid, serial)
                self._put(made)
                return made, True
        return None, False

    def change(self, record: Record) -> tuple[RecordChange, ...]:
        """Put this in the place of the one with its id.  Raises `Taken`, and `KeyError` when there is none."""
        before = self._records[record.id]
        self._refuse_taken(record)
        if record == before:
            return ()
        self._put(record)
        return (PutRecord(record),)

    def forget(self, id: str) -> tuple[RecordChange, ...]:
        """As if it had never been there; a machine that shows up again is a new one."""
        if id not in self._records:
            return ()
        self.unlearn(id)
        return (DropRecord(id),)

    def prune(self, before: float) -> tuple[DropRecord, ...]:
        """Forget strangers that were last seen before this."""
        old = [each for each in self._records.values() if (each.last_seen or 0.0) < before and self._loose(each)]
        for record in old:
            self.unlearn(record.id)
        return tuple(DropRecord(record.id) for record in old)

    def listen(self, tell: Callable[[str], None]) -> None:
        """Have it told the id of each record that is another from now on, or gone."""
        self._tell = tell

    def learn(self, record: Record) -> None:
        """What is on disk: another daemon put it there."""
        self._put(record)

    def unlearn(self, id: str) -> None:
        """It is no longer on disk."""
        record = self._records.pop(id)
        self._tell(id)
        self._silent.pop(id, None)
        self._told.pop(id, None)
        for mark in marks(record):
            del self._by[mark][id]
            if not self._by[mark]:
                del self._by[mark]
        if shown := board(record):
            del self._boards[shown.uuid][id]
            if not self._boards[shown.uuid]:
                del self._boards[shown.uuid]

    def _add(self, facts: Facts, ip: str, now: float) -> tuple[RecordChange, ...]:
        assert facts.mac is not None, "only a card shows up"
        room = self._make_room()
        if room is None:
            self.dropped += 1
            return ()
        # Two daemons that see one packet make one record of it.
        id = f"mac-{facts.mac.hexraw}"
        record = seen(Record(self._new_id() if id in self._records else id), facts, ip, now)
        self._put(record)
        return (*room, PutRecord(record))

    def _update(self, before: Record, facts: Facts, ip: str, now: float) -> tuple[RecordChange, ...]:
        rivals = (*self.of_card(facts.mac), *self.marked(board(facts)))
        parts = {part.id: part for part in rivals if part.id != before.id and self._part(part, facts)}
        record = seen(before, facts, ip, now)
        for part in parts.values():
            record = joined(record, part)
        if not parts and not _worth_writing(before, record):
            self._rank(before)
            return ()
        gone = [change for id in parts for change in self.forget(id)]
        self._put(record)
        return (*gone, PutRecord(record))

    def _follows(self, card_of: tuple[str, ...], facts: Facts) -> Record | None:
        """A record nobody touched goes with its card, unless both say in full what board they are: then there are two
        machines, and one adapter."""
        owners = [self._records[id] for id in card_of]
        if len(owners) != 1 or not self._loose(owners[0]) or (board(owners[0]) and board(facts)):
            return None
        return owners[0]

    def _loose(self, record: Record) -> bool:
        return not touched(record) and not self._kept(record)

    def _part(self, record: Record, facts: Facts) -> bool:
        """Whether it may be about the machine that says this, and nobody would miss it."""
        return self._loose(record) and not contradicted(record, facts) and board(record) in (None, board(facts))

    def _age(self, id: str) -> tuple[float, str]:
        return self._records[id].first_seen or 0.0, id

    def _rivals(self, record: Record) -> list[Record]:
        """Those that claim something of its."""
        return [other for other in self.marked(*marks(record)) if other.id != record.id]

    def _refuse_taken(self, record: Record, besides: Iterable[Record] = ()) -> None:
        """What it claims anew; a conflict that stood before may stand."""
        before = self._records.get(record.id)
        free = {record.id, *(part.id for part in besides)}
        for mark in marks(record):
            if before is None or mark not in marks(before):
                for owner in (self._records[id] for id in self._by.get(mark, ()) if id not in free):
                    raise Taken(mark, record, owner)

    def _make_room(self) -> list[RecordChange] | None:
        """None: nobody may go."""
        if len(self._records) < self._room:
            return []
        victim = self._victim(self._silent) or self._victim(self._told)
        if victim is None:
            return None
        self.dropped += 1
        return list(self.forget(victim))

    def _victim(self, line: dict[str, None]) -> str | None:
        for _ in range(min(len(line), _TRIES)):
            id = next(iter(line))
            if self._loose(self._records[id]):
                return id
            del line[id]
            line[id] = None
        return None

    def _put(self, record: Record) -> None:
        if record.id in self._records:
            self.unlearn(record.id)
        self._records[record.id] = record
        self._tell(record.id)
        for mark in marks(record):
            self._by.setdefault(mark, {})[record.id] = None
        if shown := board(record):
            self._boards.setdefault(shown.uuid, {})[record.id] = None
        self._rank(record)

    def _rank(self, record: Record) -> None:
        self._silent.pop(record.id, None)
        self._told.pop(record.id, None)
        (self._told if record.uuid or record.serial or record.ipxe else self._silent)[record.id] = None


def _worth_writing(before: Record, record: Record) -> bool:
    if before.last_seen is None or record.last_seen is None or record.last_seen - before.last_seen >= STEP:
        return True
    return replace(record, last_seen=before.last_seen) != before
