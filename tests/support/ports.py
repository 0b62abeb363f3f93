"""A port for a server that is told one, and comes back to it after it was killed."""

from __future__ import annotations

import random
import socket

_BELOW = range(10_000, 32_000)
"""The kernel gives none of these to who asks for any, so no connection that lingers stands on them."""


def free_port() -> int:
    """One that nobody listens on."""
    while True:
        port = random.choice(_BELOW)
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("", port))
            except OSError:
                continue
            return port
