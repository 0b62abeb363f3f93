"""A state of any earlier version opens, and becomes what a new one is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from netbootd.fleet.changes import Entry, Handing, Keeper, Known
from netbootd.fleet.grants import Grant, PutGrant
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.record import PutRecord, Record
from netbootd.fleet.sqlite import Sqlite, peek_file
from netbootd.fleet.tables import VERSION
from tests.support.worlds import CARD, OTHER_CARD

V1 = f"""
CREATE TABLE netbootd_schema (version INTEGER NOT NULL, PRIMARY KEY (version));
CREATE TABLE machines (
    mac VARCHAR(47) NOT NULL, stage VARCHAR(16) NOT NULL, since FLOAT NOT NULL, "by" VARCHAR(200) NOT NULL,
    PRIMARY KEY (mac)
);
CREATE TABLE handings (
    mac VARCHAR(47) NOT NULL, ip VARCHAR(45) NOT NULL, file VARCHAR NOT NULL, begun BOOLEAN NOT NULL,
    PRIMARY KEY (mac, ip)
);
INSERT INTO netbootd_schema VALUES (1);
INSERT INTO machines VALUES ('{CARD}', 'armed', 1700000000.25, 'a person'), ('{OTHER_CARD}', 'given', 2.5, 'x');
INSERT INTO handings VALUES ('{CARD}', '192.0.2.77', 'artifacts/eve/rootfs.img', 0),
    ('{OTHER_CARD}', '192.0.2.78', 'artifacts/eve/rootfs.img', 1);
"""
KEPT = Known(
    (Entry(CARD, Stage.ARMED, 1700000000.25, "a person", 1), Entry(OTHER_CARD, Stage.GIVEN, 2.5, "x", 1)),
    (
        Handing(CARD, "192.0.2.77", "artifacts/eve/rootfs.img"),
        Handing(OTHER_CARD, "192.0.2.78", "artifacts/eve/rootfs.img", True, Keeper.NOBODY),
    ),
)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """As version 1 wrote it."""
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode=WAL")
        file.executescript(V1)
    return path


def tables(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """What columns and indexes there are."""
    with closing(sqlite3.connect(path)) as file:
        names = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        columns = {name: file.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
        indexes = file.execute("SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' ORDER BY name").fetchall()
    without_defaults = {name: [row[1:4] + row[5:] for row in rows] for name, rows in columns.items()}
    return {**without_defaults, "indexes": indexes}


def test_a_first_version_keeps_who_is_armed_and_who_was_given(first: Path) -> None:
    """What it had begun is in doubt, as after any restart."""
    database = Sqlite(first)
    assert database.open(0.0) == KEPT
    assert not database.created
    database.close()
    again = Sqlite(first)
    assert again.open(0.0) == KEPT
    again.close()


def test_what_has_been_migrated_has_the_tables_of_a_new_one(first: Path, tmp_path: Path) -> None:
    for path in (first, tmp_path / "new.db"):
        database = Sqlite(path)
        database.open(0.0)
        database.close()
    assert tables(first) == tables(tmp_path / "new.db")
    with closing(sqlite3.connect(first)) as file:
        assert file.execute("SELECT version FROM netbootd_schema").fetchall() == [(VERSION,)]


def test_an_older_version_can_be_read_before_the_daemon_brought_it_up_to_date(first: Path) -> None:
    before = first.read_bytes()
    assert peek_file(first) == KEPT
    assert first.read_bytes() == before


def test_what_machines_had_for_themselves_is_theirs_in_a_state_of_version_3(tmp_path: Path) -> None:
    """No other may be made of it through another daemon, and a row that cannot be read is left as it is."""
    path = tmp_path / "state.db"
    state = Sqlite(path)
    state.open(0.0)
    state.commit([(PutRecord(Record("1", (CARD,), name="node-1")),)])
    state.close()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("INSERT INTO records VALUES ('2', 'no record')")
        file.execute("DROP TABLE claims")
        file.execute("DROP TABLE tokens")
        file.execute("UPDATE netbootd_schema SET version = 3")
    state.open(0.0)
    rivals = [Record("3", (OTHER_CARD,), name="NODE-1"), Record("4", (CARD,)), Record("5", (OTHER_CARD,))]
    assert state.commit([(PutRecord(each, firm=True),) for each in rivals]) == [False, False, True]
    assert state.history(10).unreadable == 1
    state.close()


def test_a_state_of_version_4_learns_to_keep_tokens(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = Sqlite(path)
    state.open(0.0)
    state.close()
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DROP TABLE tokens")
        file.execute("UPDATE netbootd_schema SET version = 4")
    state.open(0.0)
    grant = Grant("d" * 64, CARD, 1, 1.0, 2.0, 3.0, "{}")
    assert state.commit([(PutGrant(grant, 60.0),)]) == [True]
    assert (state.grants(0.0), state.grant("d" * 64), state.grant("e" * 64)) == ((grant,), grant, None)
    state.close()
