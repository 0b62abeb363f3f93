"""What fits into the tables: a PostgreSQL server refuses what is longer, and an arming with it."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from sqlalchemy import Column, String

from netbootd.fleet.changes import Change, Entry, Hand, Handing, Order
from netbootd.fleet.database import database
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.tables import HANDINGS, MACHINES, TABLES
from netbootd.wire.mac import Mac
from tests.support.postgres import Server

LONGEST_CARD = Mac(b"\xff" * 16)
"""RFC 2131's ``chaddr``, and a GUID that EDK2 may send there."""
LONGEST_IP = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"


def room(column: Column[str]) -> int:
    assert isinstance(column.type, String)
    assert column.type.length
    return column.type.length


def test_the_longest_address_of_either_kind_has_room_and_no_more() -> None:
    assert IPv6Address(LONGEST_IP)
    assert room(HANDINGS.c.ip) == len(LONGEST_IP)
    cards = [table.c.mac for table in TABLES.tables.values() if "mac" in table.c]
    assert {room(column) for column in cards} == {len(str(LONGEST_CARD))}


@pytest.mark.parametrize("stage", [each for each in Stage if each is not Stage.HELD])  # which is never recorded
def test_a_server_takes_the_longest_there_is_of_each(postgres: Server, stage: Stage) -> None:
    held = database(postgres.database())
    held.open(60.0)
    entry = Entry(LONGEST_CARD, stage, 1.0, "\u00e9" * 1000, 2**31 - 1)
    taken: list[list[Change]] = [[Order(entry, (LONGEST_CARD,))]]
    if stage is Stage.ARMED:
        taken.append([Hand(Handing(LONGEST_CARD, LONGEST_IP, "a" * 5000), (LONGEST_CARD,), entry.generation)])
    assert held.commit(taken) == [True for _ in taken]
    (read,) = held.read(None).entries
    assert (read.mac, read.stage, read.generation) == (LONGEST_CARD, stage, 2**31 - 1)
    assert read.by == "\u00e9" * room(MACHINES.c.by)
    held.close()
