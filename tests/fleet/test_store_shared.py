"""Several daemons on one PostgreSQL: each has a store and a ledger, and hears of the others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from netbootd.fleet.changes import Handing
from netbootd.fleet.ledger import IN_DOUBT, Learned, Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.store import Store, Trouble
from netbootd.wire.mac import Mac
from tests.support.postgres import Server
from tests.support.worlds import CARD, OTHER_CARD

IP, LAST = "192.0.2.77", "artifacts/eve/rootfs.img"


class Daemon:
    """What remembers in one, and a way to wait for what it learns and what it says of its trouble."""

    def __init__(self, url: str, more: asyncio.Event) -> None:
        self.told: list[Trouble] = []
        self.learned: list[Learned] = []
        self.killed = False
        self._more = more
        self.store = Store(url, self._tell, patience=60.0, retry=0.05)

    async def open(self) -> Daemon:
        self.ledger = Ledger(self.store, await self.store.open(), wall=lambda: 9.0)
        self.ledger.listen(self._learn)
        return self

    async def until(self, fulfilled: Callable[[], bool]) -> None:
        while not fulfilled():
            self._more.clear()
            await self._more.wait()

    async def kill(self) -> None:
        """As SIGKILL does: what waits is lost, the server sees the connection go."""
        assert self.store._worker
        self.killed = True
        self._more.set()
        self.store._worker.cancel()
        self.store._jobs.clear()
        self.store._idle.set()
        await self.store.close()

    def _tell(self, trouble: Trouble) -> None:
        self.told.append(trouble)
        self._more.set()

    def _learn(self, learned: Learned) -> None:
        self.learned.append(learned)
        self._more.set()


@pytest.fixture
def url(postgres: Server) -> str:
    return postgres.database()


Start = Callable[[], Awaitable[Daemon]]


@pytest.fixture
async def start(url: str) -> AsyncIterator[Start]:
    """Starts one more."""
    started: list[Daemon] = []
    more = asyncio.Event()  # one for all: what is waited for may come to any of them

    async def new() -> Daemon:
        started.append(Daemon(url, more))
        return await started[-1].open()

    yield new
    for each in started:
        await each.store.close()


async def handed(daemon: Daemon, mac: Mac = CARD, ip: str = IP) -> Handing:
    assert await daemon.ledger.handed(mac, ip, LAST, 2.0)
    return next(handing for handing in daemon.ledger.handings_at(ip) if handing.mac == mac)


async def test_each_sees_what_the_other_changed(start: Start) -> None:
    """By notification: the time between two looks is not waited for."""
    one, other = await start(), await start()
    for daemon in (one, other):
        daemon.store._retry = 3600.0
    assert await one.ledger.arm(CARD, "a person", 1.0)
    await other.until(lambda: other.ledger.stage(CARD) is Stage.ARMED)
    assert other.ledger.entry(CARD) == one.ledger.entry(CARD)
    handing = await handed(other)
    assert await other.ledger.begin(handing)
    assert other.ledger.given(CARD, "all of it was fetched", 3.0)
    await one.until(lambda: one.ledger.stage(CARD) is Stage.GIVEN)
    assert one.ledger.handings() == ()
    assert one.learned[-1] == Learned((CARD,), ())


async def test_of_two_that_arm_by_themselves_one_makes_the_record(start: Start) -> None:
    one, other = await start(), await start()
    both = [daemon.ledger.handed(CARD, IP, LAST, 2.0) for daemon in (one, other)]
    assert sorted(await asyncio.gather(*both)) == [False, True]
    assert one.ledger.entry(CARD) == other.ledger.entry(CARD)


async def test_of_two_that_spend_an_arming_one_may_send_its_script(start: Start) -> None:
    one, other = await start(), await start()
    assert await one.ledger.arm(CARD, "a person", 1.0)
    await other.until(lambda: other.ledger.stage(CARD) is Stage.ARMED)
    both = [daemon.ledger.spend(CARD, "its script", 2.0) for daemon in (one, other)]
    assert sorted(await asyncio.gather(*both)) == [False, True]
    assert one.ledger.stage(CARD) is other.ledger.stage(CARD) is Stage.GIVEN


async def test_while_one_sends_the_last_file_the_others_hold_the_machine(start: Start) -> None:
    one, other = await start(), await start()
    await one.ledger.arm(CARD, "a person", 1.0)
    assert await one.ledger.begin(await handed(one))
    await other.until(lambda: other.ledger.stage(CARD) is Stage.HELD)
    assert one.ledger.stage(CARD) is Stage.ARMED
    assert not await other.ledger.begin(other.ledger.handings()[0])
    assert one.ledger.given(CARD, "x", 3.0)
    await other.until(lambda: other.ledger.stage(CARD) is Stage.GIVEN)


async def test_what_one_had_begun_that_was_killed_is_in_doubt(start: Start) -> None:
    """Doubt never wipes."""
    one, other = await start(), await start()
    await one.ledger.arm(CARD, "a person", 1.0)
    assert await one.ledger.begin(await handed(one))
    await other.until(lambda: other.ledger.stage(CARD) is Stage.HELD)
    await one.kill()
    await other.until(lambda: any(learned.doubted == (CARD,) for learned in other.learned))
    assert other.ledger.stage(CARD) is Stage.GIVEN
    entry = other.ledger.entry(CARD)
    assert entry
    assert entry.by == IN_DOUBT


async def test_one_that_starts_again_does_not_doubt_what_the_other_is_sending(start: Start) -> None:
    one = await start()
    await one.ledger.arm(CARD, "a person", 1.0)
    assert await one.ledger.begin(await handed(one))
    other = await start()
    assert other.ledger.doubted == ()
    assert other.ledger.stage(CARD) is Stage.HELD
    assert one.ledger.given(CARD, "x", 3.0)
    await other.until(lambda: other.ledger.stage(CARD) is Stage.GIVEN)


async def test_a_machine_goes_on_with_the_other_daemon_where_one_was_killed_before_the_last_file(start: Start) -> None:
    one, other = await start(), await start()
    await one.ledger.arm(CARD, "a person", 1.0)
    handing = await handed(one)
    await other.until(lambda: handing in other.ledger.handings())
    await one.kill()
    assert await other.ledger.begin(handing)
    assert other.ledger.given(CARD, "x", 3.0)


async def test_orders_through_both_at_once_are_both_taken_one_after_the_other(start: Start) -> None:
    one, other = await start(), await start()
    armed, left = await asyncio.gather(one.ledger.arm(CARD, "x", 1.0), other.ledger.disarm(CARD, "y", 1.0))
    assert left
    await one.until(lambda: one.ledger.entry(CARD) == other.ledger.entry(CARD))
    assert one.ledger.stage(CARD) in (Stage.ARMED, Stage.DISARMED)
    assert armed or one.ledger.stage(CARD) is Stage.DISARMED


class TestAway:
    """The database is."""

    async def test_a_daemon_goes_on_from_what_it_knows_and_catches_up(self, start: Start, postgres: Server) -> None:
        one, other = await start(), await start()
        await one.ledger.arm(CARD, "a person", 1.0)
        await one.ledger.arm(OTHER_CARD, "a person", 1.0)
        handing = await handed(one)
        assert await one.ledger.begin(handing)
        postgres.stop()
        await one.until(lambda: not one.store.durable and not other.store.durable)
        assert one.ledger.stage(OTHER_CARD) is Stage.HELD
        assert one.ledger.given(CARD, "all of it was fetched", 3.0)
        assert one.ledger.stage(CARD) is Stage.GIVEN
        assert not await one.ledger.arm(CARD, "a person", 4.0)
        postgres.start()
        await one.until(lambda: one.store.durable and other.store.durable)
        await other.until(lambda: other.ledger.stage(CARD) is Stage.GIVEN)
        await one.until(lambda: one.ledger.stage(OTHER_CARD) is Stage.ARMED)
        assert [bool(trouble.reason) for trouble in one.told] == [True, False]

    async def test_one_that_starts_meanwhile_holds_everybody_until_it_is_there(
        self, start: Start, postgres: Server
    ) -> None:
        await (await start()).ledger.arm(CARD, "a person", 1.0)
        postgres.stop()
        late = await start()
        assert late.ledger.stage(CARD) is late.ledger.stage(OTHER_CARD) is Stage.HELD
        assert [(trouble.opened, trouble.final) for trouble in late.told] == [(False, False)]
        postgres.start()
        await late.until(lambda: late.store.durable)
        assert late.ledger.stage(CARD) is Stage.ARMED
        assert late.told[1:] == [replace(late.told[0], reason="", opened=True)]

    async def test_a_connection_that_is_cut_is_had_again_and_nothing_was_missed(
        self, start: Start, postgres: Server, url: str
    ) -> None:
        one, other = await start(), await start()
        for mac in (CARD, OTHER_CARD):
            postgres.cut(url)
            await one.until(lambda: one.store.durable)
            while not await one.ledger.arm(mac, "a person", 1.0):
                await one.until(lambda: one.store.durable)
        await other.until(lambda: other.ledger.stage(OTHER_CARD) is Stage.ARMED)
        assert other.ledger.stage(CARD) is Stage.ARMED

    async def test_a_password_is_not_told(self, postgres: Server) -> None:
        daemon = await Daemon(postgres.url("nowhere", "netbootd:secret"), asyncio.Event()).open()
        assert "secret" not in str(daemon.told)
        assert "nowhere" in daemon.told[0].reason
        await daemon.store.close()


@dataclass
class Real:
    """A machine, and how often it was wiped."""

    mac: Mac
    wipes: int = 0


@dataclass
class Storm:
    """Machines that boot through either daemon, in an order drawn from a seed."""

    daemons: list[Daemon]
    dice: random.Random
    machines: list[Real] = field(default_factory=lambda: [Real(Mac(bytes([2, 0, 0, 0, 0, n]))) for n in range(200)])

    async def installed(self, real: Real) -> None:
        """It boots until it is left to its own disk."""
        while True:
            daemon = self.dice.choice(self.daemons)
            match daemon.ledger.stage(real.mac):
                case Stage.GIVEN:
                    return
                case Stage.ARMED:
                    await self._boot(real, daemon)
                case _:
                    await daemon.until(partial(self._is_let_go, real, daemon))

    def _is_let_go(self, real: Real, daemon: Daemon) -> bool:
        return daemon.killed or daemon.ledger.stage(real.mac) is not Stage.HELD

    async def _boot(self, real: Real, daemon: Daemon) -> None:
        """At one time in ten it is switched off when it has its script, or when it has all of its payload the daemon
        is killed before it knows."""
        ip = f"198.51.100.{real.mac.octets[5]}"
        if not await daemon.ledger.handed(real.mac, ip, LAST, 2.0) or self.dice.random() < 0.1:
            return
        handing = next((each for each in daemon.ledger.handings_at(ip) if each.mac == real.mac), None)
        if handing and await daemon.ledger.begin(handing):
            real.wipes += 1
            await asyncio.sleep(self.dice.random() / 20)  # the last file is on its way
            if not daemon.killed:
                daemon.ledger.given(real.mac, "all of it was fetched", 3.0)


async def test_a_storm_installs_every_machine_once_whoever_is_killed_and_cut_off(
    start: Start, postgres: Server, url: str
) -> None:
    """Who is in doubt counts as given, and is not wiped again; nobody is left armed, and no record is lost."""
    dice = random.Random(4)
    storm = Storm([await start(), await start()], dice)
    armed = await asyncio.gather(
        *(dice.choice(storm.daemons).ledger.arm(each.mac, "x", 1.0) for each in storm.machines)
    )
    assert all(armed)
    waiting = {asyncio.ensure_future(storm.installed(real)) for real in storm.machines}
    turns = 0
    while waiting:
        _, waiting = await asyncio.wait(waiting, timeout=0.02, return_when=asyncio.FIRST_COMPLETED)
        turns += 1
        if turns % 40 == 0:
            postgres.cut(url)
        if turns % 25 == 0:
            place = dice.randrange(2)
            victim, storm.daemons[place] = storm.daemons[place], await start()
            await victim.kill()
    last = await start()
    assert [last.ledger.stage(real.mac) for real in storm.machines] == [Stage.GIVEN] * len(storm.machines)
    assert {real.wipes for real in storm.machines} <= {0, 1}
