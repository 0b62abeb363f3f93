"""Diagnoses of the machines there are: puts each case together from what is remembered, overheard and set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from netbootd.boot.facts import Facts
from netbootd.boot.firmware import Firmware
from netbootd.boot.model import Boots
from netbootd.boot.site import Site
from netbootd.fleet.identity import Conflict, Match
from netbootd.fleet.lifecycle import Limits
from netbootd.fleet.record import Attempt, Record
from netbootd.fleet.records import Records
from netbootd.fleet.snapshot import Assignment
from netbootd.net.interfaces import Interface
from netbootd.observe.diagnosis import times
from netbootd.observe.diagnosis.case import Heard, installs, nothing_yet, speaks
from netbootd.observe.diagnosis.model import Case, Diagnosis
from netbootd.observe.diagnosis.table import diagnose
from netbootd.observe.events import DhcpSilent, Event, ServerHeard
from netbootd.observe.plain import PlainAsks
from netbootd.observe.running import Running
from netbootd.observe.servers import Servers
from netbootd.payloads import PAYLOADS
from netbootd.serve.lives import Lives
from netbootd.wire.mac import Mac

_CARRIED = 60.0  # seconds in which nobody carries an adapter from one machine to the next and boots that


@dataclass(frozen=True, slots=True)
class Around:
    """How machines reach us: our addresses, the one they come back to first, and the base of our URLs."""

    own: tuple[str, ...] = ()
    base_url: str = ""
    shared: bool = False
    """Other daemons have the same fleet, so that a machine may as well be theirs."""


def around(served: Iterable[Interface], site: Callable[[str], Site], *, shared: bool = False) -> Around:
    """Of the interfaces that are served; ``site`` says how a client that asked at an address comes back."""
    local = [address.ip for interface in served for address in interface.addresses]
    sites = [site(address) for address in local]
    own = dict.fromkeys([*(each.address for each in sites), *local])
    return Around(tuple(own), sites[0].base_url if sites else "", shared)


class Diagnosing:
    """``assigned`` is which profile a machine has, ``limits`` how long its installation may take, ``known`` what it
    said of itself; ``wall`` is seconds since the epoch.  A sink for what is only overheard."""

    def __init__(
        self,
        records: Records,
        lives: Lives,
        running: Running,
        *,
        known: Callable[[Mac], Facts],
        assigned: Callable[[Mac], Assignment],
        limits: Callable[[Mac], Limits],
        firmware: Callable[[], Firmware],
        around: Callable[[], Around] = Around,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._records = records
        self._lives = lives
        self._known = known
        self._assigned = assigned
        self._limits = limits
        self._firmware = firmware
        self._around = around
        self._wall = wall
        self.servers = Servers(wall)
        """The other servers there are."""
        self._plain = PlainAsks(wall)
        self._heard = Heard(self.servers, self._plain, running)

    def __call__(self, event: Event) -> None:
        """Take in what happened."""
        if isinstance(event, ServerHeard | DhcpSilent):
            self.servers(event)
            self._plain(event)

    def of(self, mac: Mac) -> tuple[Diagnosis, ...]:
        """What is wrong with the latest boot of the machine that has this card, the worst first."""
        record = self._lives.shown(mac)
        boots = self._lives.boots(record.id if record else "", (mac,))
        attempt = boots[0] if boots else nothing_yet(mac, record.id if record else "", self._plain.of(mac))
        return () if attempt is None else self._of(mac, record, attempt, boots[1:])

    def of_boot(self, mac: Mac, attempt: Attempt) -> tuple[Diagnosis, ...]:
        """The same of one of its boots, as of now; what an earlier boot was like does not change when it is over."""
        record = self._lives.shown(mac)
        boots = self._lives.boots(record.id if record else "", (mac,))
        if any(_goes_on(attempt, each) for each in boots):
            return ()
        earlier = tuple(each for each in boots if each.started < attempt.started)
        return self._of(mac, record, attempt, earlier, latest=not boots or boots[0].id == attempt.id)

    def _of(
        self, mac: Mac, record: Record | None, attempt: Attempt, earlier: tuple[Attempt, ...], *, latest: bool = True
    ) -> tuple[Diagnosis, ...]:
        around, assignment = self._around(), self._assigned(mac)
        case = Case(
            attempt,
            self._wall(),
            standing=self._lives.standing(mac) if latest else None,
            ending=record.ending if record else None,
            earlier=earlier,
            rivals=tuple(self._rivals(mac, attempt)) if latest else (),
            own=(*around.own, *(self.servers.netbootds() if around.shared else ())),
            base_url=around.base_url,
            programs=tuple(binary.name for binary in self._firmware().binaries),
            speaks=any(speaks(layer) for layer in assignment.args),
            powers_off=self._limits(mac).powers_off,
            installs=_installs(assignment),
        )
        return diagnose(self._heard.about(case, record.macs if record else (mac,)) if latest else case)

    def _rivals(self, mac: Mac, attempt: Attempt) -> Iterator[str]:
        """Who claims to be this machine, where it has said more of itself than its card: an adapter that goes from
        laptop to laptop is no trouble, two machines with it at one time are."""
        facts = self._known(mac)
        if not (facts.uuid or facts.serial):
            return
        found = self._records.identify(facts)
        if isinstance(found, Conflict):
            yield f"{found.what} is claimed by {' and '.join(self._called(id) for id in found.ids)}"
            return
        own = found.id if isinstance(found, Match) else ""
        for other in self._records.of_card(mac):
            if own and other.id != own and (other.last_seen or 0.0) > attempt.started - _CARRIED:
                yield f"the card {mac} is that of {self._called(other.id)} at the same time"

    def _called(self, id: str) -> str:
        record = self._records.get(id)
        serial = f"the machine with the serial number {record.serial}" if record and record.serial else ""
        return f"{(record.name if record else '') or serial or 'the record'} ({id})"


def _goes_on(attempt: Attempt, later: Attempt) -> bool:
    """Whether its machine went on by another of its cards: it came further than this boot shows."""
    begins = later.started - attempt.last
    return later.mac != attempt.mac and later.started > attempt.started and begins < times.GONE + times.STARTS


def _installs(assignment: Assignment) -> bool:
    """EVE and the like are handed out once unless settings say otherwise."""
    profile = assignment.profile
    own = profile is not None and PAYLOADS[profile.payload].boots is Boots.ONCE
    return own or any(installs(layer) for layer in assignment.args)
