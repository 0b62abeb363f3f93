"""What was said to a client a moment ago: which way of answering works for it.

UEFI firmwares disagree on option 43 (edk2#6944, edk2#8149): some drop an offer that carries it, some never come to
port 4011 without it.  So each client first gets its kind's default `Style`; when it asks again instead of going on,
the other one.  What worked is remembered per make of firmware, so the second machine of a rack boots at first try.

Pure: ``now`` is monotonic seconds, and both tables are bounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from netbootd.boot.arch import Platform
from netbootd.boot.identify import Client
from netbootd.boot.recent import Recent
from netbootd.wire.mac import Mac


class Style(Enum):
    """How an offer on port 67 uses option 43; the value is what logs and ``explain`` say."""

    BINL = "on to port 4011"
    """No option 43: the client asks port 4011 for its file."""
    BYPASS = "file at once, 43.6=8"
    """Option 43 = 06 01 08: "skip discovery, boot the file of this offer" (PXE 2.1, PXE_DISCOVERY_CONTROL bit 3)."""
    DIRECT = "file at once"
    """No option 43 and a complete offer: iPXE and UEFI HTTP Boot need nothing else."""

    @property
    def other(self) -> Style:
        """The one to try when this one was ignored."""
        return {Style.BINL: Style.BYPASS, Style.BYPASS: Style.BINL}.get(self, self)


_RETRY_AFTER = 1.0  # Sooner is the same DISCOVER by another way: a relay, a second interface.
_FORGET_AFTER = 120.0  # EDK2's last DISCOVER comes 28 s after its first; a reboot takes longer than two minutes.


@dataclass(frozen=True, slots=True)
class Make:
    """What one make of firmware has in common: vendor prefix of the card, option 60 (with its UNDI version)."""

    oui: str
    vendor_class: str


@dataclass(frozen=True, slots=True)
class _Said:
    style: Style
    at: float
    make: Make
    followed: bool = False


class Memory:
    """The last answer to each client, and the style that works for each make."""

    def __init__(self, limit: int = 4096) -> None:
        self._said: Recent[Mac, _Said] = Recent(limit)
        self._works: Recent[Make, Style] = Recent(limit)

    def style(self, client: Client, now: float) -> Style:
        """The style to answer this DISCOVER with.  Does not record it; see `said`."""
        if client.ipxe or client.http:
            return Style.DIRECT
        last = self._said.get(client.mac)
        if last and not last.followed and now - last.at <= _FORGET_AFTER:
            return last.style if now - last.at < _RETRY_AFTER else last.style.other
        return self._works.get(_make(client)) or default_style(client)

    def said(self, client: Client, style: Style, now: float) -> None:
        """An offer in this style went out."""
        if style is Style.DIRECT:
            return  # There is no other way to answer these; what this machine's firmware got before still counts.
        last = self._said.get(client.mac)
        if last and last.style is style and now - last.at < _RETRY_AFTER:
            now = last.at
        self._said.put(client.mac, _Said(style, now, _make(client)))

    def went_on(self, client: Client) -> None:
        """The client came back with the next step: what was said last works for its make."""
        last = self._said.get(client.mac)
        if last is None or last.followed:
            return
        self._said.put(client.mac, _Said(last.style, last.at, last.make, followed=True))
        self._works.put(last.make, last.style)


def default_style(client: Client) -> Style:
    """BIOS ROMs take the file of the offer when 43.6 says so; UEFI of every generation goes to 4011 without 43."""
    return Style.BYPASS if client.platform is Platform.BIOS else Style.BINL


def _make(client: Client) -> Make:
    return Make(client.mac.oui, client.vendor_class)
