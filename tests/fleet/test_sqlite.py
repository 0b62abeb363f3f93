"""A state file: what it takes, what it refuses, and that a refused one is left as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from netbootd.fleet.changes import Entry, Known, Order
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.sqlite import Sqlite, peek_file
from netbootd.fleet.state import StateError
from netbootd.fleet.tables import VERSION
from netbootd.wire.mac import Mac
from tests.support.worlds import CARD, OTHER_CARD

ARMED = Entry(CARD, Stage.ARMED, 1700000000.25, "netbootd machines install")
GIVEN = Entry(OTHER_CARD, Stage.GIVEN, 1700000001.5, "rootfs.img went out")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def database(path: Path) -> Iterator[Sqlite]:
    opened = Sqlite(path)
    assert opened.open(0.0) == Known()
    yield opened
    opened.close()


def reopened(path: Path) -> Known:
    database = Sqlite(path)
    try:
        return database.open(0.0)
    finally:
        database.close()


def refusal(path: Path) -> str:
    with pytest.raises(StateError) as refused:
        reopened(path)
    return str(refused.value)


def test_it_says_whether_it_began_a_new_file(path: Path, database: Sqlite) -> None:
    assert database.created
    database.close()
    again = Sqlite(path)
    again.open(0.0)
    assert not again.created
    again.close()


def test_its_directory_is_made_but_not_the_ones_above(tmp_path: Path) -> None:
    """A directory above that is missing is a disk that is not mounted."""
    assert reopened(tmp_path / "netbootd" / "state.db") == Known()
    assert refusal(tmp_path / "mnt" / "netbootd" / "state.db") == "No such file or directory"


def test_two_daemons_do_not_share_a_file(path: Path, database: Sqlite) -> None:
    assert refusal(path) == "another netbootd is using it"
    database.commit([[Order(ARMED, (CARD,))]])
    database.close()
    assert reopened(path) == Known((ARMED,))


def test_an_arming_is_flushed_to_the_disk_by_its_commit(path: Path, database: Sqlite) -> None:
    """synchronous=FULL (2) in WAL mode; with NORMAL a power cut takes the last commits away."""
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    assert database._connection is not None
    assert database._connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


class TestRefused:
    """And left as it was, so that nothing stored is lost."""

    @pytest.fixture(autouse=True)
    def filled(self, path: Path, database: Sqlite) -> None:
        database.commit([[Order(GIVEN, tuple(Mac(n.to_bytes(6, "big")) for n in range(200)))]])
        database.close()

    def test_a_newer_version(self, path: Path) -> None:
        with sqlite3.connect(path) as other:
            other.execute("UPDATE netbootd_schema SET version = ?", (VERSION + 1,))
        other.close()
        before = path.read_bytes()
        assert refusal(path) == f"it was written by a newer netbootd (version {VERSION + 1}, this one knows {VERSION})"
        assert path.read_bytes() == before

    def test_a_file_that_is_something_else(self, path: Path) -> None:
        path.write_bytes(b"not a database at all" * 100)
        assert refusal(path) == "file is not a database"
        assert path.read_bytes() == b"not a database at all" * 100

    def test_somebody_elses_database(self, tmp_path: Path) -> None:
        theirs = tmp_path / "theirs.db"
        with sqlite3.connect(theirs) as other:
            other.execute("CREATE TABLE things (id INTEGER)")
        other.close()
        before = theirs.read_bytes()
        assert refusal(theirs) == "it is a database, but not netbootd's"
        assert theirs.read_bytes() == before

    @pytest.mark.parametrize("page", range(1, 5))
    def test_a_damaged_page(self, path: Path, page: int) -> None:
        whole = path.read_bytes()
        damaged = whole[: page * 4096] + b"\xa5" * 512 + whole[page * 4096 + 512 :]
        path.write_bytes(damaged)
        assert "malformed" in refusal(path) or "damaged" in refusal(path)
        assert path.read_bytes() == damaged

    @pytest.mark.parametrize(
        ("column", "value", "words"),
        [("stage", "exploded", "has the stage 'exploded'"), ("mac", "zz:zz", "'zz:zz' is not a hardware address")],
    )
    def test_a_record_that_makes_no_sense(self, path: Path, column: str, value: str, words: str) -> None:
        with sqlite3.connect(path) as other:
            other.execute(f"UPDATE machines SET {column} = ? WHERE mac = '00:00:00:00:00:05'", (value,))
        other.close()
        assert words in refusal(path)

    def test_a_file_that_may_not_be_written(self, path: Path) -> None:
        """Found at start, not at the first installation.  A directory in the place of the log does what permissions
        would, for root too."""
        (path.parent / "state.db-wal").mkdir()
        assert refusal(path) == "unable to open database file"
        (path.parent / "state.db-wal").rmdir()
        assert len(reopened(path).entries) == 200


def test_a_state_can_be_read_beside_the_daemon_that_holds_it(tmp_path: Path) -> None:
    """``render`` and ``explain`` run while the daemon does; they neither wait for its lock nor change anything."""
    path = tmp_path / "state.db"
    assert peek_file(path) == Known()
    assert not path.exists()
    database = Sqlite(path)
    database.open(1.0)
    entry = Entry(CARD, Stage.ARMED, 1.0, "a test")
    database.commit([[Order(entry, (CARD,))]])
    assert peek_file(path).entries == (entry,)
    database.close()
    assert peek_file(path).entries == (entry,)


def test_what_is_no_state_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StateError):
        peek_file(tmp_path / "state.db")


class TestTakenAway:
    """While it is open; on Linux whoever has a deleted file open goes on writing it without an error."""

    @pytest.fixture(autouse=True)
    def armed(self, path: Path, database: Sqlite) -> None:
        database.commit([[Order(ARMED, (CARD,))]])

    def trouble(self, database: Sqlite) -> str:
        with pytest.raises(StateError) as told:
            database.commit([[Order(GIVEN, (OTHER_CARD,))]])
        return str(told.value)

    def test_a_file_that_is_deleted(self, path: Path, database: Sqlite) -> None:
        path.unlink()
        assert "state.db was deleted or replaced under netbootd" in self.trouble(database)

    def test_its_log_alone_in_which_the_latest_commits_are(self, path: Path, database: Sqlite) -> None:
        path.with_name("state.db-wal").unlink()
        assert "state.db-wal was deleted or replaced" in self.trouble(database)

    def test_a_backup_in_its_place(self, path: Path, database: Sqlite) -> None:
        """What was installed since is armed in that."""
        backup = path.with_name("backup")
        backup.write_bytes(path.read_bytes())
        backup.rename(path)
        assert "state.db was deleted or replaced" in self.trouble(database)

    def test_one_that_is_put_back_is_written_on(self, path: Path, database: Sqlite) -> None:
        away = path.rename(path.with_name("away"))
        self.trouble(database)
        away.rename(path)
        assert database.commit([[Order(GIVEN, (OTHER_CARD,))]]) == [True]
        database.close()
        assert set(reopened(path).entries) == {ARMED, GIVEN}
