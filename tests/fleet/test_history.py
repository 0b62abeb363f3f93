"""Records and boots in a database: what was put there is read, and a damaged row takes no other with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, create_engine, update

from netbootd.fleet.history import ATTEMPTS, HISTORY, RECORDS, History, apply_history, read_history
from netbootd.fleet.record import (
    Attempt,
    DropAttempts,
    DropRecord,
    Outcome,
    Prune,
    PutAttempt,
    PutRecord,
    Reached,
    Record,
    RecordChange,
    Step,
)
from tests.support.worlds import CARD

NODE = Record("1", (CARD,), serial="7XK2B32", name="node-1\u2028\0", first_seen=1.0, last_seen=2.0)
BOOT = Attempt("b1", "1", CARD, 1.0, 5.0, Outcome.LOCAL, (Step(Reached.SCRIPT, 2.0, last=2.0),))
LATER = replace(BOOT, id="b2", started=10.0, last=15.0)


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as opened:
        HISTORY.create_all(opened)
        yield opened
    engine.dispose()


def after(connection: Connection, *changes: RecordChange | Prune, most: int = 10) -> History:
    apply_history(connection, changes)
    return read_history(connection, most)


def test_what_was_put_is_read_the_boots_in_their_order(connection: Connection) -> None:
    found = after(connection, PutRecord(NODE), PutAttempt(LATER), PutAttempt(BOOT))
    assert found == History((NODE,), (BOOT, LATER))


def test_what_is_put_again_takes_the_place_of_what_was_there(connection: Connection) -> None:
    renamed, done = replace(NODE, name="node-7"), replace(BOOT, outcome=Outcome.INSTALLED)
    found = after(connection, PutRecord(NODE), PutAttempt(BOOT), PutRecord(renamed, NODE), PutAttempt(done, BOOT))
    assert found == History((renamed,), (done,))


def test_a_record_that_is_dropped_takes_its_boots_along(connection: Connection) -> None:
    others = replace(BOOT, id="b3", record="2")
    found = after(connection, PutRecord(NODE), PutAttempt(BOOT), PutAttempt(others), DropRecord("1"))
    assert found == History((), (others,))


def test_boots_are_dropped_by_the_thousand(connection: Connection) -> None:
    boots = [replace(BOOT, id=f"b{number}") for number in range(1200)]
    found = after(connection, *(PutAttempt(each) for each in boots), DropAttempts(tuple(b.id for b in boots[1:])))
    assert found.attempts == (boots[0],)


def test_at_start_the_latest_boots_are_read_and_no_more(connection: Connection) -> None:
    assert after(connection, PutAttempt(BOOT), PutAttempt(LATER), most=1).attempts == (LATER,)


def test_a_row_that_cannot_be_read_stays_and_is_counted(connection: Connection) -> None:
    other = replace(NODE, id="2", name="node-2")
    apply_history(connection, [PutRecord(NODE), PutRecord(other), PutAttempt(BOOT)])
    connection.execute(update(RECORDS).where(RECORDS.c.id == "1").values(body="{"))
    connection.execute(update(ATTEMPTS).values(body="[]"))
    assert read_history(connection, 10) == History((other,), (), unreadable=2)
    assert len(connection.execute(RECORDS.select()).all()) == 2


def test_boots_are_pruned_by_age_and_by_number_whoever_wrote_them(connection: Connection) -> None:
    boots = [replace(BOOT, id=f"b{number}", last=float(number)) for number in range(10)]
    found = after(connection, *(PutAttempt(each) for each in boots), Prune(3.0, 5))
    assert [each.id for each in found.attempts] == ["b5", "b6", "b7", "b8", "b9"]
    assert [each.id for each in after(connection, Prune(8.0, 5)).attempts] == ["b8", "b9"]
