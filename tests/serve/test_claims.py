"""Whose soft serial is it: an answer that follows every change of the fleet and of what is on record."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.facts import Facts
from netbootd.chain.claims import every, rival
from netbootd.chain.world import World
from netbootd.fleet.identity import Match
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.record import Record
from netbootd.fleet.records import Records
from netbootd.fleet.snapshot import Snapshot
from netbootd.serve.claims import Claims
from netbootd.wire.mac import Mac
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import FIRMWARE, eve, machine, templates

A, B, C = (Mac.parse(f"52:54:00:00:00:0{n}") for n in range(1, 4))
BY_ASSET = eve(soft_serial="{{ machine.asset }}")


class House:
    """What the daemon has of it."""

    def __init__(self, fleet: Snapshot) -> None:
        ids = count(1)
        self.records = Records(new_id=lambda: f"id-{next(ids)}")
        self.ledger = Ledger(SlowJournal(Disk(), at_once=True))
        self.told: list[Facts] = []
        self.reload(fleet)
        self.claims = Claims(lambda: self.world, self.records, self.ledger, known=self._known)

    def _known(self, facts: Facts) -> Facts:
        self.told.append(facts)
        return facts

    def reload(self, fleet: Snapshot) -> None:
        self.world = World(fleet, FIRMWARE, templates(), recorded=self._recorded)

    def _recorded(self, facts: Facts) -> Record | None:
        found = self.records.identify(facts)
        return self.records.get(found.id) if isinstance(found, Match) else None

    def rival(self, serial: str = "SN-1", mac: Mac = A) -> str:
        return self.claims.rival(serial, Facts(mac=mac), self.world.fleet.machine(mac))


@pytest.fixture
def house() -> House:
    return House(Snapshot([BY_ASSET], [machine("edge", "node-1", A)]))


def ours(id: str, mac: Mac, asset: str) -> Record:
    return Record(id, (mac,), asset=asset, name=f"ours-{id}", profile="edge", first_seen=1.0)


def test_it_follows_a_record_from_its_making_to_its_end(house: House) -> None:
    assert house.rival() == ""
    house.records.learn(ours("b", B, "SN-1"))
    assert house.rival() == "ours-b"
    assert house.rival("sn-1") == "ours-b", "case tells nobody apart"
    assert house.rival(mac=B) == ""
    house.records.learn(ours("b", B, "SN-2"))
    assert (house.rival(), house.rival("SN-2")) == ("", "ours-b")
    house.records.forget("b")
    assert house.rival("SN-2") == ""


def test_a_file_s_machine_claims_what_its_record_makes_of_it(house: House) -> None:
    house.records.learn(ours("b", B, "SN-1"))
    assert house.rival(mac=B) == ""
    house.records.learn(Record("a", (A,), asset="SN-1"))
    assert house.rival(mac=B) == "node-1 of machines.yaml:1"
    house.records.forget("a")
    assert house.rival(mac=B) == ""


def test_one_that_is_named_without_a_card_claims_it_once_it_has_shown_one() -> None:
    house = House(Snapshot([BY_ASSET], [machine("edge", "node-1", macs=(), serial="7XK2B32")]))
    assert house.rival(mac=B) == ""
    house.records.learn(Record("a", (A,), serial="7XK2B32", asset="SN-1"))
    assert house.rival(mac=B) == "node-1 of machines.yaml:1"
    own = house.world.fleet.machines[0]
    assert house.claims.rival("SN-1", Facts(mac=A, serial="7XK2B32"), own) == ""


def test_after_a_reload_it_is_as_the_files_say_now(house: House) -> None:
    house.records.learn(ours("b", B, "SN-1"))
    assert house.rival() == "ours-b"
    house.reload(Snapshot([BY_ASSET], [machine("edge", "node-1", A), machine("edge", "node-2", B)]))
    assert house.rival() == "node-2 of machines.yaml:1"
    house.reload(Snapshot([eve(soft_serial="{{ machine.mac }}")], [machine("edge", "node-1", A)]))
    assert house.rival() == ""


async def test_a_stranger_is_ours_while_it_is_armed(house: House) -> None:
    house.reload(Snapshot([BY_ASSET], [machine("edge", "node-1", A)], unknown="edge"))
    house.records.learn(Record("c", (C,), asset="SN-1"))
    assert house.rival() == ""
    assert await house.ledger.arm(C, "ada", 1.0)
    assert house.rival() == str(C)
    assert await house.ledger.disarm(C, "ada", 2.0)
    assert house.rival() == ""


async def test_what_two_claim_is_told_with_both_the_files_first(house: House) -> None:
    for id, mac, seen in (("c", C, 1.0), ("b", B, 2.0)):
        house.records.learn(replace(ours(id, mac, "SN-1"), first_seen=seen))
    house.records.learn(Record("a", (A,), asset="SN-1", first_seen=9.0))
    first = "the soft serial SN-1 of {} already belongs to node-1 of machines.yaml:1"
    assert [str(each) for each in await house.claims.twice()] == [first.format("ours-c"), first.format("ours-b")]


def test_to_ask_looks_at_nobody_who_is_as_before(house: House) -> None:
    """However large the fleet is: an installing machine waits for the answer, and so does everybody else."""
    for number in range(200):
        house.records.learn(ours(str(number), Mac(bytes((2, 0, 0, 0, 0, number))), f"SN-{number}"))
    assert house.rival("SN-7") == "ours-7"
    house.told.clear()
    assert house.rival("SN-8") == "ours-8"
    house.records.learn(ours("9", Mac(bytes((2, 0, 0, 0, 0, 9))), "SN-8x"))
    assert house.rival("SN-8x") == "ours-9"
    assert [facts.asset for facts in house.told] == ["SN-8x"]


CARDS = tuple(Mac.parse(f"52:54:00:00:00:{n:02x}") for n in range(1, 6))
SERIALS = ("SN-1", "sn-1", "SN-2", "")
steps = st.one_of(
    st.tuples(st.just("learn"), st.integers(0, 4), st.sampled_from(SERIALS), st.booleans()),
    st.tuples(st.just("forget"), st.integers(0, 4), st.none(), st.none()),
    st.tuples(st.just("reload"), st.integers(0, 2), st.none(), st.none()),
    st.tuples(st.just("ask"), st.none(), st.none(), st.none()),
)


@given(st.lists(steps, max_size=12))
def test_after_any_history_it_says_what_a_look_at_all_of_it_says(history: list[tuple[str, int, str, bool]]) -> None:
    """Which is what commands do that speak without the daemon."""
    fleets = [
        Snapshot([BY_ASSET], [machine("edge", "node-1", A)]),
        Snapshot([BY_ASSET], [machine("edge", "node-1", A), machine("edge", "node-2", macs=(), serial="7XK2B32")]),
        Snapshot([eve(soft_serial="{{ machine.mac }}")], [machine("edge", "node-2", B)]),
    ]
    house = House(fleets[0])
    for what, number, asset, touched in history:
        match what:
            case "learn":
                made = Record(
                    f"r-{number}", (CARDS[number],), asset=asset or None, serial="7XK2B32" if number == 4 else None
                )
                house.records.learn(replace(made, profile="edge" if touched else None, first_seen=float(number)))
            case "forget":
                house.records.forget(f"r-{number}")
            case "reload":
                house.reload(fleets[number])
            case _:
                house.rival()
    found = every(house.world, house.records.all(), frozenset())
    for serial in ("sn-1", "sn-2", *map(str, CARDS)):
        for mac in CARDS:
            facts, listed = Facts(mac=mac), house.world.fleet.machine(mac)
            assert house.claims.rival(serial, facts, listed) == rival(found.get(serial, ()), house.world, facts, listed)
