"""The sockets the daemon listens on: from systemd where it passed them, else bound here; and why one cannot be had."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from netbootd.net.holder import PortBusy
from netbootd.net.overheard import open_overheard
from netbootd.net.tcp import bind_tcp, forget_soon
from netbootd.net.udp import adopt_udp, bind_udp
from netbootd.net.unix import bind_unix

_HINTS = {
    "dhcp": "Another DHCP server or netbootd runs on this machine. Stop it, run netbootd on another machine of the "
    "same network, or set 'dhcp: {mode: off}' and let that server send machines here (options 66 and 67).",
    "pxe": "Another PXE server runs on this machine (dnsmasq, say). Stop it, or set 'dhcp: {mode: off}'.",
    "tftp": "Another TFTP server runs on this machine (tftpd-hpa, atftpd, dnsmasq). Stop it: firmware asks on port 69 "
    "and no other. 'tftp: {port: N}' is for tests and for clients that can be told.",
    "http": "Set another port with 'http: {port: N}'.",
    "https": "Set another port with 'http: {tls: {port: N}}'.",
    "syslog": "A syslog daemon of this machine takes lines by UDP. Stop it, or set another port with "
    "'syslog: {port: N}'; iPXE knows 514 alone.",
    "admin": "Set another address with 'admin: {listen: 127.0.0.1:PORT}'.",
}


class CannotListen(Exception):
    """A socket cannot be had; the text says which, who holds it, and what to change."""


@dataclass(slots=True)
class Sockets:
    """Sockets by name: ``dhcp``, ``pxe``, ``tftp``, ``http``, ``https``, ``syslog``, ``admin``."""

    passed: dict[str, list[socket.socket]] = field(default_factory=dict)
    """What systemd opened, by FileDescriptorName.  Each name stands for one socket."""
    _given: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, found in self.passed.items():
            if name not in _HINTS:
                raise CannotListen(
                    f"systemd passed a socket named {name!r}: write FileDescriptorName= with one of "
                    f"{', '.join(_HINTS)} into its unit"
                )
            if len(found) > 1:
                raise CannotListen(f"systemd passed {len(found)} sockets named {name!r}: one of each can be served")

    def udp(self, name: str, address: str, port: int, *, broadcast: bool = False) -> socket.socket:
        """A datagram socket that reports IP_PKTINFO.  Raises `CannotListen`."""
        if passed := self._passed(name):
            try:
                return self._give(adopt_udp(passed, broadcast=broadcast))
            except ValueError as error:
                raise CannotListen(
                    f"the socket {name!r} of systemd is {error}: write ListenDatagram={address}:{port}"
                ) from error
        return self._give(_bound(name, lambda: bind_udp(address, port, broadcast=broadcast)))

    def tcp(self, name: str, address: str, port: int) -> socket.socket:
        """A listening socket.  Raises `CannotListen`."""
        if passed := self._passed(name):
            if passed.type != socket.SOCK_STREAM:
                raise CannotListen(f"the socket {name!r} of systemd is no stream socket: write ListenStream=")
            forget_soon(passed)
            return self._give(passed)
        return self._give(_bound(name, lambda: bind_tcp(address, port)))

    def unix(self, name: str, path: Path) -> socket.socket:
        """As `tcp`, at a path."""
        if name in self.passed:
            return self.tcp(name, "", 0)
        return self._give(_bound(name, lambda: bind_unix(path)))

    def overheard(self) -> socket.socket | None:
        """A packet socket that hears other servers; None where we may not have one: it is for the diagnosis alone."""
        try:
            return self._give(open_overheard())
        except OSError:
            return None

    def close(self) -> None:
        """Close all that were given out, in case nobody came to serve them."""
        while self._given:
            self._given.pop().close()

    def _give(self, sock: socket.socket) -> socket.socket:
        self._given.append(sock)
        return sock

    def _passed(self, name: str) -> socket.socket | None:
        waiting = self.passed.get(name)
        return waiting.pop() if waiting else None


def _bound(name: str, bind: Callable[[], socket.socket]) -> socket.socket:
    try:
        return bind()
    except PortBusy as error:
        raise CannotListen(f"{error.strerror}. {_HINTS[name]}") from error
    except PermissionError as error:
        raise CannotListen(
            f"{error.strerror}: 'sudo netbootd run', or the systemd unit, which grants just that capability."
        ) from error
    except OSError as error:
        raise CannotListen(f"{name}: {error.strerror or error}") from error
