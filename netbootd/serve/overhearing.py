"""What other DHCP and PXE servers tell our machines: overheard packets in, `ServerHeard` events out.

Nothing is answered and nothing is decided by it; it is for the diagnosis alone.  The same server and machine are told
of once a minute, and a table of bounded size remembers which.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from netbootd.boot.recent import Recent
from netbootd.net.overheard import Ear, Overheard
from netbootd.observe.events import Event, ServerHeard
from netbootd.wire.dhcp import NO_ADDRESS, MessageType, Op, Packet, decode
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac
from netbootd.wire.options import BOOTFILE, SERVER_ID, TFTP_SERVER_NAME, VENDOR_CLASS, ip_text
from netbootd.wire.text import printable

_AGAIN = 60.0  # seconds until the same is told anew
_PAIRS = 4096
_PXE = ("PXEClient", "HTTPClient")


class Overhearing:
    """``interface`` names the interface of an index if it is served; ``own`` tells our own addresses; ``clock`` is
    monotonic seconds."""

    def __init__(
        self,
        *,
        emit: Callable[[Event], None],
        interface: Callable[[int], str | None],
        own: Callable[[str], bool],
        clock: Callable[[], float],
    ) -> None:
        self._emit = emit
        self._interface = interface
        self._own = own
        self._clock = clock
        self._told: Recent[tuple[str, str, str], float] = Recent(_PAIRS)
        self._ear: Ear | None = None

    def start(self, ear: Callable[[Callable[[Overheard], None]], Ear]) -> None:
        """Listen with what ``ear`` makes."""
        self._ear = ear(self.heard)
        self._ear.start(asyncio.get_running_loop())

    def stop(self) -> None:
        """Close the socket."""
        if self._ear is not None:
            self._ear.close()

    def heard(self, what: Overheard) -> None:
        """Take in one packet."""
        if self._interface(what.ifindex) is None:
            return
        event = server_in(what)
        if event is None or self._own(event.server) or self._own(what.source[0]):
            return
        key, now = (event.server, event.kind, event.mac), self._clock()
        last = self._told.get(key)
        if last is None or now - last >= _AGAIN:
            self._told.put(key, now)
            self._emit(event)


def server_in(what: Overheard) -> ServerHeard | None:
    """The server that an OFFER or ACK speaks of; None for anything else."""
    try:
        packet = decode(what.data)
        if packet.op != Op.REPLY or packet.message_type not in (MessageType.OFFER, MessageType.ACK):
            return None
        return _server(packet, what.source[0])
    except WireError:
        return None


def _server(packet: Packet, source: str) -> ServerHeard:
    """Without an address for the machine it is a proxy's, if it says that it is about PXE: a DHCP server's ACK to an
    INFORM has none either."""
    pxe = (packet.get(VENDOR_CLASS) or "").startswith(_PXE)
    given = packet.yiaddr != NO_ADDRESS
    return ServerHeard(
        mac=str(Mac(packet.chaddr)) if packet.chaddr else "",
        ip=ip_text(packet.yiaddr) if given else "",
        server=packet.get(SERVER_ID) or source,
        kind="proxy" if pxe and not given else "dhcp",
        file=printable(packet.get(BOOTFILE) or packet.file.decode("ascii", "replace")),
        next_server=_next_server(packet),
        pxe=pxe,
    )


def _next_server(packet: Packet) -> str:
    if packet.siaddr != NO_ADDRESS:
        return ip_text(packet.siaddr)
    return printable(packet.get(TFTP_SERVER_NAME) or "", 64)
