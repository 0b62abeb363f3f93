"""Network namespaces to put a daemon and its clients in, and sockets of this process in them.

```
   one: eth0 10.99.0.9/24 ────── lan1 10.99.0.2/24 ┐
   two: eth0 10.99.2.9/24 ────── lan2 10.99.2.2/24 ├ server
   three: eth0            ────── lan3 (no address) ┘
```
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.lab import namespace
from tests.lab.namespace import Namespace

ETH_P_ALL = 3
_PATIENCE = 60.0  # seconds; a test that waits longer has failed

# Runs inside the namespace: a socket belongs to the namespace it was made in, wherever it is used.
_PORTER = """
import socket, sys
family, kind = int(sys.argv[2]), int(sys.argv[3])
made = socket.socket(family, kind)
socket.send_fds(socket.socket(fileno=int(sys.argv[1])), [b"."], [made.fileno()])
"""


@dataclass(frozen=True, slots=True)
class Places:
    """The namespaces; made by `places`."""

    server: Namespace
    one: Namespace
    two: Namespace
    three: Namespace


@contextmanager
def places() -> Iterator[Places]:
    """New namespaces, wired as drawn above; gone at the end."""
    with ExitStack() as stack:
        server = namespace.first()
        stack.callback(server.close)
        clients = [_plugged(stack, server, f"lan{number}") for number in (1, 2, 3)]
        server.ip("addr add 10.99.0.2/24 dev lan1", "addr add 10.99.2.2/24 dev lan2")
        clients[0].ip("addr add 10.99.0.9/24 dev eth0")
        clients[1].ip("addr add 10.99.2.9/24 dev eth0")
        yield Places(server, *clients)


def _plugged(stack: ExitStack, server: Namespace, name: str) -> Namespace:
    client = namespace.beside(server)
    stack.callback(client.close)
    server.ip(f"link add {name} type veth peer name eth0 netns {client.holder.pid}", f"link set {name} up")
    client.ip("link set eth0 up")
    return client


def socket_in(where: Namespace, family: int, kind: int) -> socket.socket:
    """A new socket in that namespace, with a timeout; the caller binds or connects it and closes it."""
    here, there = socket.socketpair()
    with here, there:
        arguments = [str(there.fileno()), str(family), str(kind)]
        command = where.enter(sys.executable, "-I", "-S", "-c", _PORTER, *arguments)
        subprocess.run(command, check=True, pass_fds=(there.fileno(),))
        _, (fd,), _, _ = socket.recv_fds(here, 1, 1)
    made = socket.socket(fileno=fd)
    made.settimeout(_PATIENCE)
    return made


def frames(where: Namespace) -> socket.socket:
    """Every frame of eth0 in that namespace, to read and to write."""
    wire = socket_in(where, socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind(("eth0", ETH_P_ALL))
    return wire


def udp(where: Namespace, address: str, port: int) -> socket.socket:
    """A datagram socket bound there."""
    made = socket_in(where, socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made


def tcp(where: Namespace, address: str, port: int) -> socket.socket:
    """A connection from there."""
    made = socket_in(where, socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.connect((address, port))
    except OSError:
        made.close()
        raise
    return made


def listening(where: Namespace, address: str, port: int) -> socket.socket:
    """A stream socket that takes connections there."""
    made = socket_in(where, socket.AF_INET, socket.SOCK_STREAM)
    made.bind((address, port))
    made.listen()
    return made


# sd_listen_fds(3): descriptors from 3 on, and the process they are meant for.
_ACTIVATOR = """
import fcntl, os, sys
high = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sys.argv[1].split(",")]
for position, fd in enumerate(high):
    os.dup2(fd, 3 + position)
os.execvpe(sys.argv[2], sys.argv[2:], {**os.environ, "LISTEN_PID": str(os.getpid())})
"""


def as_systemd(fds: tuple[int, ...]) -> list[str]:
    """What to put before a command line so that it finds these sockets as systemd hands them over."""
    return [sys.executable, "-I", "-S", "-c", _ACTIVATOR, ",".join(map(str, fds))]


def card_of(where: Namespace, interface: str) -> str:
    """The hardware address of an interface there."""
    (found,) = json.loads(where.run("ip", "-j", "link", "show", "dev", interface))
    return str(found["address"])
