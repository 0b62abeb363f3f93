"""Unix sockets: listen at a path, where one that nobody answers any more may lie."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from pathlib import Path

_BACKLOG = 128
_MODE = 0o660  # whoever may open it needs no token


def bind_unix(path: Path) -> socket.socket:
    """A listening, non-blocking socket for the owner and the group of this process.

    Raises OSError: EADDRINUSE where somebody answers there, or what lies there is no socket.
    """
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.bind(str(path))
        path.chmod(_MODE)  # nobody can connect before it listens
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise OSError(error.errno, f"{path}: {error.strerror}") from error
    return sock


def is_unix(sock: socket.socket) -> bool:
    """Whether both of its ends are on this machine, told apart by paths."""
    return sock.family == socket.AF_UNIX


def _clear(path: Path) -> None:
    """Take away what a daemon that was killed has left."""
    if not path.is_socket():
        if path.exists():
            raise OSError(errno.EADDRINUSE, f"{path} is there already, and is no socket")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            with suppress(FileNotFoundError):
                path.unlink()
            return
        except OSError:
            return
    raise OSError(errno.EADDRINUSE, f"{path} is already used: another netbootd answers there")
