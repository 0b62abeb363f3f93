"""All that a daemon listens on, bound before anything is served and while it may."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from netbootd.boot.identify import DHCP_PORT, PXE_PORT
from netbootd.config import Config
from netbootd.serve.sockets import Sockets

_ANY = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class Listening:
    """Bound sockets, which nobody reads yet; the port numbers are those the kernel chose where 0 was asked for."""

    dhcp: tuple[tuple[socket.socket, int], ...]
    """Each with the port it stands for, 67 or 4011; none when ``dhcp.mode`` is off."""
    tftp: socket.socket
    http: socket.socket
    admin: socket.socket
    tftp_port: int
    http_port: int
    admin_address: tuple[str, int]


def listen(config: Config, sockets: Sockets) -> Listening:
    """Bind everything these settings ask for.  Raises `CannotListen`."""
    wanted = (("dhcp", DHCP_PORT), ("pxe", PXE_PORT)) if config.dhcp_mode == "proxy" else ()
    dhcp = tuple((sockets.udp(name, _ANY, port, broadcast=True), port) for name, port in wanted)
    tftp = sockets.udp("tftp", _ANY, config.tftp_port)
    http = sockets.tcp("http", _ANY, config.http_port)
    admin = sockets.tcp("admin", *config.admin_listen)
    host, port = admin.getsockname()[:2]
    return Listening(dhcp, tftp, http, admin, tftp.getsockname()[1], http.getsockname()[1], (host, port))
