"""A fleet as a site has one: machines in every state, boots that went well, one that is stuck, two that claim one
identity, and some whose makers put markup into their SMBIOS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from netbootd.boot.facts import Facts
from netbootd.boot.model import Machine
from netbootd.fleet.record import Approval, Asked, Attempt, Ending, Outcome, Reached, Record, Signal, Step, Transfer
from netbootd.fleet.snapshot import Snapshot
from netbootd.observe.diagnosis.model import Case, Diagnosis
from netbootd.observe.diagnosis.table import diagnose
from netbootd.serve.admin.services import ApiServices
from netbootd.wire.mac import Mac
from tests.support.fleet import Api
from tests.support.worlds import ALWAYS, args, eve, linux, machine

NASTY = '"><script>alert(1)</script><img src=x onerror="alert(2)">'
"""What SMBIOS may say."""
FIVE, STUCK, BOOTING, HOSTILE, TWINS = (Mac.parse(f"52:54:00:00:01:{n:02x}") for n in range(1, 6))
"""One with five boots, one that came no further than its kernel, one in the middle, one with markup in it, and the card
that two boards show."""
MB = 1_000_000
_MAKERS = (("Supermicro", "SYS-510T"), ("Dell Inc.", "PowerEdge R650"), ("HPE", "ProLiant DL360"), ("QEMU", "Q35"))


@dataclass
class Site(Api):
    """What is wrong with a boot is found as the daemon finds it."""

    def services(self) -> ApiServices:
        return replace(super().services(), diagnosed=self.diagnosed, diagnosed_boot=self.diagnosed_boot)

    def diagnosed(self, mac: Mac) -> tuple[Diagnosis, ...]:
        attempt = self.attempts.current(self.records.owner(mac))
        return self.diagnosed_boot(mac, attempt) if attempt else ()

    def diagnosed_boot(self, mac: Mac, attempt: Attempt) -> tuple[Diagnosis, ...]:
        return diagnose(Case(attempt, self.now, standing=self.lives.standing(mac), own=("192.0.2.1",)))


def crowd(now: float, others: int = 190) -> Site:
    """The site, with ``others`` besides those that have names here."""
    listed = [
        replace(
            _listed("rack-1-node-1", FIVE),
            args=args("machine machines.yaml:1", console="ttyS0", eve_soft_serial="NODE-0001"),
        ),
        _listed("rack-1-node-2", STUCK),
        _listed("rack-1-node-3", BOOTING),
        *(_listed(f"rack-{n // 20 + 2}-node-{n % 20 + 1}", _card(n)) for n in range(0, others, 2)),
    ]
    api = Site(now=now, fleet=Snapshot([eve("lab-eve"), linux("rescue", boots=ALWAYS)], listed))
    _meet(api, FIVE, 0, [_good(now - 86400 * n) for n in (4, 3, 2, 1)] + [_good(now - 1500)], Signal.PLAIN_DHCP)
    _meet(api, STUCK, 1, [_good(now - 86400 * 9), _stuck(now - 190)])
    _meet(api, BOOTING, 2, [_booting(now)])
    _meet(api, HOSTILE, 3, [_booting(now - 20, NASTY)], maker=NASTY)
    for number in range(others):
        _other(api, number, now)
    rivals(api)
    return api


async def armed(api: Site) -> Site:
    """Some of them are, and one was armed and has been given its payload."""
    for number in range(0, 40, 8):
        await api.ledger.arm(_card(number), "ada", api.now - 60 * number)
    await api.ledger.arm(FIVE, "ada", api.now - 1600)
    api.ledger.given(FIVE, "192.0.2.20", api.now - 1400)
    await api.ledger.arm(STUCK, "ada", api.now - 400)
    await api.ledger.arm(BOOTING, "ada", api.now - 90)
    return api


def _listed(name: str, mac: Mac) -> Machine:
    return machine("lab-eve", name, mac)


def _card(number: int) -> Mac:
    return Mac.parse(f"52:54:00:aa:{number >> 8:02x}:{number & 255:02x}")


def _meet(
    api: Api, mac: Mac, number: int, boots: list[Attempt], signal: Signal | None = None, maker: str = ""
) -> Record:
    made, model = _MAKERS[number % len(_MAKERS)]
    record = api.saw(
        mac,
        f"192.0.2.{number % 200 + 20}",
        uuid=UUID(int=0x4C4C4544 << 96 | number + 1),
        serial=f"SN{number:06}",
        manufacturer=maker or made,
        product=maker or model,
        buildarch="x86_64",
        platform="efi",
        version="1.21.1",
    )
    last = max((boot.last for boot in boots), default=api.now - 86400 * (number % 30 + 1))
    ending = Ending(1, signal is not Signal.TIMEOUT, last, signal, "") if signal else None
    changed = replace(record, last_seen=last, first_seen=last - 1e6, ending=ending)
    api.records.change(changed)
    for place, boot in enumerate(boots):
        api.attempts._file(replace(boot, id=f"boot-{number}-{place}", record=record.id, mac=mac))
    return changed


def _other(api: Api, number: int, now: float) -> None:
    mac, kind = _card(number), number % 7
    boots = [] if kind == 3 else [_good(now - 3600 * (number % 50 + 1))]
    if kind == 5 and number % 2:
        boots = [_booting(now - number % 60)]
    record = _meet(api, mac, number + 4, boots)
    if kind in (1, 2):
        approval = Approval("ada", now - 86400)
        changed = replace(record, approved=approval, name=f"shelf-{number}", soft_serial=f"S-{number:04}")
        api.records.change(changed)


def rivals(api: Api) -> None:
    """Two boards whose cards a maker gave one address."""
    for n in (1, 2):
        facts = Facts(mac=TWINS, serial=f"TWIN-{n}", uuid=UUID(int=0x99 << 100 | n), manufacturer="Acme")
        api.records.saw(facts, f"192.0.2.{240 + n}", api.now - 60 * n)


def _boot(started: float, steps: list[Step], outcome: Outcome, **more: Any) -> Attempt:
    last = max(step.last for step in steps)
    return Attempt("", "", FIVE, started, last, outcome, tuple(steps), profile="lab-eve", **more)


def _step(stage: Reached, at: float, lasting: float = 0.0, size: int = 0, **more: Any) -> Step:
    return Step(stage, at, size, last=at + lasting, **more)


_FILES = ("eve-17.3.0/kernel", "eve-17.3.0/initrd.img", "eve-17.3.0/rootfs.img")


def _begun(at: float) -> list[Step]:
    """From the first packet to the script."""
    offer = Asked("DISCOVER", 67, "x86-64 UEFI PXE", offered="snponly.efi")
    loader = Transfer("tftp", 262_144, 262_144, 0.8, 1468, 4, 3)
    return [
        _step(Reached.FIRMWARE, at, detail="offered snponly.efi to x86-64 UEFI PXE", asked=offer, times=2),
        _step(Reached.LOADER, at + 3.1, size=262_144, file="snponly.efi", transfer=loader),
        _step(Reached.IPXE, at + 6.0, 0.4, detail="offered its script to iPXE 1.21.1 on x86-64 UEFI"),
        _step(Reached.SCRIPT, at + 6.9, file="machines/52-54-00-00-01-01/ipxe.cfg", detail="lab-eve"),
    ]


def _file(at: float, name: str, size: int, seconds: float, sent: int | None = None, **more: Any) -> Step:
    gone = size if sent is None else sent
    moved = Transfer("http", size, gone, seconds)
    return _step(Reached.FILE, at + seconds, size=gone, file=name, transfer=moved, **more)


def _good(at: float) -> Attempt:
    steps = [
        *_begun(at),
        _file(at + 7.2, _FILES[0], 14 * MB, 0.9),
        _file(at + 8.3, _FILES[1], 61 * MB, 3.4),
        _file(at + 12.0, _FILES[2], 412 * MB, 19.5),
        _step(Reached.PAYLOAD, at + 31.6),
        _step(Reached.SYSTEM, at + 432.0, detail="dhcpcd"),
        _step(Reached.END, at + 432.0, detail="installed"),
    ]
    return _boot(at, steps, Outcome.INSTALLED, files=_FILES)


def _booting(now: float, name: str = "") -> Attempt:
    at = now - 18
    steps = [*_begun(at), _file(at + 7.2, _FILES[0], 14 * MB, 0.9), _file(at + 8.3, _FILES[1], 61 * MB, 3.4)]
    steps += [_file(at + 12.0, name or _FILES[2], 412 * MB, 5.6, 171 * MB)]
    return _boot(at, steps, Outcome.RUNNING, files=_FILES)


def _stuck(at: float) -> Attempt:
    steps = [
        *_begun(at),
        _file(at + 7.2, _FILES[0], 14 * MB, 0.9),
        _file(at + 9.0, _FILES[1], 61 * MB, 30.0, 1 * MB, trouble=True, reason="stalled", detail="the client stalled"),
    ]
    return _boot(at, steps, Outcome.RUNNING, files=_FILES)
