"""What boot firmware says and hears on a wire, made and read by scapy: an independent view of DHCP."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from itertools import count
from typing import Any

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

BROADCAST = "ff:ff:ff:ff:ff:ff"
EVERYBODY = "255.255.255.255"
_OUTGOING = 4  # PACKET_OUTGOING, packet(7): what this host sent itself

BIOS = {60: b"PXEClient:Arch:00000:UNDI:002001", 93: b"\0\0", 97: b"\0" + bytes(range(16))}
UEFI = {60: b"PXEClient:Arch:00007:UNDI:003016", 93: b"\0\7", 94: b"\1\3\x10", 97: b"\0" + bytes(range(16))}
HTTP = {60: b"HTTPClient:Arch:00016:UNDI:003001", 93: b"\0\x10"}
IPXE = {60: b"PXEClient:Arch:00007:UNDI:003010", 93: b"\0\7", 77: b"iPXE", 175: bytes.fromhex("130101150101")}
WINDOWS = {60: b"MSFT 5.0", 55: bytes((1, 3, 6, 15))}


@dataclass(frozen=True, slots=True)
class Heard:
    """One reply, as it came off the wire."""

    frame: Packet

    @property
    def way(self) -> tuple[str, int, str, int]:
        ip, udp = self.frame[IP], self.frame[UDP]
        return ip.src, udp.sport, ip.dst, udp.dport

    @property
    def xid(self) -> int:
        return int(self.frame[BOOTP].xid)

    @property
    def options(self) -> dict[str, Any]:
        return {each[0]: each[1] for each in self.frame[DHCP].options if isinstance(each, tuple)}

    @property
    def file(self) -> str:
        """Option 67, which has a NUL behind it for ROMs that need one."""
        return _text(self.options["boot-file-name"])

    @property
    def kind(self) -> int:
        """Option 53: 2 is OFFER, 5 is ACK."""
        return int(self.options["message-type"])


class Voice:
    """A machine's card on a wire (`tests.support.places.frames`)."""

    _xids = count(0x1000)

    def __init__(self, wire: socket.socket, mac: str = "02:00:00:00:00:01") -> None:
        self.wire = wire
        self.mac = mac

    def discover(self, said: dict[int, bytes], **header: Any) -> int:
        """Broadcast a DISCOVER from 0.0.0.0:68; its transaction."""
        return self.send(1, said, (BROADCAST, "0.0.0.0", 68, EVERYBODY, 67), **header)

    def send(self, kind: int, said: dict[int, bytes], way: tuple[str, str, int, str, int], **header: Any) -> int:
        """A message of this type by ``way``: destination card, source address and port, destination address, port."""
        xid = next(self._xids)
        header = {"chaddr": bytes.fromhex(self.mac.replace(":", "")), "xid": xid, **header}
        options = [("message-type", kind), *sorted(said.items()), "end"]
        self.frame(bytes(BOOTP(**header) / DHCP(options=options)), way)
        return xid

    def frame(self, payload: bytes, way: tuple[str, str, int, str, int]) -> None:
        """Any datagram."""
        card, source, sport, target, dport = way
        packet = Ether(dst=card, src=self.mac) / IP(src=source, dst=target) / UDP(sport=sport, dport=dport)
        self.wire.send(bytes(packet / Raw(payload)))

    def heard(self, xid: int) -> list[Heard]:
        """Every reply up to and including the first to this transaction."""
        found: list[Heard] = []
        while not found or found[-1].xid != xid:
            octets, (_, _, direction, *_) = self.wire.recvfrom(65535)
            if direction == _OUTGOING:
                continue
            frame = Ether(octets)
            if UDP in frame and frame[UDP].dport in (67, 68, 4011):
                reply = frame if BOOTP in frame else _as_dhcp(frame)
                if reply[BOOTP].op == 2:
                    found.append(Heard(reply))
        return found

    def answer(self, xid: int) -> Heard:
        """The reply to this transaction, which must be the first that comes."""
        (only,) = self.heard(xid)
        return only

    def insist(self, said: dict[int, bytes]) -> Heard:
        """Ask again and again, as firmware does, until somebody answers."""
        self.wire.settimeout(0.5)
        for _ in range(120):
            try:
                return self.heard(self.discover(said))[-1]
            except TimeoutError:
                continue
        raise AssertionError("nobody answers")

    def silence(self, *xids: int) -> None:
        """Nothing came for these: an honest question behind them is answered first."""
        assert not set(xids) & {each.xid for each in self.heard(self.discover(BIOS))}


def _as_dhcp(frame: Packet) -> Packet:
    """Port 4011 is no DHCP port to scapy; read it as one."""
    payload = bytes(frame[UDP].payload)
    frame[UDP].remove_payload()
    return frame / BOOTP(payload)


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode()
