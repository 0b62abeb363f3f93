"""Who is meant, and who there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.boot.facts import Facts
from netbootd.fleet.record import Record
from netbootd.fleet.snapshot import Snapshot
from netbootd.serve.admin.problems import Problem
from netbootd.serve.admin.roster import Roster
from netbootd.wire.mac import Mac
from tests.support.crowd import TWINS, rivals
from tests.support.fleet import BARE, EDGE, FLEET, RESCUE, SECOND_CARD, STRANGER, Api


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def roster(api: Api) -> Roster:
    return Roster(api.services())


async def test_a_machine_is_meant_by_its_id_a_card_or_its_name(api: Api, roster: Roster) -> None:
    record = api.saw(SECOND_CARD)
    for text in (record.id, str(EDGE), EDGE.hexhyp, SECOND_CARD.hexraw, "node-1"):
        seat = roster.find(text)
        assert (seat.machine, seat.record, seat.mac) == (FLEET.machines[0], record, EDGE)


async def test_a_card_nobody_knows_is_a_machine_all_the_same(roster: Roster) -> None:
    seat = roster.find(str(STRANGER))
    assert (seat.known, seat.mac) == (False, STRANGER)


async def test_a_name_nobody_has_is_none(roster: Roster) -> None:
    with pytest.raises(Problem, match="'node-9' is not a hardware address, and no machine's id or name"):
        roster.find("node-9")


async def test_one_that_is_listed_without_a_card_has_those_it_showed(api: Api, roster: Roster) -> None:
    edge = replace(FLEET.machines[0], macs=(), serial="SN-1")
    api.fleet = Snapshot(FLEET.profiles.values(), [edge])
    assert (roster.find("node-1").machine, roster.find("node-1").mac) == (edge, None)
    api.saw(STRANGER, serial="SN-1")
    assert roster.find("node-1").mac == STRANGER
    assert roster.find(str(STRANGER)).machine == edge
    api.facts = Facts(serial="SN-1")
    assert roster.find(str(BARE)).machine == edge


async def test_everybody_is_there_once(api: Api, roster: Roster) -> None:
    api.saw(SECOND_CARD)
    api.saw(STRANGER)
    await api.ledger.arm(STRANGER, "x", 1.0)
    assert [seat.mac async for seat in roster.all()] == [EDGE, RESCUE, BARE, STRANGER]


async def test_of_several_records_about_one_machine_none_is_taken(api: Api, roster: Roster) -> None:
    for id, mac in (("a", EDGE), ("b", SECOND_CARD)):
        api.records.learn(Record(id, (mac,), name=id, origin="ada"))
    seat = roster.find("node-1")
    assert (seat.record, seat.conflict) == (None, "a, b claim it")
    assert [each.record.id async for each in roster.all() if each.record] == ["a", "b"]


async def test_many_that_are_listed_without_a_card_are_gone_through_once(api: Api) -> None:
    """Each was compared with every card that was ever armed: minutes for a fleet of some thousands."""
    unseen = [replace(FLEET.machines[0], name=f"node-{n}", macs=(), serial=f"SN-{n}") for n in range(300)]
    api.fleet = Snapshot(FLEET.profiles.values(), unseen)
    for n in range(300):
        await api.ledger.arm(Mac.parse(f"52:54:00:77:{n >> 8:02x}:{n & 255:02x}"), "x", 1.0)
    asked: list[Mac] = []

    def known(mac: Mac) -> Facts:
        asked.append(mac)
        return Facts(mac=mac)

    roster = Roster(replace(api.services(), known=known))
    assert len([seat async for seat in roster.all()]) == 600
    assert len(asked) <= 600


def test_a_machine_is_found_again_as_it_is_now(api: Api, roster: Roster) -> None:
    before = roster.find("node-1")
    record = api.saw(EDGE, manufacturer="Acme")
    assert before.record is None
    assert roster.again(before).record == record
    changed = replace(record, name="other")
    api.records.change(changed)
    assert roster.again(roster.find(record.id)).record == changed


def test_each_of_several_that_claim_one_card_is_found_again_as_itself(api: Api, roster: Roster) -> None:
    rivals(api)
    ids = [record.id for record in api.records.of_card(TWINS)]
    assert len(ids) == 2
    for id in ids:
        found = roster.again(roster.find(id)).record
        assert found is not None
        assert found.id == id


def test_a_card_that_several_claim_is_nobody_again(api: Api, roster: Roster) -> None:
    rivals(api)
    seat = roster.of_card(TWINS)
    assert roster.again(seat) == seat
