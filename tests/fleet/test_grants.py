"""Tokens in a state: as digests, few, and gone when they have ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, create_engine, insert

from netbootd.fleet.grants import GRANTS, PER_MACHINE, TOKENS, Grant, PutGrant, apply_grant, read_grant, read_grants
from netbootd.wire.mac import Mac
from tests.support.worlds import CARD, OTHER_CARD

FIRST = Grant("1" * 64, CARD, 3, 100.0, 5000.0, 9000.0, '{"a": 1}')
TAIL = 60.0


@pytest.fixture
def connection() -> Iterator[Connection]:
    with create_engine("sqlite://").connect() as connection:
        GRANTS.create_all(connection)
        yield connection


def put(connection: Connection, *grants: Grant, most: int = 100) -> None:
    for grant in grants:
        apply_grant(connection, PutGrant(grant, TAIL), most)


def test_it_is_read_as_it_was_written(connection: Connection) -> None:
    other = replace(FIRST, digest="2" * 64, mac=OTHER_CARD, made=101.0)
    put(connection, other, FIRST)
    assert read_grants(connection, 0.0) == (FIRST, other)
    assert (read_grant(connection, FIRST.digest), read_grant(connection, "3" * 64)) == (FIRST, None)


def test_the_documents_of_an_older_one_of_the_machine_are_on_their_way_out(connection: Connection) -> None:
    newer = replace(FIRST, digest="2" * 64, made=200.0)
    put(connection, FIRST, newer)
    assert read_grants(connection, 0.0) == (replace(FIRST, documents=260.0), newer)


def test_one_that_has_ended_is_not_read_and_goes_with_the_next(connection: Connection) -> None:
    put(connection, FIRST)
    assert read_grants(connection, 9000.0) == ()
    put(connection, replace(FIRST, digest="2" * 64, mac=OTHER_CARD, made=9000.0, ends=10_000.0))
    assert read_grant(connection, FIRST.digest) is None


def test_a_machine_has_a_few(connection: Connection) -> None:
    put(connection, *(replace(FIRST, digest=str(number) * 64, made=100.0 + number) for number in range(9)))
    assert [grant.digest[0] for grant in read_grants(connection, 0.0)] == list("5678")[-PER_MACHINE:]


def test_all_together_are_bounded_and_the_oldest_go(connection: Connection) -> None:
    cards = [Mac(bytes((2, 0, 0, 0, 0, number))) for number in range(30)]
    put(
        connection,
        *(replace(FIRST, digest=mac.hexraw, mac=mac, made=100.0 + n) for n, mac in enumerate(cards)),
        most=10,
    )
    assert [grant.mac for grant in read_grants(connection, 0.0)] == cards[-10:]


def test_the_same_again_is_one(connection: Connection) -> None:
    put(connection, FIRST, FIRST)
    assert len(read_grants(connection, 0.0)) == 1


def test_a_row_that_cannot_be_read_is_left_out(connection: Connection) -> None:
    put(connection, FIRST)
    row = {"digest": "x", "mac": "nobody", "generation": 1, "made": 1.0, "documents": 9e9, "ends": 9e9, "recipe": ""}
    connection.execute(insert(TOKENS).values(**row))
    assert read_grants(connection, 0.0) == (FIRST,)
