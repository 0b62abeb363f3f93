"""Which soft serial each machine of the fleet claims, kept up to date: see `chain.claims`.

A claim is found anew for those alone that have changed, so that to ask costs the same however large the fleet is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.chain.claims import Claim, in_file, of_machine, of_record, rival, twice
from netbootd.chain.world import World
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.merged import machine_of
from netbootd.fleet.record import Record
from netbootd.fleet.records import Records
from netbootd.fleet.soft_serials import Duplicate
from netbootd.serve.turns import in_turns
from netbootd.wire.mac import Mac


class Claims:
    """Of machines that files list, and of records that are touched or armed.  ``known`` adds what a machine's iPXE
    said of it."""

    def __init__(
        self,
        world: Callable[[], World],
        records: Records,
        ledger: Ledger,
        *,
        known: Callable[[Facts], Facts] = lambda facts: facts,
    ) -> None:
        self._world = world
        self._records = records
        self._ledger = ledger
        self._known = known
        self._of: World | None = None
        self._places: dict[int, int] = {}  # of the files' machines, by identity: two may be equal
        self._by_owner: dict[str, Claim] = {}
        self._by_serial: dict[str, dict[str, Claim]] = {}
        self._due: dict[str, None] = {}  # ids of records
        self._listed: dict[int, Machine] = {}  # the files' machines that are due, by place
        self._armed = {entry.mac for entry in ledger.recorded() if entry.stage is not Stage.DISARMED}
        self._about: dict[str, Machine] = {}  # the files' machine that a record was about when it was looked at
        records.listen(self.changed)
        ledger.on_move(self._moved)

    def rival(self, serial: str, facts: Facts, machine: Machine | None) -> str:
        """Who else among ours has this soft serial, or ""."""
        for _ in self._look():
            pass
        return rival(self._by_serial.get(serial.lower(), {}).values(), self._world(), facts, machine)

    async def twice(self) -> tuple[Duplicate, ...]:
        """What two of them claim."""
        async for _ in in_turns(self._look()):
            pass
        return twice(claims.values() for claims in self._by_serial.values() if len(claims) > 1)

    def changed(self, id: str) -> None:
        """This record is another, or gone, or what is shown of it is."""
        self._due[id] = None

    def _moved(self, mac: Mac) -> None:
        entry = self._ledger.entry(mac)
        if entry is not None and entry.stage is not Stage.DISARMED:
            self._armed.add(mac)
        else:
            self._armed.discard(mac)
        for record in self._records.of_card(mac):
            self._due[record.id] = None

    def _look(self) -> Iterator[None]:
        """At all that are due, one after the other; a turn of others may come in between."""
        while True:
            self._follow()
            if self._listed:
                place = next(iter(self._listed))
                self._list(self._listed.pop(place))
            elif self._due:
                id = next(iter(self._due))
                del self._due[id]
                self._record(id)
            else:
                return
            yield

    def _follow(self) -> None:
        """After a reload all are looked at anew."""
        world = self._world()
        if world is self._of:
            return
        self._of = world
        self._by_owner, self._by_serial, self._about = {}, {}, {}
        machines = world.fleet.machines
        self._places = {id(machine): place for place, machine in enumerate(machines)}
        self._listed = dict(enumerate(machines))
        self._due = dict.fromkeys(record.id for record in self._records.all())

    def _record(self, id_: str) -> None:
        record = self._records.get(id_)
        machine = machine_of(self._world().fleet, record) if record else None
        before = self._about.pop(id_, None)
        if before is not None and before is not machine:
            self._list(before)
        if machine is not None:
            self._about[id_] = machine
            self._list(machine, record)
        claim = of_record(self._world(), record, self._armed, self._known) if record and machine is None else None
        self._put(id_, claim)

    def _list(self, machine: Machine, shown: Record | None = None) -> None:
        """One that is named without a card is who has shown what names it."""
        place = self._places.get(id(machine))
        if place is None:
            return
        self._put(in_file(machine), of_machine(self._world(), machine, place, self._known, shown))

    def _put(self, owner: str, claim: Claim | None) -> None:
        before = self._by_owner.pop(owner, None)
        if before is not None:
            del self._by_serial[before.key][owner]
            if not self._by_serial[before.key]:
                del self._by_serial[before.key]
        if claim is not None:
            self._by_owner[owner] = claim
            self._by_serial.setdefault(claim.key, {})[owner] = claim
