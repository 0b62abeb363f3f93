"""The ProxyDHCP shell: which datagrams reach the chain, what is sent where, and what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from netbootd.boot.site import Site
from netbootd.net.udp import Datagram, UdpEndpoint
from netbootd.observe.events import DaemonNotice, DhcpAnswered, DhcpSilent, Event
from netbootd.serve.proxydhcp import ProxyDhcp
from netbootd.wire import options
from netbootd.wire.dhcp import MessageType, decode, encode
from netbootd.wire.mac import Mac
from tests.support.worlds import CARD, CLIENT_ADDRESS, SERVER, linux, question, settled

CLIENT = "192.0.2.77"
EVERYBODY = "255.255.255.255"


@dataclass
class Wire(UdpEndpoint):
    """Stands where the socket is: takes what is sent, hands over what arrives."""

    receive: Callable[[Datagram], None]
    takes: bool = True
    sent: list[tuple[bytes, tuple[str, int], str | None, int]] = field(default_factory=list)
    open: bool = False

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self.open = True

    def close(self) -> None:
        self.open = False

    def send(self, data: bytes, destination: tuple[str, int], *, local: str | None = None, ifindex: int = 0) -> bool:
        self.sent.append((data, destination, local, ifindex))
        return self.takes


@dataclass
class Shell:
    """A ProxyDHCP shell on two wires; interface 2 is served, and has `SERVER`."""

    site: Callable[[str], Site] = Site
    events: list[Event] = field(default_factory=list)
    met: list[tuple[str, Mac]] = field(default_factory=list)
    wires: dict[int, Wire] = field(default_factory=dict)

    def __post_init__(self) -> None:
        world = settled(linux())
        self.dhcp = ProxyDhcp(
            world=lambda: world,
            site=self.site,
            interface={2: "lan1"}.get,
            owns=lambda index, address: (index, address) == (2, SERVER),
            emit=self.events.append,
            clock=lambda: 0.0,
            met=lambda ip, mac: self.met.append((ip, mac)),
        )

    def listen(self, port: int) -> Wire:
        def made(receive: Callable[[Datagram], None]) -> UdpEndpoint:
            self.wires[port] = Wire(receive)
            return self.wires[port]

        self.dhcp.start(made, port)
        return self.wires[port]


@pytest.fixture
async def shell() -> Shell:
    found = Shell()
    found.listen(67)
    found.listen(4011)
    return found


def broadcast(data: bytes, ifindex: int = 2, local: str = SERVER) -> Datagram:
    return Datagram(data, ("0.0.0.0", 68), local, ifindex, broadcast=True)


def unicast(data: bytes, source: tuple[str, int] = (CLIENT, 4011), ifindex: int = 2) -> Datagram:
    return Datagram(data, source, SERVER, ifindex)


REQUEST = encode(question(MessageType.REQUEST, ciaddr=CLIENT_ADDRESS))


async def test_a_discover_is_answered_by_broadcast_on_its_own_interface(shell: Shell) -> None:
    shell.wires[67].receive(broadcast(encode(question())))
    ((data, to, local, ifindex),) = shell.wires[67].sent
    assert (to, local, ifindex) == ((EVERYBODY, 68), SERVER, 2)
    offer = decode(data)
    assert (offer.message_type, offer.xid, offer.get(options.SERVER_ID)) == (MessageType.OFFER, 0x11223344, SERVER)
    (event,) = shell.events
    assert event == DhcpAnswered(
        mac=str(CARD),
        machine="node-1",
        message="DISCOVER",
        answer="OFFER",
        client="x86-64 UEFI PXE",
        file="snponly.efi",
        style="on to port 4011",
        port=67,
        interface="lan1",
        arch="x86-64 UEFI",
        uuid="03020100-0504-0706-0809-0a0b0c0d0e0f",
    )


async def test_on_4011_the_answer_goes_to_whoever_asked_by_the_kernel_s_route(shell: Shell) -> None:
    shell.wires[4011].receive(unicast(REQUEST))
    ((data, to, local, ifindex),) = shell.wires[4011].sent
    assert (decode(data).message_type, to, local, ifindex) == (MessageType.ACK, (CLIENT, 4011), SERVER, 0)
    assert shell.wires[67].sent == []


@pytest.mark.parametrize(
    ("datagram", "reason", "detail"),
    [
        (broadcast(encode(question()), ifindex=3), "OTHER_INTERFACE", "index 3"),
        (broadcast(encode(question()), local="0.0.0.0"), "NO_ADDRESS", "lan1"),
        (broadcast(encode(question()), local="198.51.100.1"), "NO_ADDRESS", "lan1"),
        (broadcast(b"\1\1\6"), "MALFORMED", None),
        (broadcast(encode(question(arch=None, options={60: b"PXEClient"}))), "NO_ARCHITECTURE", None),
    ],
    ids=["not served", "no address anywhere", "another interface's address", "not DHCP", "no architecture"],
)
async def test_silence_is_told_with_its_reason(
    shell: Shell, datagram: Datagram, reason: str, detail: str | None
) -> None:
    """For a broadcast on an interface without an address Linux names one of another interface."""
    shell.wires[67].receive(datagram)
    (event,) = shell.events
    assert isinstance(event, DhcpSilent)
    assert (event.reason, event.port) == (reason, 67)
    assert detail in (None, event.detail)
    assert shell.wires[67].sent == []


async def test_a_request_for_an_address_says_who_asks_whom_for_which(shell: Shell) -> None:
    """The DHCP server answers that; it tells us who is about to be at that address."""
    wishes = {options.SERVER_ID.code: bytes((192, 0, 2, 9)), options.REQUESTED_ADDRESS.code: bytes((192, 0, 2, 77))}
    shell.wires[67].receive(broadcast(encode(question(MessageType.REQUEST, options=wishes))))
    (event,) = shell.events
    assert isinstance(event, DhcpSilent)
    assert (event.reason, event.message, event.port) == ("LEASE_REQUEST", "REQUEST", 67)
    assert (event.client, event.arch) == ("x86-64 UEFI PXE", "x86-64 UEFI")
    assert (event.server, event.ip) == ("192.0.2.9", CLIENT)


async def test_a_wish_that_cannot_be_read_is_none(shell: Shell) -> None:
    wishes = {options.SERVER_ID.code: bytes((192, 0, 2, 9)), options.REQUESTED_ADDRESS.code: b"\1"}
    shell.wires[67].receive(broadcast(encode(question(MessageType.REQUEST, options=wishes))))
    assert [event.ip for event in shell.events] == [""]


async def test_an_ordinary_client_s_question_says_nothing_of_a_netboot_client(shell: Shell) -> None:
    shell.wires[67].receive(broadcast(encode(question(options={options.VENDOR_CLASS.code: None}))))
    (event,) = shell.events
    assert isinstance(event, DhcpSilent)
    assert (event.reason, event.client, event.arch, event.uuid) == ("NOT_NETBOOT", "", "", "")


async def test_a_unicast_question_may_come_in_by_any_interface_that_is_served(shell: Shell) -> None:
    """A router may deliver it to one interface when it asks for the address of another."""
    shell.wires[4011].receive(Datagram(REQUEST, (CLIENT, 68), "198.51.100.1", 2))
    assert [local for _, _, local, _ in shell.wires[4011].sent] == ["198.51.100.1"]


async def test_who_spoke_is_remembered_by_address(shell: Shell) -> None:
    shell.wires[67].receive(broadcast(encode(question())))
    shell.wires[4011].receive(unicast(REQUEST))
    assert shell.met == [(CLIENT, CARD)]


async def test_a_relay_s_address_is_not_its_client_s(shell: Shell) -> None:
    relayed = question(giaddr=bytes((192, 0, 2, 9)), hops=1)
    shell.wires[67].receive(unicast(encode(relayed), ("192.0.2.9", 67)))
    ((_, to, _, ifindex),) = shell.wires[67].sent
    assert (to, ifindex, shell.met) == (("192.0.2.9", 67), 0, [])
    assert [event.ip for event in shell.events] == [""]


async def test_an_answer_the_kernel_would_not_send_is_told(shell: Shell) -> None:
    shell.wires[4011].takes = False
    shell.wires[4011].receive(unicast(REQUEST))
    answered, notice = shell.events
    assert isinstance(answered, DhcpAnswered)
    assert notice == DaemonNotice(
        mac=str(CARD),
        text=f"the answer could not be sent to {CLIENT}:4011: the kernel has no route or no room for it",
        severity="warning",
    )


async def test_an_advertised_address_is_what_clients_are_told_and_the_asked_one_is_where_it_comes_from() -> None:
    shell = Shell(site=lambda _local: Site("198.51.100.9"))
    shell.listen(67).receive(broadcast(encode(question())))
    ((data, _, local, _),) = shell.wires[67].sent
    assert (decode(data).get(options.SERVER_ID), local) == ("198.51.100.9", SERVER)


async def test_text_from_the_wire_cannot_break_a_line_of_the_log(shell: Shell) -> None:
    hostile = question(options={options.VENDOR_CLASS.code: b"MSFT\n<3>forged"})
    shell.wires[67].receive(broadcast(encode(hostile)))
    (event,) = shell.events
    assert isinstance(event, DhcpSilent)
    assert event.detail.isprintable()


async def test_stopped_it_closes_both_sockets(shell: Shell) -> None:
    shell.dhcp.stop()
    assert [wire.open for wire in shell.wires.values()] == [False, False]
