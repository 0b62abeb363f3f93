"""Machines, admins, disks and power cuts in any order: nobody is wiped twice for one arming, and none without.

The model knows what the machines really hold, which netbootd can only infer.  Every step of netbootd that waits for
its disk is a task of its own, so that anything may happen in between, a crash included.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

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
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.disk = Disk()
        self.real = {m.name: Real(m.name, armed=m.profile == "by-itself") for m in FLEET.machines}
        self.start()

    def start(self) -> None:
        async def begin() -> Daemon:
            journal = SlowJournal(self.disk)
            ledger = Ledger(journal, self.disk.known(), family=family)
            return Daemon(journal, ledger, Progress(ledger, lambda event: None, wall=lambda: 1.0, clock=lambda: 1.0))

        self.daemon = self.loop.run_until_complete(begin())
        self.world = World(FLEET, FIRMWARE, templates(), self.daemon.ledger.stage)

    def teardown(self) -> None:
        self.crash()
        self.loop.close()

    def run(self, work: Callable[[], Awaitable[None]], quick: bool) -> None:
        """Begin it; it goes on whenever the loop does.  ``quick``: the disk is, so that it does at once."""

        async def task() -> None:
            await work()

        running = self.loop.create_task(task())
        self.daemon.tasks.add(running)
        self.settle()
        if quick:
            self.disk_writes()

    def settle(self) -> None:
        for _ in range(8):
            self.loop.run_until_complete(asyncio.sleep(0))
        for task in [task for task in self.daemon.tasks if task.done()]:
            self.daemon.tasks.remove(task)
            task.result()

    def machine(self, mac: Mac) -> Real:
        machine = FLEET.machine(mac)
        assert machine
        return self.real[machine.name]

    @rule(mac=st.sampled_from(CARDS), quick=OFTEN)
    def somebody_arms_it(self, mac: Mac, quick: bool) -> None:
        real = self.machine(mac)
        real.armed = real.armed_since = True
        if self.daemon.ledger.stage(mac) is Stage.GIVEN and real.holds_script:
            real.outdated = True

        async def arm() -> None:
            if await self.daemon.ledger.arm(mac, "a person", 1.0):
                fetching = any(handing.mac in family(mac) for handing in self.daemon.ledger.handings())
                real.promised = self.daemon.ledger.stage(mac) is Stage.ARMED and not fetching

        self.run(arm, quick)

    @rule(mac=st.sampled_from(CARDS), quick=OFTEN)
    def somebody_disarms_it(self, mac: Mac, quick: bool) -> None:
        real = self.machine(mac)
        real.promised, real.outdated = False, True
        real.armed_since = False

        async def disarm() -> None:
            if await self.daemon.ledger.disarm(mac, "a person", 1.0) and not real.armed_since:
                real.armed = False

        self.run(disarm, quick)

    @rule(mac=st.sampled_from(CARDS), place=st.integers(0, 1), quick=OFTEN)
    def it_asks_for_its_script(self, mac: Mac, place: int, quick: bool) -> None:
        """Places are shared: behind NAT, or a lease that went to another machine."""
        real = self.machine(mac)
        real.holds_script, real.outdated, real.place = False, False, place

        async def ask() -> None:
            while True:
                rendered = script(Facts(mac=mac), self.world, SITE)
                recorded = self.daemon.progress.handed(mac, f"192.0.2.{place}", rendered, SITE.base_url)
                if recorded is None or await recorded:
                    break
            if rendered.payload == "eve":
                assert real.armed, f"{real.name} is handed a payload and nobody armed it"
                real.holds_script = True

        self.run(ask, quick)

    @precondition(lambda self: any(real.holds_script for real in self.real.values()))
    @rule(data=st.data(), whole=OFTEN, cut=st.booleans(), quick=OFTEN)
    def it_fetches_its_last_file(self, data: st.DataObject, whole: bool, cut: bool, quick: bool) -> None:
        """``cut``: the daemon dies after the last byte, before it knows."""
        real = data.draw(st.sampled_from([real for real in self.real.values() if real.holds_script]))
        ip = f"192.0.2.{real.place}"
        for other in self.real.values():  # it may be counted for any machine that shares the address
            other.promised = False
        daemon = self.daemon

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

        self.run(fetch, quick)
        if cut:
            self.crash()
            self.start()

    @rule(broken=st.sampled_from([True, False, False]), reached=st.booleans())
    def disk_turns(self, broken: bool, reached: bool) -> None:
        """Bad or good; a commit it then refuses may have ``reached`` it all the same."""
        self.daemon.journal.broken = broken
        self.daemon.journal.commit(reached_the_disk=reached)
        self.settle()

    def disk_writes(self) -> None:
        self.daemon.journal.commit()
        self.settle()

    @rule()
    def power_is_cut(self) -> None:
        """Machines that hold their script go on with it when the daemon is back."""
        self.crash()
        self.start()

    def crash(self) -> None:
        for task in self.daemon.tasks:
            task.cancel()
        if self.daemon.tasks:
            self.loop.run_until_complete(asyncio.wait(self.daemon.tasks))
        self.daemon.tasks.clear()

    @invariant()
    def whoever_was_promised_an_installation_will_get_it(self) -> None:
        for machine in FLEET.machines:
            if self.real[machine.name].promised:
                stage = self.daemon.ledger.stage(machine.macs[-1])
                assert stage in (Stage.ARMED, Stage.HELD)
                assert self.disk.entries[machine.macs[0]].stage is Stage.ARMED


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
