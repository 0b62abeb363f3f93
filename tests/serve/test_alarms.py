"""What stops a machine is told once, as soon as it is plain."""

from __future__ import annotations

import pytest

from netbootd.observe.diagnosis.model import Cause, Diagnosis
from netbootd.observe.events import DhcpAnswered, DhcpSilent, Event, MachineTrouble
from netbootd.serve import alarms
from netbootd.serve.alarms import Alarms
from netbootd.wire.mac import Mac

CARD, OTHER = "52:54:00:12:34:56", "52:54:00:12:34:57"


class House:
    """Machines, what is wrong with them, and a clock to turn."""

    def __init__(self) -> None:
        self.now = 0.0
        self.wrong: dict[str, Cause] = {}
        self.asked: list[str] = []
        self.events: list[Event] = []
        self.known: set[str] = set()
        self.alarms = Alarms(
            self._diagnosed, self._emit, known=lambda mac: str(mac) in self.known, clock=lambda: self.now
        )

    def _diagnosed(self, mac: Mac) -> tuple[Diagnosis, ...]:
        self.asked.append(str(mac))
        cause = self.wrong.get(str(mac))
        return (Diagnosis(cause, f"stops: {cause.value}", "do this", (), self.now),) if cause else ()

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        self.alarms(event)  # as the hub does

    def asks(self, mac: str = CARD) -> None:
        said = {"message": "DISCOVER", "answer": "OFFER", "file": "snponly.efi", "style": "", "port": 67}
        self.alarms(DhcpAnswered(mac=mac, machine="node-1", client="x86-64 UEFI PXE", **said))  # type: ignore[arg-type]

    def later(self, seconds: float = 5.0) -> list[Event]:
        """What a look tells after these."""
        self.now += seconds
        before = len(self.events)
        self.alarms.look()
        return self.events[before:]


@pytest.fixture
def house() -> House:
    return House()


def test_a_trouble_is_told_with_its_cause_and_what_to_do(house: House) -> None:
    house.asks()
    house.wrong[CARD] = Cause.TFTP_NEVER_ASKED
    assert house.later() == [
        MachineTrouble(
            mac=CARD,
            machine="node-1",
            cause="tftp_never_asked",
            reason="stops: its TFTP request never comes",
            advice="do this",
        )
    ]


def test_a_healthy_machine_is_told_nothing_of(house: House) -> None:
    house.asks()
    assert house.later() == []


def test_what_lasts_is_told_once(house: House) -> None:
    house.asks()
    house.wrong[CARD] = Cause.TFTP_NEVER_ASKED
    assert len(house.later()) == 1
    house.asks()
    assert [house.later() for _ in range(20)] == [[]] * 20


def test_another_cause_is_told_too(house: House) -> None:
    house.asks()
    house.wrong[CARD] = Cause.TFTP_NEVER_ASKED
    house.later()
    house.wrong[CARD] = Cause.BOOT_LOOP
    assert len(house.later()) == 1


def test_what_comes_back_is_told_again_but_not_within_a_minute(house: House) -> None:
    house.asks()
    for seconds, told in ((5.0, 1), (5.0, 0), (60.0, 1)):
        house.wrong[CARD] = Cause.LOADER_NOT_STARTED
        assert len(house.later(seconds)) == told
        house.wrong.clear()
        house.later(0.0)


def test_a_machine_that_nobody_hears_of_any_more_is_looked_at_no_longer(house: House) -> None:
    house.asks()
    house.later(1201.0)
    house.wrong[CARD] = Cause.TFTP_NEVER_ASKED
    assert house.later() == []


def test_what_the_doctor_plays_is_no_machine(house: House) -> None:
    house.asks("02:6e:62:00:00:01")
    house.later()
    assert house.asked == []


def test_who_only_wants_an_address_is_looked_at_if_it_was_before(house: House) -> None:
    """Every system of a network asks for one, now and then."""
    house.alarms(DhcpSilent(mac=OTHER, reason="NOT_NETBOOT"))
    house.later()
    assert house.asked == []
    house.asks()
    house.now = 1000.0
    house.alarms(DhcpSilent(mac=CARD, reason="NOT_NETBOOT"))
    house.later(1000.0)
    assert house.asked == [CARD]


def test_of_many_machines_each_has_its_turn(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "_AT_ONCE", 2)
    monkeypatch.setattr(alarms, "_ROOM", 3)
    for number in range(4):
        house.asks(f"52:54:00:00:00:0{number}")
    for _ in range(3):
        house.later()
    assert [each[-1] for each in house.asked] == ["1", "2", "3", "1", "2", "3"]


def test_a_flood_of_made_up_cards_hides_no_machine_that_somebody_knows(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "_ROOM", 3)
    house.known = {CARD, OTHER}
    house.asks(CARD)
    for number in range(20):
        house.asks(f"52:54:00:00:00:{number:02d}")
    house.asks(OTHER)
    house.later()
    assert len(house.asked) == 3
    assert {CARD, OTHER} < set(house.asked)


def test_where_all_are_known_a_stranger_is_not_looked_at(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "_ROOM", 1)
    house.known = {CARD}
    house.asks(CARD)
    house.asks(OTHER)
    house.later()
    assert house.asked == [CARD]
