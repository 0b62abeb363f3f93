"""The boots of a machine, out of a state that nobody serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from netbootd.fleet.peek import peek_boots
from netbootd.fleet.record import Attempt, PutAttempt, PutRecord, Record
from netbootd.fleet.state import StateError
from netbootd.fleet.store import Store
from netbootd.wire.mac import Mac

A, B = Mac.parse("52:54:00:00:00:01"), Mac.parse("52:54:00:00:00:02")


def a_boot(id: str, record: str, mac: Mac, at: float) -> PutAttempt:
    return PutAttempt(Attempt(id, record, mac, at, at))


async def test_those_of_a_record_and_those_of_a_card_on_none_the_latest_first(tmp_path: Path) -> None:
    state = f"sqlite:///{tmp_path}/state.db"
    store = Store(state, lambda _trouble: None)
    await store.open()
    boots = (a_boot("1", "r", A, 1.0), a_boot("2", "r", B, 2.0), a_boot("3", "", B, 3.0), a_boot("4", "", A, 4.0))
    assert await store.write(PutRecord(Record("r", (A,))), *boots)
    assert [each.id for each in peek_boots(state, "r", (A,))] == ["2", "1"]
    assert [each.id for each in peek_boots(state, "", (B,))] == ["3"]
    assert [each.id for each in peek_boots(state, "r", (A,), most=1)] == ["2"]
    await store.close()


def test_without_a_state_there_are_none(tmp_path: Path) -> None:
    assert peek_boots(f"sqlite:///{tmp_path}/state.db", "r", ()) == ()


def test_a_state_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("nonsense" * 100)
    with pytest.raises(StateError):
        peek_boots(f"sqlite:///{tmp_path}/state.db", "r", ())
