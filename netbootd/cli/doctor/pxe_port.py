"""The question UEFI asks on port 4011 once it has an address, asked from this machine's own."""

from __future__ import annotations

import secrets
import select
import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack

from netbootd.boot.identify import PXE_PORT
from netbootd.cli.doctor.frames import question
from netbootd.cli.doctor.kinds import Cards, Heard, Kind, heard
from netbootd.wire.dhcp import MessageType

_TRIES = 2
_EACH = 1.0  # seconds; EDK2 waits 1, 2, 3, 4


def ask_port(server: str, kinds: Iterable[Kind], cards: Cards) -> dict[Kind, Heard | None]:
    """What each kind is told there; None: nothing came back from that address and port.  Needs no privilege."""
    with ExitStack() as stack:
        socks: dict[socket.socket, tuple[Kind, int]] = {}
        for kind in kinds:
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            socks[sock] = (kind, secrets.randbits(32))
        found: dict[Kind, Heard | None] = dict.fromkeys(kind for kind, _ in socks.values())
        for _ in range(_TRIES):
            open_ = {sock: asked for sock, asked in socks.items() if found[asked[0]] is None}
            for sock, (kind, xid) in open_.items():
                _ask(sock, server, kind, xid, cards)
            _take(open_, found)
    return found


def _ask(sock: socket.socket, server: str, kind: Kind, xid: int, cards: Cards) -> None:
    """Connected: firmware, too, takes the answer from that address and port alone."""
    try:
        sock.connect((server, PXE_PORT))
        own = sock.getsockname()[0]
        request = question(kind, cards.of(kind), xid, MessageType.REQUEST, ciaddr=own, server=server)
        sock.send(bytes(request))
    except OSError:  # no route, a firewall of our own, or what the last try was told: nobody listens
        return


def _take(open_: dict[socket.socket, tuple[Kind, int]], found: dict[Kind, Heard | None]) -> None:
    end = time.monotonic() + _EACH
    waiting = set(open_)
    while waiting and (left := end - time.monotonic()) > 0:
        for sock in select.select(list(waiting), [], [], left)[0]:
            kind, xid = open_[sock]
            waiting.discard(sock)
            try:
                found[kind] = heard(sock.recv(2048), sock.getpeername()[0], {xid: kind})
            except OSError:  # refused
                continue
