"""What is said of the state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netbootd.fleet.snapshot import Snapshot
from netbootd.fleet.store import Trouble
from netbootd.observe.events import DaemonNotice
from netbootd.observe.state import new_state_notice, state_notice
from tests.support.worlds import ALWAYS, eve, linux


@pytest.fixture(params=[True, False], ids=["while running", "at start"])
def trouble(request: pytest.FixtureRequest) -> Trouble:
    return Trouble("/var/lib/netbootd/state.db", "database or disk is full", request.param, not request.param)


def test_trouble_with_the_state_says_what_follows_and_what_to_do(trouble: Trouble) -> None:
    notice = state_notice(trouble)
    assert notice.severity == "error"
    for words in ("/var/lib/netbootd/state.db", "disk is full", "boots once"):
        assert words in notice.text
    assert ("start netbootd again" in notice.text) is not trouble.opened


def test_a_new_state_warns_of_profiles_that_arm_by_themselves() -> None:
    fleet = Snapshot([eve("edge", auto=True), eve("by-hand"), linux("live", boots=ALWAYS, auto=True)])
    notice = new_state_notice("sqlite:////s.db", fleet)
    assert notice
    assert notice.severity == "warning"
    assert "machines of edge install at their next boot" in notice.text
    assert new_state_notice("sqlite:////s.db", Snapshot([eve("by-hand")])) is None


def test_the_end_of_it_is_good_news(trouble: Trouble) -> None:
    notice = state_notice(replace(trouble, reason=""))
    assert notice == DaemonNotice(text="state /var/lib/netbootd/state.db can be written again")
