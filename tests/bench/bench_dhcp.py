"""Microseconds per packet, for our codec and for scapy: ``python tests/bench/bench_dhcp.py``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from timeit import repeat

sys.path.insert(0, str(Path(__file__).parents[2]))

from scapy.layers.dhcp import BOOTP

from netbootd.wire.dhcp import decode, encode
from tests.support.captures import dhcp_payloads


def microseconds(work: Callable[[], object], number: int) -> float:
    """The best of five runs, the one least disturbed."""
    return min(repeat(work, number=number, repeat=5)) / number * 1e6


def rebuilt(payload: bytes) -> bytes:
    """scapy caches the octets a packet came from; without the cache it writes the packet out again."""
    packet = BOOTP(payload)
    packet.clear_cache()
    return bytes(packet)


def main() -> None:
    print(f"{'packet':<34}{'octets':>7}{'decode':>9}{'encode':>9}{'scapy decode':>14}{'with encode':>13}   us")
    for title, capture, index in (
        ("OVMF discover", "ovmf-pxe4.pcap", 0),
        ("iPXE discover", "ovmf-pxe4.pcap", 7),
        ("proxy offer", "ovmf-pxe4.pcap", 9),
    ):
        payload = dhcp_payloads(capture)[index]
        packet = decode(payload)
        columns = (
            microseconds(partial(decode, payload), 20_000),
            microseconds(partial(encode, packet), 20_000),
            microseconds(partial(BOOTP, payload), 200),
            microseconds(partial(rebuilt, payload), 200),
        )
        print("{:<34}{:>7}{:>9.1f}{:>9.1f}{:>14.0f}{:>13.0f}".format(title, len(payload), *columns))


if __name__ == "__main__":
    main()
