"""All that a daemon listens on, bound before anything is served and while it may."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from netbootd.boot.identify import DHCP_PORT, PXE_PORT
from netbootd.config import Config
from netbootd.net.unix import is_unix
from netbootd.serve.sockets import CannotListen, Sockets

_ANY = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class Listening:
    """Bound sockets, which nobody reads yet; the port numbers are those the kernel chose where 0 was asked for."""

    dhcp: tuple[tuple[socket.socket, int], ...]
    """Each with the port it stands for, 67 or 4011; none when ``dhcp.mode`` is off."""
    tftp: socket.socket | None
    """None when ``tftp.mode`` is off."""
    http: socket.socket
    https: socket.socket | None
    """None without ``http.tls``."""
    syslog: socket.socket | None
    """None when ``syslog.mode`` is off."""
    admin: socket.socket
    admin_address: tuple[str, int] | Path
    """A Path is a Unix socket."""
    overheard: socket.socket | None = None
    """None where ``dhcp.overhear`` is off, or we may not listen to others."""

    @property
    def tftp_address(self) -> tuple[str, int] | None:
        """Address and port; 0.0.0.0 is every address."""
        return _bound_to(self.tftp) if self.tftp else None

    @property
    def syslog_address(self) -> tuple[str, int] | None:
        """As `tftp_address`."""
        return _bound_to(self.syslog) if self.syslog else None

    @property
    def http_address(self) -> tuple[str, int]:
        """As `tftp_address`."""
        return _bound_to(self.http)

    @property
    def https_address(self) -> tuple[str, int] | None:
        """As `tftp_address`."""
        return _bound_to(self.https) if self.https else None

    @property
    def address(self) -> str | None:
        """The one IPv4 address that HTTP is reached at; None when there are several."""
        address = self.http_address[0]
        return address if ":" not in address and address != _ANY else None


def listen(config: Config, sockets: Sockets) -> Listening:
    """Bind everything these settings ask for.  Raises `CannotListen`."""
    wanted = (("dhcp", DHCP_PORT), ("pxe", PXE_PORT)) if config.dhcp_mode == "proxy" else ()
    dhcp = tuple((sockets.udp(name, _ANY, port, broadcast=True), port) for name, port in wanted)
    address = config.listen or _ANY
    tftp = sockets.udp("tftp", address, config.tftp_port) if config.tftp_mode == "on" else None
    http = sockets.tcp("http", address, config.http_port)
    https = sockets.tcp("https", address, config.tls.port) if config.tls else None
    if https is None and "https" in sockets.passed:  # whoever came there would wait for ever
        raise CannotListen(
            "systemd passed a socket named 'https': name a certificate with http.tls, or disable its unit"
        )
    syslog = sockets.udp("syslog", address, config.syslog_port) if config.syslog_port is not None else None
    where = config.admin_listen
    admin = sockets.unix("admin", where) if isinstance(where, Path) else sockets.tcp("admin", *where)
    admin_address = _path_of(admin) if is_unix(admin) else _bound_to(admin)
    overheard = sockets.overheard() if dhcp and config.overhear else None
    return Listening(dhcp, tftp, http, https, syslog, admin, admin_address, overheard)


def _path_of(sock: socket.socket) -> Path:
    return Path(str(sock.getsockname()))


def _bound_to(sock: socket.socket) -> tuple[str, int]:
    host, port = sock.getsockname()[:2]
    return host, port
