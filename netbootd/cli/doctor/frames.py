"""DISCOVERs put on a wire, and every answer that comes or goes by it.

A frame that is sent raw, as from firmware, is not heard by this machine itself; so the same question also goes out as
a broadcast of the kernel's, which comes back up to a netbootd here through its firewall as one from outside would.
What such a netbootd answers is seen as it leaves.  Nothing is ever requested: no lease comes of it.
"""

from __future__ import annotations

import ctypes
import logging
import secrets
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from netbootd.cli.doctor.kinds import Cards, Heard, Kind, heard
from netbootd.net.interfaces import Interface
from netbootd.wire.mac import Mac

_EVERYTHING = 3  # ETH_P_ALL, <linux/if_ether.h>: what leaves is seen under no other
_OUTGOING = 4  # PACKET_OUTGOING, packet(7)
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER, <asm-generic/socket.h>
_BROADCAST = 0x8000
_EVERYBODY = "ff:ff:ff:ff:ff:ff"
_AGAIN = 2.0  # seconds until the question is repeated by the kernel's way
_QUIET = 1.0  # seconds without anything new, once all that was awaited has come

# "UDP over IPv4 to port 68", for a wire that carries everything else too (Linux, filter.rst).
_TO_CLIENTS = (
    (0x28, 0, 0, 12),  # ldh [12]
    (0x15, 0, 6, 0x0800),  # jeq IPv4, else drop
    (0x30, 0, 0, 23),  # ldb [23]
    (0x15, 0, 4, 17),  # jeq UDP, else drop
    (0xB1, 0, 0, 14),  # ldxb 4*([14]&0xf)
    (0x48, 0, 0, 16),  # ldh [x+16]
    (0x15, 0, 1, 68),  # jeq 68, else drop
    (0x06, 0, 0, 0xFFFF),  # take
    (0x06, 0, 0, 0),  # drop
)


def discover(
    interface: Interface,
    cards: Cards,
    *,
    patience: float,
    here: bool,
    enough: Callable[[list[Heard]], bool],
    now: Callable[[], float] = time.monotonic,
) -> list[Heard]:
    """Ask as every kind of client on this wire.  ``here``: a netbootd of this machine is to hear it too.

    Returns once ``enough`` is true and nothing new comes, at the latest after ``patience`` seconds.  Raises OSError,
    PermissionError for who is not root.
    """
    with ExitStack() as stack:
        wire = stack.enter_context(_wire(interface.name))
        asked = {secrets.randbits(32): kind for kind in Kind}
        raw(wire, asked, cards)
        begun = latest = now()
        repeated = False
        found: list[Heard] = []
        while (left := begun + patience - now()) > 0:
            if not repeated and (here or now() - begun > _AGAIN):
                repeated = True
                again = {secrets.randbits(32): kind for kind in Kind if here or kind not in {h.kind for h in found}}
                asked |= again
                by_kernel(interface, again, cards)
            if enough(found) and now() - latest > _QUIET:
                break
            fresh = [each for each in _arriving(wire, asked, min(left, 0.2)) if each not in found]
            latest = now() if fresh else latest
            found += fresh
    return found


def raw(wire: socket.socket, asked: dict[int, Kind], cards: Cards) -> None:
    """As firmware does: from its own card and no address.  (A switch may refuse a frame whose sender is not the card
    that it asks for.)"""
    _quiet()
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Ether

    for xid, kind in asked.items():
        way = Ether(src=str(cards.of(kind)), dst=_EVERYBODY) / IP(src="0.0.0.0", dst="255.255.255.255")
        wire.send(bytes(way / UDP(sport=68, dport=67) / question(kind, cards.of(kind), xid)))


def by_kernel(interface: Interface, asked: dict[int, Kind], cards: Cards) -> None:
    """As a program of this machine does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.name.encode() + b"\0")
        for xid, kind in asked.items():
            try:
                sock.sendto(bytes(question(kind, cards.of(kind), xid)), ("255.255.255.255", 67))
            except OSError:  # a firewall forbids it, or there is no address: the raw one is out
                return


def question(kind: Kind, mac: Mac, xid: int, message: int = 1, ciaddr: str = "0.0.0.0", server: str = "") -> Any:
    """One DHCP message of this kind of client, by scapy: an independent view of the protocol."""
    _quiet()
    from scapy.layers.dhcp import BOOTP, DHCP

    named = [("server_id", server)] if server else []
    said = [("message-type", message), *sorted(kind.options.items()), *named, "end"]
    flags = 0 if server else _BROADCAST
    return BOOTP(chaddr=mac.octets, xid=xid, flags=flags, ciaddr=ciaddr) / DHCP(options=said)


def _quiet() -> None:
    """scapy warns, as it is loaded, of what is nobody's concern here."""
    logging.getLogger("scapy").setLevel(logging.ERROR)


def _wire(name: str) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        program = b"".join(struct.pack("HBBI", *each) for each in _TO_CLIENTS)
        memory = ctypes.create_string_buffer(program)
        fprog = struct.pack("HP", len(_TO_CLIENTS), ctypes.addressof(memory))
        sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, fprog)
        sock.bind((name, _EVERYTHING))
    except BaseException:
        sock.close()
        raise
    return sock


def _arriving(wire: socket.socket, asked: dict[int, Kind], seconds: float) -> Iterator[Heard]:
    """What answers our questions within that time; returns after the first batch."""
    readable, _, _ = select.select([wire], [], [], seconds)
    if not readable:
        return
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Ether

    octets, (_, _, direction, *_) = wire.recvfrom(65535)
    frame = Ether(octets)
    if UDP in frame:
        answer = heard(bytes(frame[UDP].payload), frame[IP].src, asked, sent=direction == _OUTGOING)
        if answer is not None:
            yield answer
