"""What is told of a machine, from what the daemon remembers of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from uuid import UUID

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.boot.site import Site
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.behind import Behind
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.lifecycle import Limits
from netbootd.fleet.records import Records
from netbootd.fleet.snapshot import Assignment
from netbootd.net.interfaces import Address, Interface
from netbootd.observe.diagnosis.model import Cause
from netbootd.observe.events import DhcpAnswered, DhcpSilent, Event, ScriptServed, ServerHeard, TftpFinished
from netbootd.observe.running import Running
from netbootd.serve.diagnosing import Around, Diagnosing, around
from netbootd.serve.lives import Lives
from netbootd.wire.mac import Mac
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import FIRMWARE, linux

CARD, OTHER = Mac.parse("52:54:00:12:34:56"), Mac.parse("52:54:00:12:34:57")
LAPTOP = Facts(mac=CARD, uuid=UUID(int=7 << 64), serial="CZ1234")
DESKTOP = Facts(mac=CARD, uuid=UUID(int=9 << 64), serial="CZ9876")


class House:
    """What the daemon keeps, with a clock to turn."""

    def __init__(self) -> None:
        ids = count(1)
        self.now = 1_700_000_000.0
        self.said = Facts(mac=CARD)
        self.around = Around(("10.99.0.2",), "http://10.99.0.2:8080")
        self.records = Records(new_id=lambda: f"r{next(ids)}")
        self.attempts = Attempts(new_id=lambda: f"a{next(ids)}", owner=self.records.owner)
        ledger = Ledger(SlowJournal(Disk()))
        self.lives = Lives(
            ledger,
            self.records,
            self.attempts,
            Behind(),
            lambda _: None,
            known=self.known,
            wall=lambda: self.now,
        )
        self.diagnosing = Diagnosing(
            self.records,
            self.lives,
            Running(),
            known=self.known,
            assigned=lambda mac: Assignment(Machine((mac,), "one"), linux(), why="named", args=()),
            limits=lambda _mac: Limits(),
            firmware=lambda: FIRMWARE,
            around=lambda: self.around,
            wall=lambda: self.now,
        )

    def known(self, mac: Mac) -> Facts:
        return self.said if self.said.mac == mac else Facts(mac=mac)

    def say(self, *events: Event) -> None:
        for event in events:
            self.lives(event)
            self.diagnosing(event)

    def causes(self, mac: Mac = CARD) -> list[Cause]:
        return [each.cause for each in self.diagnosing.of(mac)]


def discover(file: str = "snponly.efi") -> DhcpAnswered:
    return DhcpAnswered(
        mac=str(CARD), message="DISCOVER", answer="OFFER", client="x86-64 UEFI PXE", file=file, style="", port=67
    )


def lease() -> DhcpSilent:
    return DhcpSilent(mac=str(CARD), reason="LEASE_REQUEST", message="REQUEST", client="x86 PXE", server="10.99.0.1")


def whole() -> Event:
    return TftpFinished(
        mac=str(CARD), file="snponly.efi", size=9, seconds=0.1, blksize=1428, windowsize=4, retransmits=0
    )


def test_of_a_machine_nobody_saw_there_is_nothing_to_say() -> None:
    assert House().causes() == []


def test_the_latest_boot_is_told_of_with_who_else_was_heard_and_what_to_paste() -> None:
    house = House()
    house.say(discover(), ServerHeard(mac=str(CARD), server="10.99.0.9", kind="proxy", pxe=True), lease())
    house.now += 31.0
    (found,) = house.diagnosing.of(CARD)
    assert found.cause is Cause.OTHER_PROXY
    assert "10.99.0.9" in found.sentence
    assert [each.ip for each in house.diagnosing.servers.all()] == ["10.99.0.9"]
    assert house.causes(OTHER) == []


def test_each_boot_has_its_own() -> None:
    house = House()
    house.say(discover(), lease())
    house.now += 400.0
    house.say(discover())
    now, before = house.attempts.of(house.records.owner(CARD))
    assert house.causes() == []
    assert [each.cause for each in house.diagnosing.of_boot(CARD, before)] == [Cause.OFFER_IGNORED]
    assert house.diagnosing.of_boot(CARD, now) == ()


def test_a_card_that_goes_from_machine_to_machine_is_no_trouble() -> None:
    house = House()
    for house.said in (LAPTOP, DESKTOP):
        house.say(ScriptServed(mac=str(CARD), script="ipxe.cfg", payload="menu"))
        house.now += 3600.0
    house.now -= 3590.0
    assert house.causes() == []


def test_two_machines_with_one_card_at_one_time_are() -> None:
    house = House()
    house.say(discover())
    for house.said in (DESKTOP, LAPTOP, DESKTOP):
        house.now += 5.0
        house.say(ScriptServed(mac=str(CARD), script="ipxe.cfg", payload="menu"))
    assert house.causes() == [Cause.SHARED_IDENTITY]
    (told,) = house.diagnosing.of(CARD)
    assert any(f"({record.id})" in told.sentence for record in house.records.all())  # by which it can be forgotten


def test_a_machine_whose_firmware_boots_by_one_card_and_its_ipxe_by_another_is_well() -> None:
    """Its first card is nobody's yet, and told the DHCP servers the uuid of the board (option 97)."""
    house = House()
    uuid = UUID(int=7 << 64)
    first = replace(discover(), uuid=str(uuid))
    house.say(first, lease(), whole())
    house.now += 20.0
    house.said = Facts(mac=OTHER, uuid=uuid, serial="CZ1234")
    house.say(
        replace(first, mac=str(OTHER), client="iPXE on x86-64 UEFI"),
        ScriptServed(mac=str(OTHER), script="machines/52-54-00-12-34-57/ipxe.cfg", payload="menu"),
    )
    house.now += 3600.0
    assert house.causes(CARD) == house.causes(OTHER) == []
    (boot,) = house.attempts.of(house.records.owner(CARD))
    assert house.diagnosing.of_boot(CARD, boot) == ()
    house.say(first, lease())
    house.now += 60.0
    assert house.causes(CARD) == house.causes(OTHER) == [Cause.OFFER_IGNORED], "and when it is stuck, it is"


def test_a_daemon_that_has_the_same_fleet_is_no_other_boot_server() -> None:
    """It is known by the script that it offers to iPXE."""
    house = House()
    script = ServerHeard(server="10.99.0.66", kind="proxy", file="http://10.99.0.66:8080/ipxe.cfg", pxe=True)
    house.say(script, discover(), ServerHeard(mac=str(CARD), server="10.99.0.66", kind="proxy", pxe=True), lease())
    house.now += 31.0
    assert house.causes() == [Cause.OTHER_PROXY]
    house.around = replace(house.around, shared=True)
    assert house.causes() == [Cause.OFFER_IGNORED]
    house.say(replace(lease(), reason="OTHER_SERVER", port=4011, server="10.99.0.66"))
    house.now += 31.0
    assert house.causes() == [Cause.OFFER_IGNORED]


def test_our_addresses_are_those_of_what_is_served_the_one_machines_come_back_to_first() -> None:
    served = (Interface("lan1", 2, (Address("10.99.0.2", 24),)), Interface("lan2", 3, (Address("10.99.2.2", 24),)))
    assert around(served, Site) == Around(("10.99.0.2", "10.99.2.2"), "http://10.99.0.2:8080")
    assert around(served[:1], lambda _ip: Site("192.0.2.1")).own == ("192.0.2.1", "10.99.0.2")
    assert around((), Site) == Around()
