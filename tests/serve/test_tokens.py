"""Who may fetch what was made for one machine, and for how long."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.plan import Document
from netbootd.fleet.changes import Entry
from netbootd.fleet.grants import Grant, PutGrant
from netbootd.fleet.lifecycle import Stage
from netbootd.observe.events import Change, Event, MachineChanged, ScriptServed
from netbootd.serve.recipe import Recipe, recipe_text
from netbootd.serve.tokens import LASTS, Caller, Granted, Tokens, Unmade, digest_of, label
from netbootd.wire.mac import Mac
from netbootd.wire.segments import Extent, Segments
from tests.support.worlds import CARD, OTHER_CARD

CONFIG = Document("config.img", Segments.of(b"config"))
INITRD = Document("initrd", Segments.of(b"initrd"))
CHANGED = MachineChanged(mac=str(CARD), change=Change.GIVEN)
TAIL = 60.0
TAKES = 3 * LASTS
ARMED = Entry(CARD, Stage.ARMED, 1.0, "a person", 3)
GIVEN = replace(ARMED, stage=Stage.GIVEN)


@dataclass
class Counter:
    """Tokens on a clock that is moved by hand, and what is known of machines."""

    now: float = 0.0
    records: dict[Mac, Entry] = field(default_factory=dict)
    most: int = 4096
    most_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        self.tokens = Tokens(
            self.records.get,
            takes=lambda _mac: TAKES,
            clock=lambda: self.now,
            most=self.most,
            most_bytes=self.most_bytes,
        )

    def grant(self, token: str, mac: Mac = CARD, *documents: Document, installs: bool = False) -> None:
        self.tokens.grant(token, mac, documents or (CONFIG,), installs=installs)

    def calls(self, token: str) -> bool:
        return self.tokens.caller(token) is not None

    def holds(self, token: str, name: str = "config.img") -> bool:
        return self.tokens.find(token, name) is not None


@pytest.fixture
def counter() -> Counter:
    return Counter()


def test_a_token_opens_its_own_documents_and_says_whose_they_are(counter: Counter) -> None:
    counter.grant("one", CARD, CONFIG, INITRD)
    counter.grant("two", OTHER_CARD, Document("config.img", Segments.of(b"other")))

    found = counter.tokens.find("one", "config.img")
    assert found is not None
    assert (found.mac, found.document) == (CARD, CONFIG)
    assert counter.holds("one", "initrd")
    assert not counter.holds("two", "initrd")


@pytest.mark.parametrize("token", ["", "TOKEN", "On", "one ", "one/", "\udcff", "é", label("one")])
def test_any_other_token_opens_nothing(counter: Counter, token: str) -> None:
    counter.grant("one")

    assert not counter.holds(token)


def test_it_ends_after_two_hours(counter: Counter) -> None:
    counter.grant("one")

    counter.now = LASTS - 1
    assert counter.holds("one")
    counter.now = LASTS
    assert not counter.holds("one")
    counter.grant("two", OTHER_CARD)
    assert counter.tokens.held == 1


def test_a_newer_script_ends_it_after_a_minute_of_retries(counter: Counter) -> None:
    counter.grant("one")
    counter.now = 10.0
    counter.grant("two")

    counter.now += TAIL - 1
    assert counter.holds("one")
    counter.now += 1
    assert not counter.holds("one")
    assert counter.holds("two")


def test_scripts_asked_for_again_and_again_do_not_keep_an_old_one(counter: Counter) -> None:
    counter.grant("one")
    counter.grant("two")
    counter.now = TAIL - 1
    counter.grant("three")
    counter.now = TAIL

    assert [counter.holds(each) for each in ("one", "two", "three")] == [False, True, True]


@pytest.mark.parametrize("record", [GIVEN, replace(ARMED, generation=4)])
def test_a_machine_whose_record_changed_keeps_it_for_the_tail_of_what_is_under_way(
    counter: Counter, record: Entry
) -> None:
    counter.records[CARD] = ARMED
    counter.grant("one")
    counter.grant("two", OTHER_CARD)
    counter.records[CARD] = record
    counter.tokens.observe(CHANGED)

    counter.now = TAIL - 1
    assert counter.holds("one")
    counter.now = TAIL
    assert not counter.holds("one")
    assert counter.holds("two")


def test_a_machine_that_counted_as_given_before_its_token_was_made_keeps_it(counter: Counter) -> None:
    """A payload that cannot be followed is given with its script, and the files come after that."""
    counter.records[CARD] = GIVEN
    counter.grant("one")
    counter.tokens.observe(CHANGED)
    counter.now = TAIL

    assert counter.holds("one")


def test_other_events_change_nothing(counter: Counter) -> None:
    counter.grant("one")
    counter.records[CARD] = ARMED
    events: list[Event] = [ScriptServed(mac=str(CARD), script="ipxe.cfg")]
    for event in events:
        counter.tokens.observe(event)
    counter.now = TAIL

    assert counter.holds("one")


def test_one_machine_holds_four_at_most(counter: Counter) -> None:
    for number in range(10):
        counter.grant(f"t{number}")
    counter.grant("other", OTHER_CARD)

    assert counter.tokens.held == 5
    assert [counter.holds(f"t{number}") for number in (0, 5, 6, 9)] == [False, False, True, True]


def test_on_a_network_where_anybody_makes_up_addresses_the_oldest_goes() -> None:
    counter = Counter(most=100)
    for number in range(1000):
        counter.grant(f"t{number}", Mac(number.to_bytes(6, "big")))

    assert counter.tokens.held == 100
    assert (counter.holds("t0"), counter.holds("t999")) == (False, True)


def test_an_installation_keeps_its_token_however_many_scripts_others_ask_for() -> None:
    counter = Counter(most=100, records={CARD: ARMED})
    counter.grant("install", CARD, installs=True)
    for number in range(1000):
        counter.grant(f"t{number}", Mac(number.to_bytes(6, "big")))

    assert counter.tokens.held == 100
    assert counter.holds("install")
    assert counter.calls("install")


def test_what_happens_to_one_machine_costs_no_look_at_the_records_of_all() -> None:
    asked: list[Mac] = []
    tokens = Tokens(asked.append)
    for number in range(100):
        tokens.grant(f"t{number}", Mac(number.to_bytes(6, "big")), (CONFIG,))
    asked.clear()
    tokens.observe(CHANGED)

    assert set(asked) <= {CARD}


def test_what_they_hold_in_memory_is_bounded_and_what_is_shared_costs_once() -> None:
    counter = Counter(most_bytes=300_000)
    for number in range(100):
        mine = Document("config.img", Segments.of(bytes([number]) * 10_000, Segments.zeros(50 << 20)))
        counter.grant(f"t{number}", Mac(number.to_bytes(6, "big")), mine)

    held = [number for number in range(100) if counter.holds(f"t{number}")]
    assert held == [97, 98, 99]  # with 64 KiB of zeros each
    counter.grant("iso", CARD, Document("initrd", Segments.of(Extent("eve/installer.iso", 0, 1 << 40))))
    assert counter.holds("t97")
    assert counter.holds("iso", "initrd")


def test_one_larger_than_the_bound_is_held_alone() -> None:
    counter = Counter(most_bytes=10)
    counter.grant("one", CARD, Document("config.img", Segments.of(bytes(20))))

    assert counter.holds("one")


def test_a_token_is_written_down_as_eight_digits_of_its_digest() -> None:
    token = secrets.token_urlsafe(24)

    assert label("TOKEN") == "f98103e9"
    assert len(label(token)) == 8
    assert label(token) not in token


def test_a_token_says_whose_it_is_while_it_lasts(counter: Counter) -> None:
    counter.tokens.grant("one", CARD, ())
    assert (counter.tokens.holder("one"), counter.tokens.holder("two")) == (CARD, None)
    counter.now = LASTS
    assert counter.tokens.holder("one") is None


class TestCalls:
    """An installer calls last, when its documents have long gone out."""

    def test_a_token_says_by_which_arming_its_machine_installs(self, counter: Counter) -> None:
        counter.records[CARD] = ARMED
        counter.grant("one", installs=True)

        assert counter.tokens.caller("one") == Caller(CARD, 3)
        assert counter.tokens.caller("two") is None

    def test_what_installs_nothing_makes_no_call_that_counts(self, counter: Counter) -> None:
        """A rescue system on a machine that is armed for something else."""
        counter.records[CARD] = ARMED
        counter.grant("one")

        assert counter.holds("one")
        assert not counter.calls("one")

    def test_they_count_as_long_as_an_installation_may_take(self, counter: Counter) -> None:
        counter.records[CARD] = ARMED
        counter.grant("one", installs=True)
        counter.records[CARD] = GIVEN
        counter.tokens.observe(CHANGED)

        counter.now = TAKES - 1
        assert (counter.holds("one"), counter.calls("one")) == (False, True)
        counter.now = TAKES
        assert not counter.calls("one")

    def test_the_documents_of_one_that_has_only_its_call_left_take_no_room(self, counter: Counter) -> None:
        counter.records[CARD] = ARMED
        counter.most_bytes = 10
        counter.grant("one", CARD, Document("config.img", Segments.of(bytes(20))), installs=True)
        counter.records[CARD] = GIVEN
        counter.tokens.observe(CHANGED)
        counter.now = TAIL
        counter.grant("two", OTHER_CARD, Document("config.img", Segments.of(bytes(10))))

        assert (counter.holds("one"), counter.holds("two")) == (False, True)
        assert counter.calls("one")

    def test_who_has_to_make_room_for_others_may_still_call(self) -> None:
        counter = Counter(most_bytes=30)
        counter.records[CARD] = ARMED
        counter.grant("one", CARD, Document("config.img", Segments.of(bytes(20))), installs=True)
        counter.grant("two", OTHER_CARD, Document("config.img", Segments.of(bytes(20))))

        assert (counter.holds("one"), counter.calls("one"), counter.holds("two")) == (False, True, True)

    def test_a_minute_after_it_was_taken_every_token_of_that_installation_is_useless(self, counter: Counter) -> None:
        counter.records[CARD] = counter.records[OTHER_CARD] = ARMED
        counter.grant("one", installs=True)
        counter.grant("two", installs=True)
        counter.grant("other", OTHER_CARD, installs=True)
        counter.tokens.called(Caller(CARD, 3))

        counter.now = TAIL - 1
        assert [counter.calls(token) for token in ("one", "two", "other")] == [True, True, True]
        counter.now = TAIL
        assert [counter.calls(token) for token in ("one", "two", "other")] == [False, False, True]
        assert [counter.holds(token) for token in ("one", "two", "other")] == [False, False, True]


RECIPE = Recipe(Facts(mac=CARD))
DAY = 86400.0 * 20000


class Lives:
    """Daemons one after the other, or beside each other, on one state; clocks are each daemon's own."""

    def __init__(self) -> None:
        self.wall = DAY
        self.kept: list[Grant] = []
        self.records: dict[Mac, Entry] = {CARD: ARMED}
        self.said: float | None = None

    def keep(self, change: PutGrant) -> None:
        assert change.tail == TAIL
        self.kept.append(change.grant)

    def record(self, mac: Mac) -> Entry | None:
        return self.records.get(mac)

    def daemon(self) -> Tokens:
        began = self.wall
        tokens = Tokens(
            self.record,
            takes=lambda _mac: TAKES,
            said=lambda _mac, _generation: self.said,
            keep=self.keep,
            clock=lambda: 7.0 + self.wall - began,
            wall=lambda: self.wall,
        )
        for grant in self.kept:
            tokens.recall(grant)
        return tokens


@pytest.fixture
def lives() -> Lives:
    return Lives()


class TestAfterARestart:
    def test_what_a_machine_installs_by_is_kept_as_its_digest_and_nothing_else_is(self, lives: Lives) -> None:
        tokens = lives.daemon()
        tokens.grant("one", CARD, (CONFIG,), installs=True, recipe=RECIPE)
        tokens.grant("two", CARD, (CONFIG,), recipe=RECIPE)
        (kept,) = lives.kept
        assert kept == Grant(digest_of("one"), CARD, 3, DAY, DAY + TAKES, DAY + TAKES, recipe_text(RECIPE))
        assert "config" not in repr(kept)

    def test_it_opens_what_has_to_be_made_anew_and_its_installer_may_call(self, lives: Lives) -> None:
        lives.daemon().grant("one", CARD, (CONFIG,), installs=True, recipe=RECIPE)
        lives.wall += 600.0
        again = lives.daemon()

        assert (again.holder("one"), again.caller("one")) == (CARD, Caller(CARD, 3))
        assert again.unmade("one") == Unmade(CARD, RECIPE)
        again.made("one", (CONFIG,))
        assert again.find("one", "config.img") == Granted(CARD, CONFIG)
        assert again.unmade("one") is None
        assert (again.holder("two"), again.caller("two"), again.unmade("two")) == (None, None, None)

    def test_it_ends_when_it_would_have_ended(self, lives: Lives) -> None:
        lives.daemon().grant("one", CARD, (CONFIG,), installs=True, recipe=RECIPE)
        lives.wall += TAKES - 1
        again = lives.daemon()
        assert again.caller("one")
        lives.wall += 1
        assert (again.caller("one"), again.holder("one")) == (None, None)
        assert lives.daemon().held == 0

    @pytest.mark.parametrize(
        ("record", "open"),
        [
            (ARMED, True),
            (replace(GIVEN, since=DAY + 99.0), True),  # the tail
            (replace(GIVEN, since=DAY + 39.0), False),
            (replace(ARMED, generation=4, since=DAY + 99.0), False),
            (replace(ARMED, generation=4, stage=Stage.DISARMED, since=DAY + 99.0), False),
            (replace(ARMED, generation=2), True),  # another daemon has armed it since, and here that is not known yet
            (None, True),
        ],
    )
    def test_its_documents_go_with_the_record_of_its_machine(
        self, lives: Lives, record: Entry | None, open: bool
    ) -> None:
        lives.daemon().grant("one", CARD, (CONFIG,), installs=True, recipe=RECIPE)
        lives.wall += 100.0
        lives.records = {CARD: record} if record else {}
        again = lives.daemon()
        assert (again.unmade("one") is not None) is open
        assert again.caller("one"), "whether a call counts is decided by who hears it"

    def test_what_is_learned_of_an_arming_later_does_not_end_it(self, lives: Lives) -> None:
        lives.daemon().grant("one", CARD, (CONFIG,), installs=True, recipe=RECIPE)
        lives.records = {CARD: replace(GIVEN, generation=2)}
        again = lives.daemon()
        lives.records = {CARD: ARMED}
        again.observe(CHANGED)
        lives.wall += TAIL
        assert again.holder("one") == CARD
        lives.records = {CARD: GIVEN}
        again.observe(CHANGED)
        lives.wall += TAIL
        assert again.holder("one") is None

    def test_one_that_was_called_with_is_over_a_minute_after_that(self, lives: Lives) -> None:
        lives.daemon().grant("one", CARD, (CONFIG,), installs=True, recipe=RECIPE)
        lives.said = lives.wall = DAY + 100.0
        again = lives.daemon()
        lives.wall += TAIL - 1
        assert again.caller("one")
        lives.wall += 1
        assert again.caller("one") is None

    def test_one_whose_recipe_cannot_be_read_can_call_all_the_same(self, lives: Lives) -> None:
        lives.kept = [Grant(digest_of("one"), CARD, 3, DAY, DAY + 9, DAY + 9, "no recipe")]
        again = lives.daemon()
        assert (again.caller("one"), again.unmade("one")) == (Caller(CARD, 3), None)

    def test_what_is_known_already_stays_as_it_is(self, lives: Lives) -> None:
        tokens = lives.daemon()
        tokens.grant("one", CARD, (CONFIG,), installs=True, recipe=RECIPE)
        tokens.recall(lives.kept[0])
        assert tokens.find("one", "config.img")


def test_documents_that_made_room_for_others_can_be_made_again() -> None:
    counter = Counter(most_bytes=30)
    for token, mac in (("one", CARD), ("two", OTHER_CARD)):
        counter.tokens.grant(token, mac, (Document("a", Segments.of(bytes(20))),), recipe=RECIPE)
    assert counter.tokens.unmade("one") == Unmade(CARD, RECIPE)
    counter.tokens.made("one", (CONFIG,))
    assert counter.holds("one")
    assert counter.tokens.unmade("two") is None
