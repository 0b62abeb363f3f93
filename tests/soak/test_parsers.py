"""Every parser of bytes from the network, at length: nothing but its own error comes out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netbootd.boot.memory import Memory
from netbootd.wire import dhcp, pxe, tftp
from netbootd.wire.errors import WireError
from tests.support import captures
from tests.support.worlds import SITE, ask, linux, on_67, on_4011, world

pytestmark = pytest.mark.soak

LONG = settings(max_examples=50_000, deadline=None, suppress_health_check=list(HealthCheck))
REAL = [data for path in sorted(captures.CAPTURES.glob("*.pcap")) for data in captures.dhcp_payloads(path.name)]
DAMAGE = st.lists(st.tuples(st.integers(0, 599), st.integers(0, 255)), max_size=12)


def damaged(data: bytes, damage: list[tuple[int, int]]) -> bytes:
    changed = bytearray(data)
    for place, octet in damage:
        changed[place % len(changed)] = octet
    return bytes(changed)


@pytest.mark.parametrize(
    "parse",
    [dhcp.decode, tftp.decode, pxe.decode_vendor, pxe.decode_ipxe, pxe.boot_item, pxe.parse_user_class],
    ids=lambda parse: parse.__name__,
)
def test_arbitrary_octets(parse: Callable[[bytes], object]) -> None:
    @LONG
    @given(st.binary(max_size=700))
    def check(data: bytes) -> None:
        with suppress(WireError):
            parse(data)

    check()


def test_real_questions_damaged_are_answered_or_met_with_silence() -> None:
    rack = world(linux(), unknown="rescue")

    @LONG
    @given(st.sampled_from(REAL), DAMAGE, st.booleans())
    def check(data: bytes, damage: list[tuple[int, int]], first: bool) -> None:
        trace = ask(damaged(data, damage), rack, on_67() if first else on_4011(), Memory(), site=SITE)
        if trace.reply is not None:
            assert dhcp.decode(trace.reply).op == dhcp.Op.REPLY

    check()
