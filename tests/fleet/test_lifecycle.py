"""May this machine have its payload now?  Installing wipes, so being listed is not being armed."""

from __future__ import annotations

import pytest

from netbootd.fleet.lifecycle import Stage, verdict
from tests.support.worlds import ALWAYS, ONCE, linux


@pytest.mark.parametrize("stage", [None, *Stage])
@pytest.mark.parametrize("auto", [False, True])
def test_a_profile_that_boots_always_is_always_given(stage: Stage | None, auto: bool) -> None:
    said = verdict(linux(boots=ALWAYS, auto=auto), stage)

    assert (said.netboot, said.waiting) == (True, False)


@pytest.mark.parametrize(
    ("stage", "auto", "netboot"),
    [
        (None, False, False),
        (None, True, True),
        (Stage.ARMED, False, True),
        (Stage.ARMED, True, True),
        (Stage.GIVEN, False, False),
        (Stage.GIVEN, True, False),
        (Stage.DISARMED, False, False),
        (Stage.DISARMED, True, False),
        (Stage.HELD, False, False),
        (Stage.HELD, True, False),
    ],
)
def test_a_profile_that_boots_once_is_given_to_who_is_armed(stage: Stage | None, auto: bool, netboot: bool) -> None:
    said = verdict(linux(boots=ONCE, auto=auto), stage)

    assert said.netboot is netboot
    assert said.waiting is not netboot
    assert said.why
