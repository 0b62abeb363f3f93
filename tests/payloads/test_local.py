"""The machine's own disk."""

from __future__ import annotations

import pytest

from netbootd.boot.facts import Facts
from netbootd.boot.plan import LocalMethod, LocalPlan
from netbootd.payloads import PAYLOADS, Order
from netbootd.payloads.local import PAYLOAD, Settings
from tests.support.worlds import SITE


def test_it_is_silence_on_the_wire_unless_said_otherwise() -> None:
    assert PAYLOAD.local(Settings()) is LocalMethod.SILENT


@pytest.mark.parametrize("method", LocalMethod)
def test_it_leaves_the_machine_as_its_profile_says(method: LocalMethod) -> None:
    assert PAYLOAD.local(Settings(method)) is method
    assert PAYLOAD.plan(Settings(method), Order(Facts(), SITE, ())) == LocalPlan(method, "its profile says so")


def test_no_other_payload_is_the_disk() -> None:
    others = [payload for payload in PAYLOADS.values() if payload is not PAYLOAD]

    assert {payload.local(None) for payload in others} == {None}
