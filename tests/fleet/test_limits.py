"""Key by key: the machine's limits, else its profile's, else the usual ones of its payload."""

from __future__ import annotations

from netbootd.boot.model import LimitKeys
from netbootd.fleet.lifecycle import Limits
from netbootd.fleet.limits import limits_of
from tests.support.worlds import eve, linux, machine


def test_without_a_word_they_are_the_usual_ones_of_the_payload() -> None:
    """EVE's installer may switch the machine off and says nothing."""
    assert limits_of(None) == limits_of(linux()) == Limits()
    assert limits_of(eve()) == Limits(powers_off=True)


def test_a_profile_s_keys_go_over_them_and_a_machine_s_over_those() -> None:
    profile = eve(limits=LimitKeys(installing=60.0, quiet=5.0, powers_off=False))
    assert limits_of(profile) == Limits(1800.0, 60.0, 5.0, False)
    own = machine("edge", limits=LimitKeys(fetching=10.0, quiet=6.0))
    assert limits_of(profile, own) == Limits(10.0, 60.0, 6.0, False)
