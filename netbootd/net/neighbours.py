"""The kernel's neighbour table: which MAC answered for an address on this link."""

from __future__ import annotations

from pathlib import Path

_ARP = Path("/proc/net/arp")
_INCOMPLETE = "00:00:00:00:00:00"


def neighbour(ip: str, table: Path = _ARP) -> str | None:
    """The MAC of an IPv4 neighbour, None when the kernel does not know it.  /proc is memory: this never waits."""
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return None
    for line in lines:
        columns = line.split()
        if len(columns) >= 4 and columns[0] == ip and columns[3] != _INCOMPLETE:
            return columns[3]
    return None
