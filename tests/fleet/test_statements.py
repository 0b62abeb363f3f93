"""What a change does to the tables, and by what it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, event

from netbootd.fleet.changes import Change, Entry, Forgot, Hand, Handing, Keeper, Known, Order, Put, Undo, Unhand
from netbootd.fleet.lifecycle import Stage
from netbootd.fleet.migrations import migrate
from netbootd.fleet.statements import begun_by_others, read, run
from netbootd.wire.mac import Mac
from tests.support.journal import Disk
from tests.support.worlds import CARD, OTHER_CARD

US, OTHERS, GONE = 1, 2, 3
IP, FILE = "192.0.2.77", "artifacts/eve/rootfs.img"
ARMED = Entry(CARD, Stage.ARMED, 1.0, "a person", 1)
GIVEN = replace(ARMED, stage=Stage.GIVEN, since=2.0)
AGAIN = Entry(CARD, Stage.ARMED, 3.0, "another person", 2)
LEFT = replace(AGAIN, stage=Stage.DISARMED)
HANDING = Handing(CARD, IP, FILE)
BEGUN = replace(HANDING, begun=True)
ONE = (CARD,)


def tables() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda dbapi, _: setattr(dbapi, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with engine.connect() as connection:
        migrate(connection, 0)
        yield connection
    engine.dispose()


@pytest.fixture
def connection() -> Iterator[Connection]:
    yield from tables()


def known(connection: Connection, owner: int = US) -> Known:
    return read(connection, None, owner, {US, OTHERS})


def test_what_was_written_is_read_again(connection: Connection) -> None:
    assert run(connection, [Order(ARMED, (CARD, OTHER_CARD)), Hand(HANDING, ONE, 1)], US)
    assert known(connection) == Known((ARMED, replace(ARMED, mac=OTHER_CARD)), (HANDING,))
    assert read(connection, [OTHER_CARD], US, ()) == Known((replace(ARMED, mac=OTHER_CARD),))


def test_of_one_call_all_is_written_or_nothing(connection: Connection) -> None:
    assert not run(connection, [Order(ARMED, ONE), Hand(HANDING, ONE, 2)], US)
    assert known(connection) == Known()


class TestOrder:
    def test_the_second_order_of_a_generation_is_refused(self, connection: Connection) -> None:
        assert run(connection, [Order(ARMED, ONE)], US)
        assert not run(connection, [Order(replace(ARMED, by="somebody else"), ONE)], OTHERS)
        assert known(connection).entries == (ARMED,)

    def test_the_next_one_takes_its_place(self, connection: Connection) -> None:
        assert run(connection, [Order(ARMED, ONE)], US)
        assert run(connection, [Order(LEFT, ONE)], OTHERS)
        assert known(connection).entries == (LEFT,)

    def test_what_is_armed_cannot_be_armed_for_a_second_time(self, connection: Connection) -> None:
        """By a daemon that does not know of it yet: the machine may hold its script, and would install twice."""
        assert run(connection, [Order(ARMED, (CARD, OTHER_CARD))], US)
        assert not run(connection, [Order(AGAIN, (CARD, OTHER_CARD)), Unhand(ONE)], OTHERS)
        assert run(connection, [Order(replace(LEFT, mac=OTHER_CARD), (OTHER_CARD,))], OTHERS)
        assert run(connection, [Order(replace(AGAIN, generation=3), (CARD, OTHER_CARD))], OTHERS)

    def test_to_arm_gives_way_to_what_was_ordered_since(self, connection: Connection) -> None:
        """It waited behind another of its daemon's, and so has a generation that the other order does not have yet."""
        assert run(connection, [Order(LEFT, ONE)], OTHERS)
        assert not run(connection, [Order(replace(AGAIN, generation=3, since=LEFT.since - 1.0), ONE)], US)
        assert run(connection, [Order(replace(AGAIN, generation=3), ONE)], US)

    def test_one_that_comes_late_gives_way_to_what_was_ordered_since(self, connection: Connection) -> None:
        assert run(connection, [Order(ARMED, ONE)], US)
        earlier = Entry(CARD, Stage.DISARMED, 0.5, "a person", 2)
        assert not run(connection, [Order(earlier, ONE, late=True)], OTHERS)
        assert run(connection, [Order(replace(earlier, since=1.5), ONE, late=True)], OTHERS)

    def test_what_failed_and_was_written_all_the_same_is_undone(self, connection: Connection) -> None:
        """Under a generation of its own: nobody else may go on with the one that failed."""
        before = replace(GIVEN, generation=1)
        assert run(connection, [Order(before, ONE)], US)
        assert run(connection, [Order(AGAIN, ONE)], US)
        assert run(connection, [Undo(AGAIN, before, ONE)], US)
        assert known(connection).entries == (replace(before, generation=3),)
        assert not run(connection, [Hand(HANDING, ONE, 2)], OTHERS)

    def test_what_failed_and_was_acted_upon_all_the_same_stands(self, connection: Connection) -> None:
        """Else the machine would install, and nobody would know of it."""
        assert run(connection, [Order(ARMED, ONE)], US)
        assert run(connection, [Hand(HANDING, ONE, 1)], OTHERS)
        assert run(connection, [Undo(ARMED, None, ONE)], US)
        assert known(connection) == Known((ARMED,), (HANDING,))

    def test_what_failed_and_was_not_written_is_left_as_it_is(self, connection: Connection) -> None:
        theirs = replace(AGAIN, by="a third")
        assert run(connection, [Order(theirs, ONE)], OTHERS)
        assert run(connection, [Undo(AGAIN, None, ONE)], US)
        assert known(connection).entries == (theirs,)

    def test_a_first_record_that_failed_is_no_record(self, connection: Connection) -> None:
        assert run(connection, [Order(ARMED, ONE)], US)
        assert run(connection, [Undo(ARMED, None, ONE)], US)
        assert known(connection) == Known()

    def test_a_record_can_be_forgotten(self, connection: Connection) -> None:
        assert run(connection, [Order(ARMED, (CARD, OTHER_CARD)), Forgot((OTHER_CARD,))], US)
        assert known(connection).entries == (ARMED,)


class TestProgress:
    """What uses up an arming: only that one, and only once."""

    @pytest.fixture(autouse=True)
    def armed(self, connection: Connection) -> None:
        assert run(connection, [Order(ARMED, ONE)], US)

    def test_a_machine_is_given_its_payload_once(self, connection: Connection) -> None:
        assert run(connection, [Put(GIVEN, ONE), Unhand(ONE)], US)
        assert not run(connection, [Put(replace(GIVEN, by="by the other"), ONE)], OTHERS)
        assert known(connection).entries == (GIVEN,)

    @pytest.mark.parametrize("change", [Put(GIVEN, ONE), Hand(HANDING, ONE, 1), Hand(BEGUN, ONE, 1)])
    @pytest.mark.parametrize(
        "meanwhile",
        [
            [Order(LEFT, ONE), Order(replace(AGAIN, generation=3), ONE)],
            [Put(GIVEN, ONE)],
            [Order(LEFT, ONE)],
            [Forgot(ONE)],
        ],
        ids=["armed anew", "given", "disarmed", "forgotten"],
    )
    def test_it_stands_on_its_own_arming(self, connection: Connection, change: Change, meanwhile: list[Change]) -> None:
        assert run(connection, meanwhile, OTHERS)
        before = known(connection)
        assert not run(connection, [change], US)
        assert known(connection) == before

    def test_one_card_that_was_given_its_payload_speaks_for_the_machine(self, connection: Connection) -> None:
        """Where a daemon with other settings knew that card alone."""
        assert run(connection, [Order(replace(GIVEN, mac=OTHER_CARD), (OTHER_CARD,))], OTHERS)
        assert not run(connection, [Hand(HANDING, (CARD, OTHER_CARD), 1)], US)

    def test_a_card_that_has_no_record_yet_gets_one(self, connection: Connection) -> None:
        assert run(connection, [Put(ARMED, (CARD, OTHER_CARD))], US)
        assert {entry.mac for entry in known(connection).entries} == {CARD, OTHER_CARD}


class TestBegun:
    """The last file is on its way, from one daemon alone."""

    @pytest.fixture(autouse=True)
    def begun(self, connection: Connection) -> None:
        assert run(connection, [Order(ARMED, ONE), Hand(BEGUN, ONE, 1)], OTHERS)

    def test_no_other_daemon_hands_out_or_sends_anything(self, connection: Connection) -> None:
        for handing in (HANDING, BEGUN, replace(HANDING, ip="192.0.2.78")):
            assert not run(connection, [Hand(handing, ONE, 1)], US)

    def test_whoever_has_begun_may_begin_anew(self, connection: Connection) -> None:
        assert run(connection, [Hand(HANDING, ONE, 1)], OTHERS)
        assert run(connection, [Hand(BEGUN, ONE, 1)], US)

    def test_nobody_else_may_say_that_it_is_over(self, connection: Connection) -> None:
        assert run(connection, [Unhand(ONE, IP)], US)
        assert known(connection).handings
        assert run(connection, [Unhand(ONE, IP)], OTHERS)
        assert not known(connection).handings

    def test_an_order_ends_it(self, connection: Connection) -> None:
        assert run(connection, [Order(LEFT, ONE), Unhand(ONE)], US)
        assert known(connection) == Known((LEFT,))

    def test_it_is_known_who_keeps_it(self, connection: Connection) -> None:
        assert known(connection, OTHERS).handings == (BEGUN,)
        assert known(connection).handings == (replace(BEGUN, keeper=Keeper.ANOTHER),)
        assert read(connection, None, US, {US}).handings == (replace(BEGUN, keeper=Keeper.NOBODY),)
        assert begun_by_others(connection, US) == {CARD: OTHERS}
        assert begun_by_others(connection, OTHERS) == {}


MACS = tuple(Mac(bytes([2, 0, 0, 0, 0, n])) for n in range(3))
some_macs = st.sampled_from([MACS[:1], MACS[1:2], MACS[:2], MACS])
entries = st.builds(
    Entry,
    st.just(MACS[0]),
    st.sampled_from([Stage.ARMED, Stage.ARMED, Stage.GIVEN, Stage.DISARMED]),
    st.sampled_from([1.0, 2.0]),
    st.sampled_from(["x", "y"]),
    st.integers(1, 4),
)
handings = st.builds(
    Handing, st.sampled_from(MACS), st.sampled_from(["192.0.2.1", "192.0.2.2"]), st.just("f"), st.booleans()
)
changes = st.one_of(
    st.builds(Order, entries, some_macs, st.booleans()),
    st.builds(Put, entries, some_macs),
    st.builds(Undo, entries, st.none() | entries, some_macs),
    st.builds(Forgot, some_macs),
    st.builds(Hand, handings, some_macs, st.integers(1, 4)),
    st.builds(Unhand, some_macs, st.sampled_from([None, "192.0.2.1"])),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(changes, min_size=1, max_size=2).map(tuple), st.sampled_from([US, OTHERS])), max_size=12
    )
)
def test_the_disk_of_other_tests_does_the_same(calls: list[tuple[tuple[Change, ...], int]]) -> None:
    """What they prove of it holds for the real one."""
    disk = Disk()
    disk.running = {US, OTHERS}
    for connection in tables():
        for call, owner in calls:
            assert run(connection, call, owner) is disk.run(call, owner)
        real, model = known(connection), disk.known(US)
        assert set(real.entries) == set(model.entries)
        assert set(real.handings) == set(model.handings)
