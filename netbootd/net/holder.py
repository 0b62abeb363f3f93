"""Why a port cannot be had, and who holds it: read from /proc, to tell an admin what to stop."""

from __future__ import annotations

import errno
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANY = "0.0.0.0"


class PortBusy(OSError):
    """Somebody else has the port; ``holder`` is "dnsmasq (pid 812)" where /proc lets us see it, else ""."""

    def __init__(self, address: str, port: int, holder: str, *, protocol: Literal["udp", "tcp"] = "udp") -> None:
        by = f" by {holder}" if holder else ""
        super().__init__(errno.EADDRINUSE, f"{protocol.upper()} port {port} on {address} is already used{by}")
        self.address = address
        self.port = port
        self.holder = holder


def explained(error: OSError, address: str, port: int, protocol: Literal["udp", "tcp"]) -> OSError:
    """What a failed bind is raised as: `PortBusy`, PermissionError with the way out in its text, else the same."""
    if error.errno == errno.EADDRINUSE:
        return PortBusy(address, port, holder_of(address, port, protocol), protocol=protocol)
    if isinstance(error, PermissionError):
        text = f"not allowed to use {protocol.upper()} port {port} on {address}"
        return PermissionError(error.errno, f"{text}: run as root or grant CAP_NET_BIND_SERVICE")
    return error


def holder_of(address: str, port: int, protocol: Literal["udp", "tcp"] = "udp") -> str:
    """Who holds a port: "name (pid N)", "" when nobody does or /proc does not let us see it."""
    inodes = {inode for local, number, inode in _sockets(protocol) if number == port and _overlaps(local, address)}
    targets = {f"socket:[{inode}]" for inode in inodes}
    return next(_owners(targets), "") if targets else ""


def _sockets(protocol: str) -> Iterator[tuple[str, int, str]]:
    """(local address, port, inode) of each socket; an IPv6 one counts as the wildcard, since it may be dual."""
    for table in (Path(f"/proc/net/{protocol}"), Path(f"/proc/net/{protocol}6")):
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            host, _, port = fields[1].partition(":")
            yield _dotted(host), int(port, 16), fields[9]


def _dotted(hexadecimal: str) -> str:
    if len(hexadecimal) != 8:
        return _ANY
    return socket.inet_ntoa(int(hexadecimal, 16).to_bytes(4, sys.byteorder))


def _overlaps(one: str, other: str) -> bool:
    return one == other or _ANY in (one, other)


def _owners(targets: set[str]) -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(fd.readlink()) in targets for fd in (process / "fd").iterdir()):
                yield f"{(process / 'comm').read_text().strip()} (pid {process.name})"
        except OSError:  # another user's process, or one that ended meanwhile
            continue
