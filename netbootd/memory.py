"""Everything the daemon remembers: who is armed, the record and the boots of each machine, and where that is kept."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.chain.world import World
from netbootd.fleet.age import Age
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.attempts import Limits as Room
from netbootd.fleet.behind import Behind
from netbootd.fleet.changes import Written
from netbootd.fleet.family import family, stage_of
from netbootd.fleet.grants import PutGrant
from netbootd.fleet.identity import Match
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Limits, Stage
from netbootd.fleet.limits import limits_of
from netbootd.fleet.merged import machine_of
from netbootd.fleet.merging import set_otherwise
from netbootd.fleet.record import Attempt, Prune, PutRecord, Record, RecordChange, Signal
from netbootd.fleet.records import Records
from netbootd.fleet.sharing import Sharing
from netbootd.fleet.sightings import facts_of
from netbootd.fleet.snapshot import Assignment
from netbootd.fleet.store import Store
from netbootd.observe.diagnosis.model import Diagnosis
from netbootd.observe.events import Change, DaemonNotice, MachineChanged
from netbootd.observe.hub import Hub
from netbootd.observe.running import Running
from netbootd.observe.state import new_state_notice, state_notice
from netbootd.serve.alarms import Alarms
from netbootd.serve.diagnosing import Around, Diagnosing
from netbootd.serve.directory import Directory
from netbootd.serve.http.services import Heard
from netbootd.serve.kept import Traces
from netbootd.serve.lives import Lives
from netbootd.serve.lookup import Lookup
from netbootd.serve.node import Learn, nowhere
from netbootd.serve.progress import Progress
from netbootd.serve.resuming import resume
from netbootd.serve.serials import SoftSerials
from netbootd.serve.tokens import Caller, Tokens
from netbootd.wire.mac import Mac

_TRIES = 3  # for what another daemon may say of the same machine at that moment
_WRITES = 1.0  # seconds between two writes of what nobody waits for
_AT_ONCE = 500  # changes in one of them: about half a second in which an arming waits for the disk
_LOOKS = 5  # of those between two looks at machines that install
_NUMBERS = 30  # and between two looks for machines that wait for a soft serial
_PRUNES = 3600  # and between two looks for history that is too old


class Memory:
    """To be opened before anything is served, and closed after everything has ended.

    ``world`` is what decisions look at now; it may look here in turn.  ``patience`` and ``retry`` are as a `Store` has
    them, ``took`` as `Attempts` do.
    """

    ledger: Ledger
    records: Records
    attempts: Attempts
    traces: Traces
    lives: Lives
    progress: Progress
    serials: SoftSerials
    tokens: Tokens
    lookup: Learn
    diagnosing: Diagnosing

    def __init__(
        self,
        state: str,
        hub: Hub,
        world: Callable[[], World],
        directory: Directory,
        *,
        patience: float = 5.0,
        retry: float = 5.0,
        took: Callable[[Attempt | None, Attempt], None] = lambda _before, _after: None,
        around: Callable[[], Around] = Around,
    ) -> None:
        self._around = around
        self.running = Running()
        self._took = took
        self._state = state
        self._hub = hub
        self._world = world
        self._directory = directory
        self._store = Store(state, lambda trouble: hub(state_notice(trouble)), patience=patience, retry=retry)
        self._behind = Behind()
        self._opened = False
        self._faults: set[tuple[object, type[Exception]]] = set()  # those that were told

    async def open(self) -> None:
        """Read what is known, and take in what happens from now on.  Never raises: see `Store.open`."""
        known = await self._store.open()
        if self._store.created and (notice := new_state_notice(self._state, self._world().fleet)):
            self._hub(notice)
        await self._open_history()
        self.ledger = Ledger(self._store, known, family=self._cards)
        self.traces = Traces(self._world, self.records, self.ledger, self.attempts, self._directory.known)
        self.lives = Lives(
            self.ledger,
            self.records,
            self.attempts,
            self._behind,
            self._hub,
            known=self._directory.known,
            limits=self._limits,
            listed=lambda mac: self._world().fleet.named(self._directory.known(mac)) is not None,
            auto=self._arms_by_itself,
            trace=self.traces.of,
        )
        self._hub.add(self.lives)
        for handing in self.ledger.handings():
            self._directory.met(handing.ip, handing.mac)
        resume(self.ledger, self.records, self.attempts, self._behind, time.time())
        self.serials = SoftSerials(
            self._world,
            self.records,
            self.ledger,
            self.keep,
            known=lambda facts: facts.over(self._directory.known(facts.mac)) if facts.mac else facts,
            tell=lambda text: self._hub(DaemonNotice(text=text, severity="error")),
        )
        self.progress = Progress(self.ledger, self._hub)
        self._hub.add(self.progress)
        await self._open_tokens()
        self._open_diagnosing()
        self._opened = True
        self.progress.tell_doubts()
        await self.serials.settle()

    async def follow(self) -> None:
        """Until it is cancelled: write behind what happened, and look what time and silence have made of it.

        What fails of that is told, and done again at its next turn: nobody else does it."""
        works: tuple[tuple[int, int, Callable[[], Awaitable[None] | None]], ...] = (
            (_LOOKS, 0, self.lives.look),
            (1, 0, self._alarms.look),
            (_NUMBERS, 0, self.serials.settle),
            (_PRUNES, 1, self.prune),  # first after the start: who is restarted every night prunes, too
            (1, 0, self._write),
        )
        turn = 0
        while True:
            turn += 1
            await asyncio.sleep(_WRITES)
            for every, when, work in works:
                if turn % every == when:
                    await self._tried(work)

    async def _tried(self, work: Callable[[], Awaitable[None] | None]) -> None:
        try:
            if (going_on := work()) is not None:
                await going_on
        except Exception as error:
            if (fault := (work, type(error))) not in self._faults:
                self._faults.add(fault)
                text = f"internal error, please report it: {error!r}"
                self._hub(DaemonNotice(text=text, severity="error"))

    def prune(self) -> None:
        """Take away history that is too old, or too much, also what another daemon has written and nobody reads."""
        now = self._age.now()
        self.lives.prune(now)
        self._write()
        if self._store.durable:
            self._store.later(Prune(now - Room().age, Room().total))

    async def ended(self, caller: Caller, done: bool, message: str) -> Heard:
        """A machine's installer says how it went.  What cannot be written is remembered all the same, until it can
        be, or a restart."""
        for _ in range(_TRIES):
            if self.lives.told(caller.mac, caller.generation, done, message) is None:
                behind = self._store.shared and not self._store.durable  # another daemon may have armed it
                return Heard.NOT_WRITTEN if behind else Heard.REFUSED
            record = self.lives.record(caller.mac)
            written = await self.keep((PutRecord(record),) if record else ())
            if written is not Written.REFUSED:
                return Heard.TAKEN if written else Heard.NOT_WRITTEN
        return Heard.NOT_WRITTEN

    async def keep(self, changes: tuple[RecordChange, ...]) -> Written:
        """Have these on disk, with what else waits of the same records.  NO: they are kept for now, and written when
        that can be done, but a restart before then would undo them.  REFUSED: another daemon was first, and what it
        made of them is known by now."""
        self._behind.add(changes)
        if not self._store.durable:
            return Written.NO
        own = self._behind.pick(changes)
        written = await self._store.write(*own)
        if written is Written.NO:
            self._behind.put_back(own)
        return written

    def recorded(self, facts: Facts) -> Record | None:
        """The one record of a machine that says this of itself."""
        found = self.records.identify(facts)
        return self.serials.shown(self.records.get(found.id)) if isinstance(found, Match) else None

    def named(self, mac: Mac) -> str:
        """What somebody called the machine with this card by the API; "" where nobody did, or records conflict."""
        records = self.records.of_card(mac) if self._opened else ()
        return (records[0].name or "") if len(records) == 1 else ""

    def rival(self, serial: str, facts: Facts, machine: Machine | None) -> str:
        """Who else has this soft serial."""
        return self.serials.rival(serial, facts, machine)

    @property
    def trouble(self) -> str:
        """Why nothing can be recorded now; "" while it can."""
        trouble = self._store.trouble
        return state_notice(trouble).text if trouble else ""

    def stage(self, mac: Mac) -> Stage | None:
        """Where a machine stands with a profile that boots once."""
        return stage_of(mac, self._directory.known(mac), self.ledger, self.records)

    async def close(self) -> None:
        """What transfers came to is written here."""
        while self._opened and self._store.durable and (waiting := self.lives.waiting()):
            self._store.later(*waiting)
        await self._store.close()

    async def _open_history(self) -> None:
        history = await self._store.history(Room().total)
        if history.unreadable:
            text = f"the state holds {history.unreadable} records or boots that cannot be read; they are left there"
            self._hub(DaemonNotice(text=text, severity="warning"))
        self._age = Age(history)
        self.records = Records(history.records, new_id=_new_id, kept=self._listed, family=self._family)
        for record in sorted(history.records, key=lambda each: each.last_seen or 0.0):  # those seen last stay
            for mac in record.macs if record.last_seen else ():
                self._directory.told(facts_of(record, mac))
        self.attempts = Attempts(
            history.attempts,
            new_id=_new_id,
            owner=self.records.owner,
            known_card=self.records.known,
            took=self._took,
        )
        self._behind = Behind({each.id: each for each in history.records}, {each.id: each for each in history.attempts})
        sharing = Sharing(self.records, self.attempts, self._behind, self._elsewhere)
        self._store.follow_history(sharing.learn)

    async def _open_tokens(self) -> None:
        self.tokens = Tokens(self.ledger.entry, takes=self._takes, said=self._said, keep=self._keep_token)
        for grant in await self._store.grants(time.time()):
            self.tokens.recall(grant)
        self.lookup = Lookup(self.tokens, self._store.grant) if self._store.shared else nowhere
        self._hub.add(self.tokens.observe)

    def _keep_token(self, change: PutGrant) -> None:
        if self._store.durable:  # else nothing that installs is handed out
            self._store.later(change)

    def _said(self, mac: Mac, generation: int) -> float | None:
        """When an installer told how that installation went."""
        record = self.lives.record(mac)
        ending = record.ending if record else None
        told = ending is not None and ending.generation == generation and ending.signal is Signal.TOLD
        return ending.at if ending and told else None

    def diagnosed(self, mac: Mac) -> tuple[Diagnosis, ...]:
        """What is wrong with the latest boot of a machine, the worst first."""
        return self.diagnosing.of(mac)

    def _open_diagnosing(self) -> None:
        self.diagnosing = Diagnosing(
            self.records,
            self.lives,
            self.running,
            known=self._directory.known,
            assigned=self._assignment,
            limits=self._limits,
            firmware=lambda: self._world().firmware,
            around=self._around,
        )
        self._alarms = Alarms(self.diagnosed, self._hub, known=self.records.known)
        for sink in (self.running, self.diagnosing, self._alarms):
            self._hub.add(sink)

    def _write(self) -> None:
        """While nothing can be written, or what is written takes long, it waits where the last state of each machine
        alone is kept: behind a queue of it an arming would come too late to be believed."""
        if self._store.durable and not self._store.behind and (waiting := self.lives.waiting(_AT_ONCE)):
            self._store.later(*waiting)

    def _elsewhere(self, before: Record | None, now: Record | None) -> None:
        """Another daemon was told something of a machine."""
        record = now or before
        assert record is not None, "of nobody there is nothing to tell"
        what = ", ".join(set_otherwise(before or Record(record.id), now)) if now else "forgotten"
        mac = str(record.macs[0]) if record.macs else ""
        self._hub(MachineChanged(mac=mac, machine=record.name or "", change=Change.ELSEWHERE, detail=what))

    def _cards(self, mac: Mac) -> tuple[Mac, ...]:
        """All cards of the machine that has this one."""
        return family(self._directory.known(mac), self._world().fleet, self.records)

    def _family(self, mac: Mac) -> tuple[Mac, ...]:
        """Those that a file says belong to it."""
        machine = self._world().fleet.machine(mac)
        return machine.macs if machine else (mac,)

    def _listed(self, record: Record) -> bool:
        return machine_of(self._world().fleet, record) is not None

    def _assignment(self, mac: Mac) -> Assignment:
        return self._world().assignment(self._directory.known(mac))

    def _limits(self, mac: Mac) -> Limits:
        assignment = self._assignment(mac)
        return limits_of(assignment.profile, assignment.machine)

    def _takes(self, mac: Mac) -> float:
        limits = self._limits(mac)
        return limits.fetching + limits.installing

    def _arms_by_itself(self, mac: Mac) -> bool:
        profile = self._assignment(mac).profile
        return profile is not None and profile.auto


def _new_id() -> str:
    return secrets.token_hex(8)
