"""Records and boots as they are kept: what was written is read, and what a later netbootd adds does no harm."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netbootd.boot.args import ArgSetting, Layer
from netbootd.fleet.record import Approval, Asked, Attempt, Ending, Outcome, Reached, Record, Signal, Step, Transfer
from netbootd.fleet.record_json import BadRecord, attempt_text, read_attempt, read_record, record_text
from netbootd.fleet.records import Records
from netbootd.wire.mac import Mac

CARD = Mac.parse("52:54:00:12:34:56")
TEXT = st.text(max_size=8)
WORD = st.one_of(st.none(), TEXT)
TIME = st.floats(0, 4e9)
MACS = st.binary(min_size=1, max_size=16).map(Mac)
ARGS = st.builds(
    ArgSetting, TEXT, st.one_of(st.none(), st.lists(TEXT, max_size=2).map(tuple)), TEXT, st.just(Layer.MACHINE)
)
RECORDS = st.builds(
    Record,
    id=TEXT,
    macs=st.lists(MACS, max_size=3, unique=True).map(tuple),
    uuid=st.one_of(st.none(), st.uuids()),
    addresses=st.lists(TEXT, max_size=3).map(tuple),
    first_seen=st.one_of(st.none(), TIME),
    last_seen=st.one_of(st.none(), TIME),
    args=st.lists(ARGS, max_size=3).map(tuple),
    approved=st.one_of(st.none(), st.builds(Approval, TEXT, TIME)),
    ending=st.one_of(st.none(), st.builds(Ending, st.integers(), st.booleans(), TIME, st.sampled_from(Signal), TEXT)),
    origin=TEXT,
    **dict.fromkeys(
        ["serial", "asset", "manufacturer", "product", "arch", "platform", "ipxe", "name", "profile"], WORD
    ),
    soft_serial=WORD,
)
ASKED = st.builds(Asked, TEXT, st.integers(), TEXT, TEXT, TEXT, TEXT)
TRANSFERS = st.builds(Transfer, TEXT, st.integers(), st.integers(), TIME, st.integers(), st.integers(), st.integers())
STEPS = st.builds(
    Step,
    st.sampled_from(Reached),
    TIME,
    st.integers(0),
    TEXT,
    TIME,
    st.integers(1, 9),
    st.booleans(),
    TEXT,
    TEXT,
    st.none() | ASKED,
    st.none() | TRANSFERS,
)
ATTEMPTS = st.builds(
    Attempt,
    TEXT,
    TEXT,
    MACS,
    TIME,
    TIME,
    st.sampled_from(Outcome),
    st.lists(STEPS, max_size=3).map(tuple),
    st.integers(0, 9),
    TEXT,
    st.lists(TEXT, max_size=3).map(tuple),
    st.integers(0),
)


@given(RECORDS)
def test_a_record_that_was_written_is_read(record: Record) -> None:
    assert read_record(record_text(record)) == record


@given(ATTEMPTS)
def test_a_boot_that_was_written_is_read(attempt: Attempt) -> None:
    assert read_attempt(attempt_text(attempt)) == attempt


def test_every_field_is_kept() -> None:
    """A new field that nobody reads would be lost at the next start."""
    asked, moved = Asked("REQUEST", 67, "iPXE", "x86 BIOS", "192.0.2.1", "x"), Transfer("tftp", 9, 3, 1.0, 512, 4, 2)
    step = Step(Reached.FILE, 2.0, 3, "x", 4.0, 5, True, "x", "TIMED_OUT", asked, moved)
    attempt = Attempt("a", "r", CARD, 1.0, 4.0, Outcome.FAILED, (step,), 1, "edge", ("x",), 7, True)
    said = json.loads(attempt_text(attempt))
    assert set(said) == {field.name for field in fields(Attempt)}
    assert set(said["steps"][0]) == {field.name for field in fields(Step)}
    assert set(said["steps"][0]["asked"]) == {field.name for field in fields(Asked)}
    assert set(said["steps"][0]["transfer"]) == {field.name for field in fields(Transfer)}


def test_a_card_that_stands_there_twice_is_one() -> None:
    """No netbootd writes that; but a machine is found by its cards, and taken away once for each of them."""
    twice = read_record('{"id": "1", "macs": ["52:54:00:12:34:56", "52:54:00:12:34:56"]}')
    assert twice.macs == (CARD,)
    assert Records([twice], new_id=lambda: "new").forget("1")


def test_what_is_not_known_is_not_written() -> None:
    assert json.loads(record_text(Record("1", (CARD,)))) == {"id": "1", "macs": [str(CARD)], "origin": "seen"}


def test_a_boot_says_only_what_is_not_as_it_mostly_is() -> None:
    attempt = Attempt("a", "", CARD, 1.0, 2.0, steps=(Step(Reached.FIRMWARE, 1.0),))
    said = {"id": "a", "record": "", "mac": str(CARD), "started": 1.0, "last": 2.0}
    assert json.loads(attempt_text(attempt)) == said | {"steps": [{"stage": "FIRMWARE", "at": 1.0}]}


def test_a_boot_written_before_steps_had_a_file_is_read() -> None:
    step = '{"stage": "FILE", "at": 2.0, "bytes": 5, "detail": "x", "last": 2.0, "times": 1, "trouble": false}'
    boot = f'"id": "a", "record": "r", "mac": "{CARD}", "started": 1.0, "last": 2.0, "outcome": "RUNNING"'
    text = f'{{{boot}, "steps": [{step}]}}'
    assert read_attempt(text).steps == (Step(Reached.FILE, 2.0, 5, "x", 2.0),)


def test_what_a_later_netbootd_adds_is_left_out_and_what_it_does_not_write_has_its_default() -> None:
    assert read_record('{"id": "1", "colour": "red", "ending": null}') == Record("1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"id": 7}',
        '{"id": "1", "macs": "52:54:00:12:34:56"}',
        '{"id": "1", "macs": ["nonsense"]}',
        '{"id": "1", "macs": [""]}',
        '{"id": "1", "uuid": "nonsense"}',
        '{"id": "1", "last_seen": "yesterday"}',
        '{"id": "1", "last_seen": NaN}',
        '{"id": "1", "approved": {"by": "x"}}',
        '{"id": "1", "ending": {"generation": 1, "done": true, "at": 1, "signal": "MAGIC"}}',
        '{"id": "1", "ending": {"generation": true, "done": true, "at": 1, "signal": "TOLD"}}',
        '{"id": "1", "args": [7]}',
    ],
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(BadRecord):
        read_record(text)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT), lambda inner: st.lists(inner, max_size=3)
)


@given(
    st.dictionaries(st.sampled_from([field.name for field in (*fields(Record), *fields(Attempt))]), JSON, max_size=8)
)
def test_any_object_is_read_or_refused(said: dict[str, object]) -> None:
    for read in (read_record, read_attempt):
        with suppress(BadRecord):
            read(json.dumps(said))
