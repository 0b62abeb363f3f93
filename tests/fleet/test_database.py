"""The state file: what it takes, what it refuses, and that a refused one is left as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from netbootd.fleet.database import VERSION, BadStateUrl, Database, StateError, peek, state_path
from netbootd.fleet.ledger import Change, Entry, Forgot, Hand, Handing, Known, Put, Unhand
from netbootd.fleet.lifecycle import Stage
from netbootd.wire.mac import Mac
from tests.support.worlds import CARD, OTHER_CARD

GUID = Mac(bytes(range(16)))
ARMED = Entry(CARD, Stage.ARMED, 1700000000.25, "netbootd machines install")
GIVEN = Entry(OTHER_CARD, Stage.GIVEN, 1700000001.5, "rootfs.img went out")
HANDING = Handing(CARD, "192.0.2.77", "artifacts/eve/rootfs.img")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(path)
    assert opened.open(0.0) == Known()
    yield opened
    opened.close()


def reopened(path: Path) -> Known:
    database = Database(path)
    try:
        return database.open(0.0)
    finally:
        database.close()


def refusal(path: Path) -> str:
    with pytest.raises(StateError) as refused:
        reopened(path)
    return str(refused.value)


LEFT = Entry(CARD, Stage.DISARMED, 2.0, "x")
BEGUN = Handing(CARD, HANDING.ip, "another", True)
ELSEWHERE = Handing(CARD, "2001:db8::7", HANDING.file)


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ([Put(ARMED, (CARD,)), Put(GIVEN, (OTHER_CARD,))], Known((ARMED, GIVEN))),
        ([Put(ARMED, (CARD,)), Put(LEFT, (CARD,))], Known((LEFT,))),
        ([Put(GIVEN, (OTHER_CARD, GUID)), Forgot((GUID,))], Known((GIVEN,))),
        ([Hand(HANDING), Hand(BEGUN)], Known((), (BEGUN,))),
        ([Hand(HANDING), Hand(ELSEWHERE), Unhand((CARD,), ELSEWHERE.ip)], Known((), (HANDING,))),
        ([Hand(HANDING), Hand(ELSEWHERE), Unhand((CARD, OTHER_CARD))], Known()),
    ],
    ids=["records", "a new record", "forgotten", "a new handing", "one handing over", "all handings over"],
)
def test_what_was_written_is_read_again(path: Path, database: Database, changes: list[Change], known: Known) -> None:
    database.commit(changes)
    database.close()
    assert reopened(path) == known


def test_a_commit_is_whole_or_not_at_all(path: Path, database: Database) -> None:
    with pytest.raises(StateError):
        database.commit([Put(ARMED, (CARD,)), Put(GIVEN, (GUID, GUID))])
    database.commit([Put(GIVEN, (OTHER_CARD,))])
    database.close()
    assert reopened(path) == Known((GIVEN,))


def test_it_says_whether_it_began_a_new_file(path: Path, database: Database) -> None:
    assert database.created
    database.close()
    again = Database(path)
    again.open(0.0)
    assert not again.created
    again.close()


def test_its_directory_is_made_but_not_the_ones_above(tmp_path: Path) -> None:
    """A directory above that is missing is a disk that is not mounted."""
    assert reopened(tmp_path / "netbootd" / "state.db") == Known()
    assert refusal(tmp_path / "mnt" / "netbootd" / "state.db") == "No such file or directory"


def test_two_daemons_do_not_share_a_file(path: Path, database: Database) -> None:
    assert refusal(path) == "another netbootd is using it"
    database.commit([Put(ARMED, (CARD,))])
    database.close()
    assert reopened(path) == Known((ARMED,))


def test_an_arming_is_flushed_to_the_disk_by_its_commit(path: Path, database: Database) -> None:
    """synchronous=FULL (2) in WAL mode; with NORMAL a power cut takes the last commits away."""
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    assert database._connection is not None
    assert database._connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


class TestRefused:
    """And left as it was, so that nothing stored is lost."""

    @pytest.fixture(autouse=True)
    def filled(self, path: Path, database: Database) -> None:
        database.commit([Put(GIVEN, tuple(Mac(n.to_bytes(6, "big")) for n in range(200)))])
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


class TestUrl:
    """``state`` in the settings."""

    def test_an_sqlite_url_names_a_file(self) -> None:
        assert state_path("sqlite:////var/lib/netbootd/state.db") == Path("/var/lib/netbootd/state.db")
        assert state_path("sqlite:///state.db") == Path("state.db")

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("postgresql://netbootd:secret@db/netbootd", "postgresql is not supported yet"),
            ("/var/lib/netbootd/state.db", "must be a database URL: sqlite:////"),
            ("postgresql//netbootd:secret@db/netbootd", "must be a database URL"),
            ("sqlite://", "must name a file"),
            ("sqlite:///:memory:", "must name a file"),
            ("sqlite:////state.db?mode=ro", "must name a file"),
        ],
    )
    def test_another_one_is_refused_with_what_to_write(self, url: str, words: str) -> None:
        with pytest.raises(BadStateUrl) as refused:
            state_path(url)
        assert words in str(refused.value)
        assert "secret" not in str(refused.value)


def test_a_state_can_be_read_beside_the_daemon_that_holds_it(tmp_path: Path) -> None:
    """``render`` and ``explain`` run while the daemon does; they neither wait for its lock nor change anything."""
    path = tmp_path / "state.db"
    assert peek(path) == Known()
    assert not path.exists()
    database = Database(path)
    database.open(1.0)
    entry = Entry(CARD, Stage.ARMED, 1.0, "a test")
    database.commit([Put(entry, (CARD,))])
    assert peek(path).entries == (entry,)
    database.close()
    assert peek(path).entries == (entry,)


def test_what_is_no_state_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StateError):
        peek(tmp_path / "state.db")
