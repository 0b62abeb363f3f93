"""A small reader of packet captures for tests: the UDP datagrams of an Ethernet/IPv4 pcap file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import unpack_from

CAPTURES = Path(__file__).parent.parent / "captures"

_BYTE_ORDERS = {b"\xd4\xc3\xb2\xa1": ("<", 1e6), b"\xa1\xb2\xc3\xd4": (">", 1e6), b"\x4d\x3c\xb2\xa1": ("<", 1e9)}


@dataclass(frozen=True, slots=True)
class Datagram:
    """``time`` in seconds since the epoch; addresses as text."""

    time: float
    src: str
    sport: int
    dst: str
    dport: int
    payload: bytes


def read(name: str) -> list[Datagram]:
    """All UDP over IPv4 datagrams of one file in tests/captures."""
    return list(datagrams((CAPTURES / name).read_bytes()))


def dhcp_payloads(name: str) -> list[bytes]:
    """The DHCPv4 payloads, ports 67, 68 and 4011."""
    return [d.payload for d in read(name) if {d.sport, d.dport} & {67, 68, 4011}]


def datagrams(data: bytes) -> Iterator[Datagram]:
    """Walk a pcap file's bytes; frames that are not unfragmented IPv4 UDP are passed over."""
    order, ticks = _BYTE_ORDERS[data[:4]]
    assert unpack_from(order + "I", data, 20) == (1,), "not a capture of Ethernet frames"
    position = 24
    while position < len(data):
        seconds, fraction, size, _ = unpack_from(order + "4I", data, position)
        position += 16 + size
        yield from _datagram(seconds + fraction / ticks, data[position - size : position])


def _datagram(time: float, frame: bytes) -> Iterator[Datagram]:
    if frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return
    ip = frame[14:]
    udp = ip[4 * (ip[0] & 15) :]
    sport, dport, length = unpack_from("!3H", udp)
    yield Datagram(time, _text(ip[12:16]), sport, _text(ip[16:20]), dport, udp[8:length])


def _text(address: bytes) -> str:
    return ".".join(map(str, address))
