"""Which database a state is in, and that those there are do what a store asks of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.fleet.changes import NOTHING, Entry, Order, Put
from netbootd.fleet.database import Database, database, peek
from netbootd.fleet.history import History
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.postgresql import Postgresql
from netbootd.fleet.sqlite import Sqlite
from netbootd.fleet.state import BadStateUrl
from tests.support.postgres import Server
from tests.support.worlds import CARD

ARMED = Entry(CARD, Stage.ARMED, 1.0, "ada")


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    server: Server = request.getfixturevalue("postgres")
    return server.database()


def test_the_url_says_which_and_nothing_is_opened_yet(tmp_path: Path) -> None:
    """A server need not run, nor the file be there, when the settings are read."""
    assert isinstance(database(f"sqlite:///{tmp_path}/state.db"), Sqlite)
    assert isinstance(database("postgresql://nobody@192.0.2.9/none"), Postgresql)
    assert list(tmp_path.iterdir()) == []


def test_another_url_is_refused_by_who_opens_it_and_by_who_looks() -> None:
    for ask in (database, peek):
        with pytest.raises(BadStateUrl):
            ask("mysql://nobody@192.0.2.9/none")


def test_what_one_has_on_disk_the_next_and_who_looks_beside_it_find(state: str) -> None:
    one = database(state)
    assert one.open(60.0) == NOTHING
    assert one.created
    assert one.commit([[Order(ARMED, (CARD,))]]) == [True]
    assert peek(state).entries == (ARMED,)
    one.close()
    other = database(state)
    assert other.open(60.0).entries == (ARMED,)
    assert not other.created
    other.close()


def test_of_nobody_nothing_is_held_and_that_is_no_trouble(state: str) -> None:
    made: Database = database(state)
    made.open(60.0)
    assert (made.read([CARD]), made.read(None)) == (NOTHING, NOTHING)
    assert made.history(10) == History()
    assert (made.grants(0.0), made.grant("x")) == ((), None)
    assert made.commit([]) == [], "which tries whether a write is taken"
    made.close()
    made.close()


def test_a_job_is_taken_wholly_or_not_at_all_and_the_next_one_all_the_same(state: str) -> None:
    """The second arms what is armed already, which another daemon may have done."""
    made = database(state)
    made.open(60.0)
    assert made.commit([[Order(ARMED, (CARD,))], [Order(ARMED, (CARD,))], [Put(ARMED, (CARD,))]]) == [True, False, True]
    made.close()
