"""A state on a server: what it takes, what it refuses, and how daemons that share it hear of each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from netbootd.fleet.changes import NOTHING, Entry, Hand, Handing, Keeper, Known, Order, Unhand
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.postgresql import Postgresql, peek_server
from netbootd.fleet.state import StateError, parse_state
from netbootd.fleet.tables import VERSION
from netbootd.wire.mac import Mac
from tests.support.postgres import Server
from tests.support.worlds import CARD, OTHER_CARD

ARMED = Entry(CARD, Stage.ARMED, 1700000000.123456, "a person")
ARMING = (Order(ARMED, (CARD,)),)
HANDING = Handing(CARD, "192.0.2.77", "artifacts/eve/rootfs.img", begun=True)
Open = Callable[[], Postgresql]


@pytest.fixture
def url(postgres: Server) -> str:
    return postgres.database()


def made(url: str) -> Postgresql:
    parsed = parse_state(url)
    assert not isinstance(parsed, str)
    return Postgresql(parsed)  # type: ignore[arg-type]


def peeked(url: str) -> Known:
    return peek_server(parse_state(url))  # type: ignore[arg-type]


@pytest.fixture
def daemon(url: str) -> Iterator[Open]:
    """Opens one more on the database."""
    opened: list[Postgresql] = []

    def new() -> Postgresql:
        opened.append(made(url))
        opened[-1].open(0.0)
        return opened[-1]

    yield new
    for each in opened:
        each.close()


def refusal(url: str) -> str:
    database = made(url)
    with pytest.raises(StateError) as refused:
        database.open(0.0)
    database.close()
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_was_written_is_read_again(url: str) -> None:
    database = made(url)
    assert database.open(0.0) == NOTHING
    assert database.created
    assert database.commit([ARMING, (Hand(replace(HANDING, begun=False), (CARD,), 1),)]) == [True, True]
    database.close()
    again = made(url)
    assert again.open(0.0) == Known((ARMED,), (replace(HANDING, begun=False),))
    assert not again.created
    assert again.read([OTHER_CARD]) == NOTHING
    again.close()


def test_daemons_that_start_together_make_its_tables_once(url: str) -> None:
    databases = [made(url) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(lambda each: each.open(0.0), databases)) == [NOTHING] * 6
    assert sum(each.created for each in databases) == 1
    for each in databases:
        each.close()


def test_a_refused_call_leaves_the_others_of_its_commit(daemon: Open) -> None:
    one, other = daemon(), daemon()
    one.commit([ARMING])
    theirs = replace(ARMED, mac=OTHER_CARD)
    assert other.commit([ARMING, (Order(theirs, (OTHER_CARD,)),)]) == [False, True]
    assert set(one.read(None).entries) == {ARMED, theirs}


class TestHearing:
    def test_each_hears_what_the_other_changed_and_not_what_it_did_itself(self, daemon: Open) -> None:
        one, other = daemon(), daemon()
        one.commit([ARMING])
        assert other.heard() == frozenset({CARD})
        assert other.heard() == one.heard() == frozenset()

    def test_what_came_with_an_answer_is_heard_too(self, daemon: Open) -> None:
        one, other = daemon(), daemon()
        one.commit([ARMING])
        other.commit([()])
        assert other.heard() == frozenset({CARD})

    def test_what_was_refused_is_not_told(self, daemon: Open) -> None:
        one, other = daemon(), daemon()
        one.commit([ARMING])
        other.heard()
        one.commit([ARMING])
        assert other.heard() == frozenset()

    def test_more_than_fits_into_a_notification_is_anybody(self, daemon: Open) -> None:
        one, other = daemon(), daemon()
        macs = tuple(Mac(n.to_bytes(6, "big")) for n in range(1000))
        one.commit([(Order(ARMED, macs),)])
        assert other.heard() is None
        assert other.heard() == frozenset()
        assert len(other.read(macs).entries) == 1000

    @pytest.mark.parametrize("payload", ["", "hello", "[]", "7", '[1, "no card"]', '{"a": 1}'])
    def test_what_somebody_else_notifies_is_anybody_too(
        self, daemon: Open, postgres: Server, url: str, payload: str
    ) -> None:
        database = daemon()
        postgres.say(f"SELECT pg_notify('netbootd', '{payload}')", url=url)
        assert database.heard() is None

    def test_one_that_was_cut_off_may_have_missed_anything(self, daemon: Open, postgres: Server, url: str) -> None:
        one, other = daemon(), daemon()
        postgres.cut(url)
        for each in (one, other):
            with pytest.raises(StateError, match="terminating connection"):
                each.heard()
        assert one.commit([ARMING]) == [True]
        assert other.heard() is None
        assert other.read(None).entries == (ARMED,)


class TestBegun:
    """The last file is on its way from another daemon."""

    def test_it_is_theirs_as_long_as_they_run_and_nobodys_afterwards(self, daemon: Open) -> None:
        one, other = daemon(), daemon()
        one.commit([ARMING, (Hand(HANDING, (CARD,), 1),)])
        assert other.heard() == frozenset({CARD})
        assert other.read([CARD]).handings == (replace(HANDING, keeper=Keeper.ANOTHER),)
        assert one.read([CARD]).handings == (HANDING,)
        one.close()
        while (heard := other.heard()) == frozenset():  # the server has yet to see that it went
            pass
        assert heard == frozenset({CARD})
        assert other.read([CARD]).handings == (replace(HANDING, keeper=Keeper.NOBODY),)

    def test_one_that_was_cut_off_keeps_it_when_it_is_back(self, daemon: Open, postgres: Server, url: str) -> None:
        one, other = daemon(), daemon()
        one.commit([ARMING, (Hand(HANDING, (CARD,), 1),)])
        postgres.cut(url)
        for each in (one, other):
            with pytest.raises(StateError):
                each.heard()
        assert one.read(None).handings == (HANDING,)
        assert other.read(None).handings == (replace(HANDING, keeper=Keeper.ANOTHER),)

    def test_it_ends_with_an_order(self, daemon: Open) -> None:
        one, other = daemon(), daemon()
        one.commit([ARMING, (Hand(HANDING, (CARD,), 1),)])
        other.commit([(Order(replace(ARMED, stage=Stage.DISARMED, generation=2), (CARD,)), Unhand((CARD,)))])
        assert one.heard() == frozenset({CARD})
        assert one.read([CARD]).handings == ()


class TestRefused:
    def test_a_wrong_password(self, postgres: Server, url: str) -> None:
        postgres.say("DROP ROLE IF EXISTS guarded", "CREATE ROLE guarded LOGIN PASSWORD 'right'")
        assert "password authentication failed" in refusal(url.replace("netbootd@", "guarded:secret@"))

    def test_no_such_database(self, postgres: Server) -> None:
        assert 'database "nowhere" does not exist' in refusal(postgres.url("nowhere"))

    def test_no_such_user(self, postgres: Server) -> None:
        assert 'role "nobody" does not exist' in refusal(postgres.url(user="nobody:secret"))

    def test_no_server(self, postgres: Server, url: str) -> None:
        postgres.stop()
        assert "connection" in refusal(url)
        postgres.start()

    def test_a_user_who_may_not_make_tables(self, postgres: Server, url: str) -> None:
        postgres.say("DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN")
        assert "permission denied" in refusal(url.replace("netbootd@", "reader@"))

    def test_a_newer_version(self, postgres: Server, daemon: Open, url: str) -> None:
        database = daemon()
        postgres.say(f"UPDATE netbootd_schema SET version = {VERSION + 1}", url=url)
        newer = f"it was written by a newer netbootd (version {VERSION + 1}, this one knows {VERSION})"
        assert refusal(url) == newer
        with pytest.raises(StateError, match="another netbootd has brought it to another version"):
            database.commit([ARMING])
        with pytest.raises(StateError, match="newer netbootd"):
            database.commit([ARMING])
        assert postgres.say("SELECT * FROM machines", url=url) == []

    def test_somebody_elses_database(self, postgres: Server, url: str) -> None:
        postgres.say("CREATE TABLE things (id INTEGER)", url=url)
        assert refusal(url) == "it is a database, but not netbootd's"
        assert postgres.say("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", url=url) == [(1,)]

    def test_one_that_may_only_be_read(self, postgres: Server, url: str) -> None:
        """As on a standby."""
        name = url.partition("?")[0].rpartition("/")[2]
        postgres.say(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        assert "read-only transaction" in refusal(url)


class TestPeek:
    def test_it_can_be_read_beside_the_daemons(self, daemon: Open, url: str) -> None:
        daemon().commit([ARMING])
        assert peeked(url) == Known((ARMED,))

    def test_one_without_tables_holds_nothing_and_gets_none(self, postgres: Server, url: str) -> None:
        assert peeked(url) == NOTHING
        assert postgres.say("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", url=url) == [(0,)]

    def test_one_that_is_not_there_cannot_be_read(self, postgres: Server) -> None:
        with pytest.raises(StateError):
            peeked(postgres.url("nowhere"))


def test_one_that_hangs_in_a_transaction_holds_the_others_up_for_seconds_only(
    daemon: Open, postgres: Server, url: str
) -> None:
    """It is told so, and tries again; the server ends the one that hangs."""
    one, other = daemon(), daemon()
    assert one._connection is not None
    settings = {
        name: one._connection.exec_driver_sql(f"SHOW {name}").scalar()
        for name in ("lock_timeout", "idle_in_transaction_session_timeout", "synchronous_commit")
    }
    assert settings == {"lock_timeout": "3s", "idle_in_transaction_session_timeout": "10s", "synchronous_commit": "on"}
    one._connection.rollback()
    with one._connection.begin():
        one._connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")  # not before the other
        one._connection.exec_driver_sql("UPDATE netbootd_schema SET version = version")
        with pytest.raises(StateError, match="lock timeout"):
            other.commit([ARMING])
    assert other.commit([ARMING]) == [True]
