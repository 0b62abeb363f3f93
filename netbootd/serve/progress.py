"""Who has been given a whole payload: scripts handed out, and the files fetched after them.

A payload's files are fetched in the order of its plan, by iPXE and by GRUB, and the kernel starts after the last.  So
it has been given when the last byte of its last file has gone out to the address that got the script, in one piece
or in ranges.  What "gone out" can know is that the kernel took the bytes for a connection that still stood.

What cannot be seen errs on the side of not wiping twice:

* Files at other servers are not seen.  The last one *of ours* decides; where there is none, and for a payload that is
  a script of the user's own, the machine has been given its payload with the script.
* GRUB opens all its initrds at once, so a small last one can be out before a large one ahead of it.
* Behind NAT several machines share an address: one last byte counts for all that were handed their script there, but
  for what is made for one machine alone (`serve.tokens`), which is known by its token.
* With ``public_url`` the files must come from this daemon, through whatever stands before it; a cache that answers by
  itself hides them, and such a machine stays armed.
* A machine that has been handed its script and then asks for nothing for a day is no longer followed, and stays armed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from netbootd.chain.scripts import Rendered
from netbootd.fleet.changes import Handing
from netbootd.fleet.ledger import IN_DOUBT, Learned, Ledger
from netbootd.fleet.lifecycle import Stage
from netbootd.observe.events import ArtifactServed, Change, Event, MachineChanged
from netbootd.serve.http.target import unmapped
from netbootd.serve.planned import NODE, installs, last_file, normal
from netbootd.wire.mac import Mac

_FOLLOWED = 24 * 3600.0  # seconds
_PER_MACHINE = 16  # addresses one machine may have asked from
_AT_ONCE = 4096


class Progress:
    """A sink for events, told of each script that is handed out.

    ``wall`` is seconds since the epoch, ``clock`` monotonic.
    """

    def __init__(
        self,
        ledger: Ledger,
        emit: Callable[[Event], None],
        *,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._emit = emit
        self._wall = wall
        self._clock = clock
        self._active = {_key(handing): clock() for handing in ledger.handings()}
        ledger.listen(self._learned)

    def tell_doubts(self) -> None:
        """Once at start: machines that may have been given their payload when the daemon stopped."""
        self._doubt(self._ledger.doubted)

    def handed(self, mac: Mac, ip: str, rendered: Rendered, base_url: str) -> Awaitable[bool] | None:
        """A script is about to be sent.  None: it installs nothing.  Else send it when this turns out True, and
        otherwise render it anew: it then leaves the machine to its own disk.  ``base_url`` is `Site.base_url`."""
        if not installs(rendered):
            return None
        ip, file = unmapped(ip), last_file(rendered.plan, base_url)
        if not file:
            return self._spend(mac, ip)
        if not self._make_room(mac):
            return _no()
        written = self._ledger.handed(mac, ip, file, self._wall())
        self._active[mac, ip] = self._clock()
        return written

    async def admit(self, ip: str, file: str, mac: Mac | None = None) -> bool:
        """A file is about to be sent by HTTP, under the name its `ArtifactServed` will have.  False: refuse it, for
        it would complete a payload without a record of that.  ``mac``: the one machine it was made for."""
        due = self._due(unmapped(ip), file, mac)
        self._active.update((_key(handing), self._clock()) for handing in due)
        begun = [self._ledger.begin(handing) for handing in due]
        return all([await written for written in begun])

    def __call__(self, event: Event) -> None:
        """Take in what happened."""
        if isinstance(event, ArtifactServed) and _reaches_the_end(event):
            mac = Mac.parse(event.mac) if event.file.startswith(NODE) else None
            for handing in self._due(unmapped(event.ip), event.file, mac):
                self._give(handing.mac, f"{handing.file} went to {handing.ip}")

    def _learned(self, learned: Learned) -> None:
        """Another daemon, or an order of a person through it."""
        for mac in learned.changed:
            entry = self._ledger.entry(mac)
            stage = entry.stage.value if entry else "without a record"
            self._changed(mac, Change.ELSEWHERE, f"{stage}, {entry.by}" if entry else stage)
        self._doubt(learned.doubted)

    def _doubt(self, macs: Iterable[Mac]) -> None:
        for mac in macs:
            self._changed(mac, Change.DOUBTED, f"{IN_DOUBT}; {_from_now_on(mac)}")

    def _due(self, ip: str, file: str, mac: Mac | None) -> list[Handing]:
        name = normal(file)
        if mac is not None:  # wherever it has its address from now, and by whichever of its scripts it goes
            own = (handing for handing in self._ledger.handings() if handing.mac == mac)
            return [handing for handing in own if _document(handing.file) == _document(name) != ""]
        return [handing for handing in self._ledger.handings_at(ip) if handing.file == name]

    def _spend(self, mac: Mac, ip: str) -> Awaitable[bool]:
        written = asyncio.ensure_future(self._ledger.spend(mac, f"its script went to {ip}", self._wall()))
        written.add_done_callback(lambda done: self._told(mac) if not done.cancelled() and done.result() else None)
        return written

    def _give(self, mac: Mac, by: str) -> None:
        if self._ledger.given(mac, by, self._wall()):
            self._told(mac)

    def _told(self, mac: Mac) -> None:
        self._changed(mac, Change.GIVEN, _from_now_on(mac))

    def _changed(self, mac: Mac, change: Change, detail: str) -> None:
        self._emit(MachineChanged(mac=str(mac), change=change, detail=detail))

    def _make_room(self, mac: Mac) -> bool:
        """Whether this machine can be followed.  One that cannot, or no longer, counts as given: to lose track of it
        would be to install it twice."""
        followed = {_key(handing): handing for handing in self._ledger.handings()}
        self._active = {key: self._active.get(key, self._clock()) for key in followed}
        for key in [key for key, since in self._active.items() if self._clock() - since > _FOLLOWED]:
            self._ledger.forget_handing(followed.pop(key))
        if len(followed) >= _AT_ONCE:
            longest_idle = min(followed, key=lambda key: self._active[key])
            self._give(longest_idle[0], "too many machines were installing at once to follow it")
        if sum(each == mac for each, _ in followed) >= _PER_MACHINE:
            self._give(mac, "its script was asked for from too many addresses")
        return self._ledger.stage(mac) in (None, Stage.ARMED)


def _document(file: str) -> str:
    """The name of what was made for one machine, without the token's label: each script it asks for has its own."""
    return file.removeprefix(NODE).partition("/")[2] if file.startswith(NODE) else ""


def _from_now_on(mac: Mac) -> str:
    return f"boots its own disk from now on; arm again: netbootd machines install {mac}"


def _reaches_the_end(event: ArtifactServed) -> bool:
    sent_whole = event.complete and event.sent == event.size
    return sent_whole and event.offset + event.size >= (event.total or event.size)


def _key(handing: Handing) -> tuple[Mac, str]:
    return handing.mac, handing.ip


async def _no() -> bool:
    return False
