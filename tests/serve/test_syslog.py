"""The lines of installers: whose they are, and how much of them is taken."""

from __future__ import annotations

import asyncio
import socket
from functools import partial

import pytest

from netbootd.net.udp import Datagram, UdpEndpoint, bind_udp
from netbootd.observe.events import DaemonNotice, Event, InstallerSaid
from netbootd.serve.syslog import BURST, RATE, SyslogServer
from netbootd.wire.mac import Mac

MAC = Mac.parse("52:54:00:12:34:56")
KNOWN = {"192.0.2.10": MAC, "192.0.2.11": Mac.parse("52:54:00:12:34:57")}


class House:
    def __init__(self) -> None:
        self.now = 1000.0
        self.events: list[Event] = []
        self.server = SyslogServer(KNOWN.get, self.events.append, lambda: self.now)

    def say(self, data: bytes, ip: str = "192.0.2.10", times: int = 1) -> None:
        for _ in range(times):
            self.server.receive(Datagram(data, (ip, 40000), "192.0.2.1", 1))

    @property
    def lines(self) -> list[InstallerSaid]:
        return [event for event in self.events if isinstance(event, InstallerSaid)]

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, DaemonNotice)]


@pytest.fixture
def house() -> House:
    return House()


def test_a_line_is_its_machines(house: House) -> None:
    house.say(b"<30>Nov 21 08:00:00 node-1 anna[812]: downloading libc6-udeb")
    (line,) = house.lines
    assert (line.mac, line.ip, line.text) == (str(MAC), "192.0.2.10", "downloading libc6-udeb")
    assert (line.severity, line.program) == ("informational", "anna")


def test_what_a_terminal_would_obey_is_not_passed_on(house: House) -> None:
    house.say(b"<30>x\x1b]0;title\x07y\r\nz")
    assert house.lines[0].text == "x?]0;title?y??z"


def test_a_line_of_a_stranger_is_counted_and_told_once(house: House) -> None:
    house.say(b"<30>hello", "192.0.2.99", times=50)
    assert (house.lines, house.server.left_out) == ([], 50)
    assert house.notices == ["left out of syslog: 1, the last of 192.0.2.99: of no known machine, empty or too many"]
    house.now += 60
    house.say(b"<30>hello", "192.0.2.99")
    assert house.notices[1].startswith("left out of syslog: 50,")


def test_one_that_talks_without_an_end_is_heard_at_its_rate_and_silences_nobody(house: House) -> None:
    house.say(b"<30>again", times=BURST + 1000)
    assert len(house.lines) == BURST
    house.say(b"<30>mine", "192.0.2.11")
    assert house.lines[-1].text == "mine"
    house.now += 2
    house.say(b"<30>again", times=1000)
    assert len(house.lines) == BURST + 1 + 2 * RATE


def test_an_empty_line_is_left_out(house: House) -> None:
    house.say(b"<30>")
    assert (house.lines, house.server.left_out) == ([], 1)


async def test_lines_come_by_udp() -> None:
    events: list[Event] = []
    loop = asyncio.get_running_loop()
    heard = asyncio.Event()

    def emit(event: Event) -> None:
        events.append(event)
        heard.set()

    sock = bind_udp("127.0.0.1", 0)
    server = SyslogServer(lambda _ip: MAC, emit, loop.time)
    server.start(partial(UdpEndpoint, sock))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"<6>ipxe: booting", sock.getsockname())
        await asyncio.wait_for(heard.wait(), 10)
    server.stop()
    assert isinstance(events[0], InstallerSaid)
    assert (events[0].ip, events[0].program, events[0].text) == ("127.0.0.1", "ipxe", "booting")
