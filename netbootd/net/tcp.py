"""TCP sockets: listen, share a transport's connection, and cut one off."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import socket
import struct
from contextlib import suppress

from netbootd.net.holder import explained

_BACKLOG = 1024
_SYN_ACKS = 1  # sent again, so that a connection is waited for three seconds
_SIOCOUTQNSD = 0x894B  # linux/sockios.h; not in the standard library
_LINGER_NONE = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds, so that the last close sends RST


def bind_tcp(address: str, port: int) -> socket.socket:
    """A listening, non-blocking socket; ``port`` 0 lets the kernel choose.

    Raises `PortBusy`, PermissionError (ports below 1024 need CAP_NET_BIND_SERVICE) or another OSError.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        _prepare(sock)
        forget_soon(sock)
        sock.bind((address, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise explained(error, address, port, "tcp") from error
    return sock


def _prepare(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited by every accepted connection
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # "::" and "0.0.0.0" can both be listened on


def forget_soon(sock: socket.socket) -> None:
    """Have a listening socket forget within three seconds who began a connection and went on no further.

    GRUB takes the same ports at each start.  One that lost power between its SYN and its ACK leaves what nobody can
    cut, for it is not accepted yet, and which Linux keeps for a minute: the next GRUB took its SYN-ACK for one of its
    own and waited for ever (OVMF, GRUB 2.06 in the lab).  Who has lost a SYN-ACK sends its SYN again.
    """
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, _SYN_ACKS)


def shared_socket(transport: asyncio.BaseTransport) -> socket.socket:
    """A second descriptor of a transport's connection, to be closed by the caller.

    asyncio and uvloop both refuse ``add_writer`` on a transport's own descriptor; on a duplicate both accept it.
    Raises ConnectionResetError when the connection is already closed.
    """
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        raise ConnectionResetError(errno.ECONNRESET, "the connection is closed")
    return socket.fromfd(sock.fileno(), sock.family, socket.SOCK_STREAM)


def unsent(sock: socket.socket) -> int:
    """Bytes the kernel has not sent, since the peer's window is shut; of a connection that is over, never did.

    SIOCOUTQNSD.  What is sent and not acknowledged does not count: a GRUB that has the last byte starts a kernel, and
    its last acknowledgement may be lost with the network card's queue.
    """
    return int(struct.unpack("i", fcntl.ioctl(sock, _SIOCOUTQNSD, bytes(4)))[0])


def cut(transport: asyncio.WriteTransport) -> None:
    """End a connection at once with RST, dropping what the kernel still holds; wakes whoever sends on it.

    A plain close would leave megabytes queued for a machine that was switched off.
    """
    with suppress(OSError), shared_socket(transport) as sock:
        reset(sock)
    transport.abort()


def reset(sock: socket.socket) -> None:
    """The same with a descriptor of its own: RST goes out when the last one is closed."""
    with suppress(OSError):
        close_with_reset(sock)
        sock.shutdown(socket.SHUT_RDWR)


def close_with_reset(sock: socket.socket) -> None:
    """Let the close of this connection, whoever does it and whenever, leave nothing behind in the kernel."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
