"""The DHCP part of a boot on each interface: who answers, and port 4011."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from netbootd.boot.arch import Cpu, Platform
from netbootd.boot.decide import Answer, Decision
from netbootd.boot.identify import DHCP_PORT, Arrival
from netbootd.boot.memory import Memory
from netbootd.chain.dhcp import dhcp
from netbootd.cli.doctor.frames import discover, question
from netbootd.cli.doctor.judge import Expected, discovered, enough, judge
from netbootd.cli.doctor.kinds import Cards, Heard, Kind
from netbootd.cli.doctor.line import Line, Status, fail, ok, skipped
from netbootd.cli.doctor.patient import Patient
from netbootd.cli.doctor.pxe_port import ask_port
from netbootd.cli.doctor.together import together
from netbootd.fleet.state import has_server
from netbootd.net.interfaces import Interface, named

PATIENCE = 7.0  # seconds; dnsmasq pings an address for three before it offers it, one after the other
_LATE = 3.0  # scapy is loaded within them
_WIDTHS = (
    (Kind.BIOS, Cpu.I386, Platform.BIOS),
    (Kind.UEFI, Cpu.X86_64, Platform.EFI),
    (Kind.ARM64, Cpu.ARM64, Platform.EFI),
)
_AT_4011 = (Kind.BIOS, Kind.UEFI, Kind.ARM64, Kind.HTTP, Kind.IPXE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one interface's wire said; ``error`` is why nobody could be asked."""

    interface: Interface
    found: tuple[Heard, ...] = ()
    error: str = ""
    cards: Cards = field(default_factory=Cards.new)


def ask(patient: Patient) -> tuple[Asked, ...]:
    """On every interface at once."""
    jobs = [partial(_asked, each, patient) for each in patient.interfaces]
    done = zip(patient.interfaces, together(jobs, PATIENCE + _LATE), strict=True)
    return tuple(asked or Asked(each, error="it took too long") for each, asked in done)


def found_elsewhere(asked: Sequence[Asked]) -> str | None:
    """A netbootd of another machine that answered; asked only where none runs here."""
    return next((server for each in asked if (server := discovered(each.found))), None)


def answers(asked: Asked, patient: Patient) -> Iterator[Line]:
    """What that means."""
    if asked.error:
        yield skipped("dhcp.address", "DISCOVER", asked.error, _as_root(patient))
        return
    for line in judge(asked.found, _expected(asked.interface, asked.cards, patient)):
        yield _elsewhere(line, patient) if line.probe == "dhcp.address" and line.status is Status.FAIL else line


def _elsewhere(line: Line, patient: Patient) -> Line:
    """Nobody is at the interface that is served; perhaps everybody is at another."""
    if not patient.spare:
        return line
    names = ", ".join(each.name for each in patient.spare)
    where = ", ".join(map(named, patient.spare))
    return replace(line, todo=f"Are machines at {where}? Then interfaces: [{names}], and restart netbootd. {line.todo}")


def on_port(asked: Asked, patient: Patient) -> tuple[list[Line], dict[Kind, str]]:
    """Port 4011 from here, and the file each kind would load."""
    address = patient.address(asked.interface)
    decisions = _decisions(asked.interface, asked.cards, patient) or {}
    decided = {kind: said.file for kind, said in decisions.items() if isinstance(said, Answer)}
    files = {**_stocked(patient), **decided}
    if address is None or not patient.answered or patient.config.dhcp_mode == "off":
        return [], files
    kinds = [k for k in _AT_4011 if not decisions or k in decided]
    told = ask_port(address, kinds, asked.cards)
    files = {**files, **{h.kind: h.file for h in asked.found if h.server in patient.own and h.kind.boots}}
    files = {**files, **{kind: each.file for kind, each in told.items() if each is not None}}
    return [_acknowledged(address, told)] if kinds else [], files


def _stocked(patient: Patient) -> dict[Kind, str]:
    """What a machine of each kind loads that is not answered as a stranger is."""
    choose = patient.loaded.world.firmware.choose
    found = {kind: choose(cpu, platform) for kind, cpu, platform in _WIDTHS}
    return {kind: each.name for kind, each in found.items() if each and patient.server is None}


def _acknowledged(address: str, told: dict[Kind, Heard | None]) -> Line:
    """iPXE and UEFI HTTP need no 4011: they are asked for what they would be told."""
    tried = f"REQUEST to {address}:4011"
    got = {kind: each for kind, each in told.items() if each is not None}
    if got:
        return ok("dhcp.4011", tried, "; ".join(f"{k.value}: {h.file}" for k, h in got.items() if k in _ASKING))
    return fail(
        "dhcp.4011",
        tried,
        "no answer within 2 s",
        "UEFI asks there for its boot file: let UDP 4011 in, and out from 4011. (PXE-E55 on a machine's screen says"
        " the same.)",
    )


_ASKING = (Kind.BIOS, Kind.UEFI, Kind.ARM64)


def _asked(interface: Interface, patient: Patient) -> Asked:
    asked = Asked(interface)
    expected = _expected(interface, asked.cards, patient)
    try:
        found = discover(
            interface,
            asked.cards,
            patience=PATIENCE,
            here=patient.running,
            enough=lambda heard: enough(heard, expected),
        )
    except PermissionError:
        return Asked(interface, error="frames can be sent and heard by root alone", cards=asked.cards)
    except OSError as error:
        return Asked(interface, error=f"{interface.name}: {error.strerror or error}", cards=asked.cards)
    return Asked(interface, tuple(found), cards=asked.cards)


def _expected(interface: Interface, cards: Cards, patient: Patient) -> Expected:
    return Expected(
        own=patient.own if patient.answered else frozenset(),
        answered=patient.answered,
        here=patient.running,
        proxy=patient.server is not None or patient.config.dhcp_mode == "proxy",
        decisions=_decisions(interface, cards, patient),
        shared=has_server(patient.config.state),
    )


def _decisions(interface: Interface, cards: Cards, patient: Patient) -> dict[Kind, Decision] | None:
    """What the settings make of the same questions, by the daemon's own chain."""
    address = patient.address(interface)
    if patient.server is not None or address is None:
        return None
    site, memory = patient.site(address), Memory()
    local = next((each.ip for each in interface.addresses), address)
    arrival = Arrival(DHCP_PORT, ("0.0.0.0", 68), local, site.address, interface.name)
    return {
        kind: dhcp(bytes(question(kind, cards.of(kind), 1)), arrival, patient.loaded.world, site, memory, 0.0).decision
        for kind in Kind
        if kind.boots
    }


def _as_root(patient: Patient) -> str:
    return "" if patient.root else "sudo netbootd doctor asks as firmware does."
