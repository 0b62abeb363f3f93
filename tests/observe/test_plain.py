"""Who asks for an address as an ordinary system does."""

from __future__ import annotations

from netbootd.boot.silence import Reason
from netbootd.observe.events import DhcpSilent
from netbootd.observe.plain import Plain, PlainAsks
from netbootd.wire.mac import Mac

CARD = Mac.parse("52:54:00:12:34:56")


def asks(reason: Reason = Reason.NOT_NETBOOT, mac: str = str(CARD), detail: str = "class 'MSFT 5.0'") -> DhcpSilent:
    return DhcpSilent(mac=mac, reason=reason.name, detail=detail)


def test_a_card_that_asks_plainly_is_counted() -> None:
    clock = iter([10.0, 20.0])
    plain = PlainAsks(lambda: next(clock))
    plain(asks())
    plain(asks(detail=""))
    assert plain.of(CARD) == Plain(10.0, 20.0, 2, "")


def test_one_that_netboots_or_has_no_card_is_not() -> None:
    plain = PlainAsks()
    plain(asks(Reason.LEASE_REQUEST))
    plain(asks(mac=""))
    assert plain.of(CARD) is None
