"""Machines, admins, disks and power cuts in any order: nobody is wiped twice for one arming, and none without.

The model knows what the machines really hold, which netbootd can only infer.  Every step of netbootd that waits for
its disk is a task of its own, so that anything may happen in between, a crash included.  The same with two daemons
that share the disk, where each hears of the other's changes whenever it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.chain.scripts import script
from netbootd.chain.world import World
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.snapshot import Snapshot
from netbootd.observe.events import ArtifactServed
from netbootd.serve.progress import Progress
from netbootd.wire.mac import Mac
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import FIRMWARE, SITE, eve, templates

OFTEN = st.sampled_from([True, True, True, False])
LAST = "artifacts/eve-13.3/rootfs.img"
CARDS = tuple(Mac(bytes([0x52, 0x54, 0, 0, 0, n])) for n in range(3))
FLEET = Snapshot(
    [eve("by-hand"), eve("by-itself", auto=True)],
    [
        Machine(CARDS[:2], "two cards", "by-hand"),
        Machine(CARDS[2:], "by itself", "by-itself"),
    ],
)


@dataclass
class Real:
    """What a machine has and what it is entitled to, whoever remembers it."""

    name: str
    armed: bool
    """Somebody meant it to be installed, and it has not been since.  Arming it twice is still one installation."""
    promised: bool = False
    """An arming was acknowledged, it was not fetching already, and nothing happened since that could use it up."""
    armed_since: bool = False
    """Since somebody last disarmed it."""
    holds_script: bool = False
    outdated: bool = False
    """Its script is from before it was disarmed, or before a neighbour behind the same address fetched the last file
    and netbootd told that both have it: a script that is out cannot be taken back, and an arming after that is for
    another installation."""
    place: int = 0
    """Its address."""
    disarmings: int = 0
    """Under way; each may count after an arming through another daemon that came later."""
    late: bool = False
    """Such a one could not be written yet, and may still be: arming what is armed does not take it back."""
    server: int = 0
    """The daemon that its script is from."""


@dataclass
class Daemon:
    """One life of netbootd."""

    journal: SlowJournal
    ledger: Ledger
    progress: Progress
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


def family(mac: Mac) -> tuple[Mac, ...]:
    machine = FLEET.machine(mac)
    return machine.macs if machine else (mac,)


class Lives(RuleBasedStateMachine):
    daemons_at_once = 1

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.disk = Disk()
        self.real = {m.name: Real(m.name, armed=m.profile == "by-itself") for m in FLEET.machines}
        self.time = count(1.0)  # no two persons do the same in the same microsecond
        self.daemons = [self.started() for _ in range(self.daemons_at_once)]

    def started(self) -> Daemon:
        async def begin() -> Daemon:
            journal = SlowJournal(self.disk)
            self.disk.running.add(journal.owner)
            ledger = Ledger(journal, self.disk.known(journal.owner), family=family)
            return Daemon(journal, ledger, Progress(ledger, lambda event: None, wall=lambda: 1.0, clock=lambda: 1.0))

        return self.loop.run_until_complete(begin())

    def teardown(self) -> None:
        for daemon in self.daemons:
            self.crash(daemon)
        self.loop.close()

    def one(self, data: st.DataObject) -> Daemon:
        return data.draw(st.sampled_from(self.daemons))

    def run(self, daemon: Daemon, work: Callable[[], Awaitable[None]], quick: bool) -> None:
        """Begin it; it goes on whenever the loop does.  ``quick``: the disk is, so that it does at once."""

        async def task() -> None:
            await work()

        running = self.loop.create_task(task())
        daemon.tasks.add(running)
        self.settle()
        if quick:
            self.disk_writes(daemon)

    def settle(self) -> None:
        for _ in range(8):
            self.loop.run_until_complete(asyncio.sleep(0))
        for daemon in self.daemons:
            for task in [task for task in daemon.tasks if task.done()]:
                daemon.tasks.remove(task)
                task.result()

    def machine(self, mac: Mac) -> Real:
        machine = FLEET.machine(mac)
        assert machine
        return self.real[machine.name]

    def is_given(self, mac: Mac) -> bool:
        """Says any of them, or the disk."""
        recorded = [entry.stage for each in family(mac) if (entry := self.disk.entries.get(each))]
        return Stage.GIVEN in [*recorded, *(daemon.ledger.stage(mac) for daemon in self.daemons)]

    def is_fetching(self, mac: Mac) -> bool:
        followed = {handing.mac for daemon in self.daemons for handing in daemon.ledger.handings()}
        return not {*followed, *(each for each, _ in self.disk.handings)}.isdisjoint(family(mac))

    @rule(data=st.data(), mac=st.sampled_from(CARDS), quick=OFTEN)
    def somebody_arms_it(self, data: st.DataObject, mac: Mac, quick: bool) -> None:
        real, daemon = self.machine(mac), self.one(data)
        real.armed = real.armed_since = True
        if self.is_given(mac) and real.holds_script:
            real.outdated = True

        async def arm() -> None:
            if await daemon.ledger.arm(mac, "a person", next(self.time)):
                armed = daemon.ledger.stage(mac) is Stage.ARMED and not real.disarmings and not real.late
                real.promised = armed and not self.is_fetching(mac)

        self.run(daemon, arm, quick)

    @rule(data=st.data(), mac=st.sampled_from(CARDS), quick=OFTEN)
    def somebody_disarms_it(self, data: st.DataObject, mac: Mac, quick: bool) -> None:
        real, daemon = self.machine(mac), self.one(data)
        real.promised, real.outdated = False, True
        real.armed_since = False

        async def disarm() -> None:
            real.disarmings += 1
            try:
                done = await daemon.ledger.disarm(mac, "a person", next(self.time))
                real.outdated = True
                real.late = not done and self.daemons_at_once > 1
                if done and not real.armed_since:
                    real.armed = False
            finally:
                real.disarmings -= 1

        self.run(daemon, disarm, quick)

    @rule(data=st.data(), mac=st.sampled_from(CARDS), place=st.integers(0, 1), quick=OFTEN)
    def it_asks_for_its_script(self, data: st.DataObject, mac: Mac, place: int, quick: bool) -> None:
        """Places are shared: behind NAT, or a lease that went to another machine."""
        real, daemon = self.machine(mac), self.one(data)
        real.holds_script, real.outdated = False, False
        world = World(FLEET, FIRMWARE, templates(), daemon.ledger.stage)

        async def ask() -> None:
            while True:
                rendered = script(Facts(mac=mac), world, SITE)
                recorded = daemon.progress.handed(mac, f"192.0.2.{place}", rendered, SITE.base_url)
                if recorded is None or await recorded:
                    break
            if rendered.payload == "eve":
                assert real.armed, f"{real.name} is handed a payload and nobody armed it"
                real.holds_script, real.place, real.server = True, place, self.daemons.index(daemon)

        self.run(daemon, ask, quick)

    @precondition(lambda self: any(real.holds_script for real in self.real.values()))
    @rule(data=st.data(), whole=OFTEN, cut=st.booleans(), quick=OFTEN)
    def it_fetches_its_last_file(self, data: st.DataObject, whole: bool, cut: bool, quick: bool) -> None:
        """``cut``: the daemon dies after the last byte, before it knows."""
        real = data.draw(st.sampled_from([real for real in self.real.values() if real.holds_script]))
        ip = f"192.0.2.{real.place}"
        for other in self.real.values():  # it may be counted for any machine that shares the address
            other.promised = False
        daemon = self.daemons[real.server]

        async def fetch() -> None:
            if not await daemon.progress.admit(ip, LAST):
                return
            if whole and real.holds_script:
                real.holds_script = False
                assert real.armed or real.outdated, f"{real.name} is wiped once too often"
                real.armed = real.armed and real.outdated
            if not cut:
                sent = 10 if whole else 9
                daemon.progress(
                    ArtifactServed(ip=ip, file=LAST, status=200, size=10, sent=sent, seconds=1.0, complete=whole)
                )

        self.run(daemon, fetch, quick)
        if cut:
            self.restart(daemon)

    @rule(data=st.data(), broken=st.sampled_from([True, False, False]), reached=st.booleans())
    def disk_turns(self, data: st.DataObject, broken: bool, reached: bool) -> None:
        """Bad or good; a commit it then refuses may have ``reached`` it all the same."""
        daemon = self.one(data)
        daemon.journal.broken = broken
        daemon.journal.commit(reached_the_disk=reached)
        if not broken:
            daemon.journal.hear()
        self.settle()

    def disk_writes(self, daemon: Daemon) -> None:
        daemon.journal.commit()
        self.settle()

    @rule(data=st.data())
    def power_is_cut(self, data: st.DataObject) -> None:
        """Machines that hold their script go on with it when the daemon is back."""
        self.restart(self.one(data))

    def restart(self, daemon: Daemon) -> None:
        self.crash(daemon)
        self.daemons[self.daemons.index(daemon)] = self.started()

    def crash(self, daemon: Daemon) -> None:
        self.disk.running.discard(daemon.journal.owner)
        for task in daemon.tasks:
            task.cancel()
        if daemon.tasks:
            self.loop.run_until_complete(asyncio.wait(daemon.tasks))
        daemon.tasks.clear()

    @invariant()
    def whoever_was_promised_an_installation_will_get_it(self) -> None:
        for machine in FLEET.machines:
            if self.real[machine.name].promised:
                for daemon in self.daemons[: 1 if self.daemons_at_once == 1 else 0]:  # the other may not know it yet
                    assert daemon.ledger.stage(machine.macs[-1]) in (Stage.ARMED, Stage.HELD)
                assert self.disk.entries[machine.macs[0]].stage is Stage.ARMED


class SharedLives(Lives):
    daemons_at_once = 2

    @rule(data=st.data())
    def one_hears_what_the_other_did(self, data: st.DataObject) -> None:
        daemon = self.one(data)
        if not daemon.journal.broken:
            daemon.journal.hear()
            self.settle()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestSharedLives = SharedLives.TestCase
TestSharedLives.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
