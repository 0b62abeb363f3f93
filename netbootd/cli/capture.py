"""DHCP out of a packet capture, read by scapy: any link type, pcap and pcapng."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from netbootd.boot.identify import DHCP_PORT, PXE_PORT
from netbootd.wire.dhcp import Op

_CLIENT_PORT = 68
_PORTS = {DHCP_PORT, _CLIENT_PORT, PXE_PORT}


class NotACapture(Exception):
    """The file cannot be read as a capture; the text says why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One UDP datagram of a capture; ``time`` in seconds since the first."""

    time: float
    source: tuple[str, int]
    target: tuple[str, int]
    data: bytes

    @property
    def asks(self) -> bool:
        """Whether it is for a server, and no server's own."""
        return self.target[1] in (DHCP_PORT, PXE_PORT) and self.data[:1] != bytes([Op.REPLY])


def read_capture(path: Path) -> tuple[Seen, ...]:
    """The datagrams on ports 67, 68 and 4011, in order.  Raises `NotACapture`."""
    logging.getLogger("scapy").setLevel(logging.CRITICAL)  # what it cannot dissect is passed over here
    from scapy.error import Scapy_Exception

    try:
        # Opened here: scapy leaves a file open that it refuses.
        with path.open("rb") as file, gzip.open(file) if _is_gzip(file) else file as capture:
            return tuple(_read(capture))
    except (Scapy_Exception, EOFError, OSError) as error:
        raise NotACapture(f"{path}: not a capture that can be read: {_why(error)}") from error


def own_address(seen: tuple[Seen, ...]) -> str | None:
    """Whom the clients of this capture asked on port 4011: that was the boot server."""
    return next((s.target[0] for s in seen if s.target[1] == PXE_PORT and s.target[0] != "255.255.255.255"), None)


def _is_gzip(file: BufferedIOBase) -> bool:
    magic = file.read(2)
    file.seek(0)
    return magic == b"\x1f\x8b"


def _read(file: BufferedIOBase) -> Iterator[Seen]:
    from scapy.layers.inet import IP, UDP
    from scapy.utils import PcapReader

    started: float | None = None
    for packet in PcapReader(file):  # type: ignore[arg-type]  # it takes an open file too
        if UDP not in packet or IP not in packet or not {packet[UDP].sport, packet[UDP].dport} & _PORTS:
            continue
        ip, udp = packet[IP], packet[UDP]
        started = float(packet.time) if started is None else started
        length = max(0, (udp.len or 0) - 8)  # what is behind it is the frame's padding
        data = bytes(udp.payload)[:length]
        yield Seen(float(packet.time) - started, (ip.src, udp.sport), (ip.dst, udp.dport), data)


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
