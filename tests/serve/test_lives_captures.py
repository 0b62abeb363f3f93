"""Packets of real firmware, through the shells to the timeline of one machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

import pytest

from netbootd.boot.site import Site
from netbootd.fleet.attempts import Attempts
from netbootd.fleet.behind import Behind
from netbootd.fleet.ledger import Ledger
from netbootd.fleet.record import Attempt, Reached
from netbootd.fleet.records import Records
from netbootd.net.udp import Datagram, UdpEndpoint
from netbootd.observe.events import ArtifactServed, Event, ScriptServed, TftpFinished
from netbootd.observe.hub import Hub
from netbootd.serve.directory import Directory
from netbootd.serve.lives import Lives
from netbootd.serve.proxydhcp import ProxyDhcp
from tests.support import captures
from tests.support.journal import Disk, SlowJournal
from tests.support.worlds import world

US, DHCP_SERVER = "10.99.0.2", "10.99.0.1"


class Segment:
    """netbootd on the wire of a capture, at the capture's own times; nobody's neighbour table knows anything."""

    def __init__(self) -> None:
        self.now = 0.0
        numbers, disk = count(1), Disk()
        ledger = Ledger(SlowJournal(disk, at_once=True), disk.known(), wall=lambda: self.now)
        self.records = Records(new_id=lambda: f"record-{next(numbers)}")
        self.attempts = Attempts(new_id=lambda: f"boot-{next(numbers)}", owner=self.records.owner)
        directory = Directory(lambda _mac: "", clock=lambda: self.now)
        self.hub = Hub(directory.who)
        self.hub.add(Lives(ledger, self.records, self.attempts, Behind(), self.hub, wall=self.clock))
        here = world()
        self.ports: dict[int, Callable[[Datagram], None]] = {}
        self.shell = ProxyDhcp(
            world=lambda: here,
            site=lambda _local: Site(US),
            interface=lambda _index: "lan1",
            emit=self.hub,
            clock=self.clock,
            met=directory.met,
        )
        for port in (67, 4011):
            self.shell.start(partial(self.wire, port), port)

    def clock(self) -> float:
        return self.now

    def wire(self, port: int, receive: Callable[[Datagram], None]) -> UdpEndpoint:
        self.ports[port] = receive
        return Wire()

    def hears(self, name: str) -> None:
        """What clients sent."""
        for seen in captures.read(name):
            if seen.dport in self.ports:
                self.now = seen.time
                source, everybody = (seen.src, seen.sport), seen.dst == "255.255.255.255"
                self.ports[seen.dport](Datagram(seen.payload, source, US, 2, broadcast=everybody))

    def happens(self, event: Event, later: float = 1.0) -> None:
        self.now += later
        self.hub(event)

    def boots(self) -> tuple[Attempt, ...]:
        (record,) = self.records.all()
        return self.attempts.of(record.id)


class Wire(UdpEndpoint):
    """Takes everything."""

    def __init__(self) -> None:
        pass

    def start(self, loop: object) -> None:
        pass

    def send(self, data: bytes, destination: tuple[str, int], *, local: str | None = None, ifindex: int = 0) -> bool:
        return True


@pytest.fixture
async def segment() -> Segment:
    return Segment()


Questions = list[tuple[str, int, str, str]]
FIRMWARE: Questions = [
    ("DISCOVER", 67, "", "snponly.efi"),
    ("REQUEST", 67, DHCP_SERVER, ""),
    ("REQUEST", 4011, "", "snponly.efi"),
]
IPXE: Questions = [("DISCOVER", 67, "", f"http://{US}:8080/ipxe.cfg"), ("REQUEST", 67, DHCP_SERVER, "")]


def asked(attempt: Attempt, stage: Reached) -> Questions:
    said = [step.asked for step in attempt.steps if step.stage is stage and step.asked]
    return [(each.message, each.port, each.server, each.offered) for each in said]


def given(name: str) -> str:
    """The address that the DHCP server gave."""
    theirs = (seen.payload[16:20] for seen in captures.read(name) if seen.src == DHCP_SERVER)
    return next(".".join(map(str, each)) for each in theirs if any(each))


@pytest.mark.parametrize("name", ["ovmf-pxe4.pcap", "ovmf-pxe4-misled.pcap"])
async def test_each_question_of_a_healthy_boot_is_a_step_of_one_trace(segment: Segment, name: str) -> None:
    segment.hears(name)
    (boot,) = segment.boots()
    assert [(message, port, offered) for message, port, _, offered in asked(boot, Reached.FIRMWARE)] == [
        (message, port, offered) for message, port, _, offered in FIRMWARE
    ]
    assert asked(boot, Reached.IPXE) == IPXE
    assert {step.asked.arch for step in boot.steps if step.asked} == {"x86-64 UEFI"}
    assert not any(step.trouble for step in boot.steps)


async def test_files_are_joined_by_the_address_that_was_asked_for_and_by_the_next_one(segment: Segment) -> None:
    """The firmware's address, then another that iPXE has; what is made for one machine comes with its card."""
    segment.hears("ovmf-pxe4.pcap")
    (boot,) = segment.boots()
    ip = given("ovmf-pxe4.pcap")
    fetched = TftpFinished(ip=ip, file="snponly.efi", size=9, seconds=0.5, blksize=1468, windowsize=1, retransmits=2)
    segment.happens(fetched)
    segment.happens(ScriptServed(mac=str(boot.mac), ip="10.99.0.77", script="ipxe.cfg", payload="linux", files=("k",)))
    for mac, address, file in (("", "10.99.0.77", "artifacts/k"), (str(boot.mac), "10.99.0.200", "node/x/config")):
        served = ArtifactServed(mac=mac, ip=address, file=file, status=200, size=9, sent=9, seconds=1, complete=True)
        segment.happens(served)
    segment.happens(ArtifactServed(ip="10.99.0.200", file="z", status=200, size=9, sent=9, seconds=1, complete=True))
    (boot,) = segment.boots()
    files = [(step.stage, step.file) for step in boot.steps if step.transfer]
    assert files == [
        (Reached.LOADER, "snponly.efi"),
        (Reached.FILE, "artifacts/k"),
        (Reached.FILE, "node/x/config"),
        (Reached.FILE, "z"),
    ]
    assert sum(step.transfer.retransmits for step in boot.steps if step.transfer) == 2


async def test_a_rom_that_takes_no_offer_shows_its_questions_and_nothing_after(segment: Segment) -> None:
    segment.hears("seabios-ipxe-rom.pcap")
    (boot,) = segment.boots()
    assert {step.stage for step in boot.steps} == {Reached.IPXE}
    assert {step.asked.client for step in boot.steps if step.asked} == {"iPXE 1.0.0 on x86 BIOS"}


@pytest.mark.parametrize("name", ["aavmf-arm64.pcap", "ovmf-http4.pcap"])
async def test_firmware_that_nobody_gives_an_address_asks_again_and_again_in_one_step(
    segment: Segment, name: str
) -> None:
    segment.hears(name)
    (boot,) = segment.boots()
    (step,) = boot.steps
    assert (step.stage, step.times) == (Reached.FIRMWARE, 4)
    assert step.asked
    assert step.asked.offered
    assert boot.last - boot.started > 10
