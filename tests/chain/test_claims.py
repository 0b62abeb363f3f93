"""Whose soft serial is it: the machines of files and the records of ours, looked at once."""

from __future__ import annotations

from dataclasses import replace

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.chain.claims import every, rival, twice
from netbootd.chain.world import World
from netbootd.fleet.record import Record
from netbootd.fleet.snapshot import Snapshot
from netbootd.wire.mac import Mac
from tests.support.worlds import FIRMWARE, eve, linux, machine, templates

A, B, C = (Mac.parse(f"52:54:00:00:00:0{n}") for n in range(1, 4))
BY_ASSET = eve(soft_serial="{{ machine.asset }}")
NODE = machine("edge", "node-1", A)


def world(*records: Record, machines: tuple[Machine, ...] = (NODE,), unknown: str = "silent") -> World:
    by_card = {mac: record for record in records for mac in record.macs}

    def recorded(facts: Facts) -> Record | None:
        return by_card.get(facts.mac) if facts.mac else None

    fleet = Snapshot([BY_ASSET, linux()], machines, unknown=unknown)
    return World(fleet, FIRMWARE, templates(), recorded=recorded)


def ours(id: str, mac: Mac, asset: str, seen: float = 1.0) -> Record:
    return Record(id, (mac,), asset=asset, name=f"ours-{id}", profile="edge", first_seen=seen)


def claimed(found: World, *records: Record, armed: tuple[Mac, ...] = ()) -> dict[str, list[str]]:
    """Who claims which."""
    claims = every(found, records, frozenset(armed))
    return {serial: [claim.name for claim in each] for serial, each in claims.items()}


def test_a_record_of_ours_claims_what_it_would_be_installed_with() -> None:
    record = ours("b", B, "SN-1")
    assert claimed(world(record), record) == {"sn-1": ["ours-b"]}


def test_a_stranger_claims_nothing_until_it_is_armed() -> None:
    stranger = Record("c", (C,), asset="SN-1")
    found = world(stranger, unknown="edge")
    assert claimed(found, stranger) == {}
    assert claimed(found, stranger, armed=(C,)) == {"sn-1": [str(C)]}


def test_who_is_not_installed_claims_nothing() -> None:
    record = replace(ours("b", B, "SN-1"), profile="rescue")
    assert claimed(world(record), record) == {}


def test_a_file_s_machine_and_its_record_are_one() -> None:
    record = Record("a", (A,), asset="SN-1", profile="edge")
    assert claimed(world(record), record) == {"sn-1": ["node-1 of machines.yaml:1"]}


def test_one_that_is_named_without_a_card_is_who_has_shown_what_names_it() -> None:
    named = machine("edge", "node-1", macs=(), serial="7XK2B32")
    record = Record("a", (B,), serial="7XK2B32", asset="SN-1")
    assert claimed(world(machines=(named,)), record) == {"sn-1": ["node-1 of machines.yaml:1"]}


def test_nobody_is_its_own_rival() -> None:
    record = ours("b", B, "SN-1")
    found = world(record)
    claims = every(found, [record], frozenset())["sn-1"]
    assert rival(claims, found, Facts(mac=B), None) == ""
    assert rival(claims, found, Facts(mac=C), None) == "ours-b"
    listed = Record("a", (A,), asset="SN-1")
    found = world(listed)
    claims = every(found, [listed], frozenset())["sn-1"]
    assert rival(claims, found, Facts(mac=A), NODE) == ""


def test_of_several_the_file_s_is_named_and_then_the_oldest() -> None:
    records = (ours("c", C, "SN-1", seen=1.0), ours("b", B, "sn-1", seen=2.0))
    found = world(*records)
    claims = every(found, records, frozenset())["sn-1"]
    assert rival(claims, found, Facts(mac=A), NODE) == "ours-c"
    listed = Record("a", (A,), asset="SN-1", first_seen=9.0)
    found = world(*records, listed)
    claims = every(found, (*records, listed), frozenset())["sn-1"]
    assert rival(claims, found, Facts(mac=C), None) == "node-1 of machines.yaml:1"
    first = "the soft serial {} of {} already belongs to node-1 of machines.yaml:1"
    assert list(map(str, twice([claims]))) == [first.format("SN-1", "ours-c"), first.format("sn-1", "ours-b")]
