"""Takes what installers say of themselves by syslog (UDP), and files each line under the machine that said it.

Anybody can send anything to this port.  A line of an address at which no machine is known is counted, not kept; of one
that talks without an end only so much is taken.  What a line says decides nothing: it is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from netbootd.boot.recent import Recent
from netbootd.net.udp import Datagram, UdpEndpoint
from netbootd.observe.events import DaemonNotice, Event, InstallerSaid
from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac
from netbootd.wire.syslog import parse_line
from netbootd.wire.text import printable

BURST = 200
"""Lines that one address may say at once."""
RATE = 20.0
"""Lines a second that it may say for ever."""
_ADDRESSES = 4096
_TELLS = 60.0  # seconds between two words on what was left out
_LONGEST = 300  # characters of a line


@dataclass(slots=True)
class _Allowance:
    lines: float
    since: float


class SyslogServer:
    """``mac_of`` gives the card last seen at an address; ``clock`` is monotonic seconds."""

    def __init__(
        self, mac_of: Callable[[str], Mac | None], emit: Callable[[Event], None], clock: Callable[[], float]
    ) -> None:
        self._mac_of = mac_of
        self._emit = emit
        self._clock = clock
        self._allowances: Recent[str, _Allowance] = Recent(_ADDRESSES)
        self._endpoint: UdpEndpoint | None = None
        self._untold = 0
        self._tells = 0.0
        self.left_out = 0
        """Lines of strangers, lines that say nothing, and those beyond what one address may say."""

    def start(self, endpoint: Callable[[Callable[[Datagram], None]], UdpEndpoint]) -> None:
        """Take lines at the endpoint that ``endpoint`` makes."""
        self._endpoint = endpoint(self.receive)
        self._endpoint.start(asyncio.get_running_loop())

    def stop(self) -> None:
        """Close the socket."""
        if self._endpoint is not None:
            self._endpoint.close()

    def receive(self, datagram: Datagram) -> None:
        """One line."""
        ip, now = datagram.source[0], self._clock()
        mac = self._mac_of(ip)
        if mac is None or not self._may_speak(ip, now):
            self._leave_out(ip, now)
            return
        try:
            line = parse_line(datagram.data)
        except WireError:
            self._leave_out(ip, now)
            return
        said = InstallerSaid(
            mac=str(mac),
            ip=ip,
            text=printable(line.text, _LONGEST),
            severity=line.severity.name.lower(),
            program=printable(line.program, 48),
        )
        self._emit(said)

    def _may_speak(self, ip: str, now: float) -> bool:
        held = self._allowances.get(ip) or _Allowance(BURST, now)
        lines = min(float(BURST), held.lines + (now - held.since) * RATE)
        self._allowances.put(ip, _Allowance(max(0.0, lines - 1), now))
        return lines >= 1

    def _leave_out(self, ip: str, now: float) -> None:
        self.left_out += 1
        self._untold += 1
        if now >= self._tells:
            text = f"left out of syslog: {self._untold}, the last of {ip}: of no known machine, empty or too many"
            self._emit(DaemonNotice(text=text, severity="warning"))
            self._untold, self._tells = 0, now + _TELLS
