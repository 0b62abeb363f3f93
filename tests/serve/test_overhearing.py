"""Other servers' answers, as scapy makes them, become events."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.dhcp import BOOTP, DHCP

from netbootd.net.overheard import Overheard
from netbootd.observe.events import Event, ServerHeard
from netbootd.serve.overhearing import Overhearing, server_in

MAC = "52:54:00:12:34:56"


def packet(kind: str = "offer", *, op: int = 2, mac: str = MAC, said: tuple[Any, ...] = (), **header: Any) -> Overheard:
    options = [("message-type", kind), *said, "end"]
    made = BOOTP(op=op, chaddr=bytes.fromhex(mac.replace(":", "")), **header) / DHCP(options=options)
    return Overheard(bytes(made), ("192.0.2.1", 67), "255.255.255.255", 3)


def test_a_dhcp_server_that_names_its_own_boot_file() -> None:
    said = (("server_id", "192.0.2.9"), ("boot-file-name", b"pxelinux.0\0"))
    found = server_in(packet(yiaddr="192.0.2.77", siaddr="192.0.2.5", said=said))
    assert found == ServerHeard(
        mac=MAC, ip="192.0.2.77", server="192.0.2.9", kind="dhcp", file="pxelinux.0", next_server="192.0.2.5"
    )


def test_a_server_without_boot_options_is_heard_too() -> None:
    found = server_in(packet("ack", yiaddr="192.0.2.77"))
    assert found == ServerHeard(mac=MAC, ip="192.0.2.77", server="192.0.2.1", kind="dhcp")


def test_another_proxy_gives_no_address_and_speaks_of_pxe() -> None:
    said = (("vendor_class_id", b"PXEClient"), ("tftp_server_name", b"192.0.2.8\0"))
    found = server_in(packet(file=b"snponly.efi", said=said))
    assert found == ServerHeard(
        mac=MAC, server="192.0.2.1", kind="proxy", file="snponly.efi", next_server="192.0.2.8", pxe=True
    )


def test_what_answers_an_inform_is_no_proxy() -> None:
    """Windows asks so, and gets an ACK without an address."""
    found = server_in(packet("ack", ciaddr="192.0.2.50"))
    assert found is not None
    assert (found.kind, found.pxe) == ("dhcp", False)


@pytest.mark.parametrize("what", [packet("nak"), packet("discover", op=1), packet("request", op=1)])
def test_what_is_no_offer_and_no_ack_is_none(what: Overheard) -> None:
    assert server_in(what) is None


@pytest.mark.parametrize("octets", [b"", b"\2" * 100, bytes(packet().data[:239])])
def test_octets_that_are_no_dhcp_are_none(octets: bytes) -> None:
    assert server_in(Overheard(octets, ("192.0.2.1", 67), "255.255.255.255", 3)) is None


def test_a_name_with_control_characters_is_made_fit_to_be_shown() -> None:
    found = server_in(packet(file=b"a\x1b[2J\nb"))
    assert found is not None
    assert found.file == "a?[2J?b"


class Room:
    """An `Overhearing` with a clock to turn."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[Event] = []
        self.ear = Overhearing(
            emit=self.told.append,
            interface={3: "lan"}.get,
            own="192.0.2.2".__eq__,
            clock=lambda: self.now,
        )


def test_the_same_is_told_once_a_minute() -> None:
    room = Room()
    for room.now in range(121):
        room.ear.heard(packet(yiaddr="192.0.2.77"))
    assert len(room.told) == 3


def test_each_machine_and_each_server_is_told_of() -> None:
    room = Room()
    for mac in (MAC, "52:54:00:12:34:57"):
        room.ear.heard(packet(mac=mac))
        room.ear.heard(packet(mac=mac, said=(("server_id", "192.0.2.9"),)))
    assert len(room.told) == 4


def test_we_are_no_other_server_and_other_wires_are_not_ours() -> None:
    room = Room()
    room.ear.heard(packet(said=(("server_id", "192.0.2.2"),)))
    room.ear.heard(Overheard(packet().data, ("192.0.2.1", 67), "255.255.255.255", 4))
    assert room.told == []
