"""What a record becomes: by a machine that shows up, by another record that turns out to be about the same machine."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netbootd.boot.facts import Facts
from netbootd.fleet.identity import Board, board, board_name
from netbootd.fleet.record import SEEN, Record
from netbootd.wire.mac import Mac

CARDS = 16
"""Cards of one machine that are kept."""
ADDRESSES = 8


def touched(record: Record) -> bool:
    """Whether a person did something about it, or it has been installed."""
    set_by_hand = (record.name, record.profile, record.args, record.local, record.soft_serial)
    return record.origin != SEEN or any((*set_by_hand, record.approved, record.ending))


def called(record: Record) -> str:
    """Its name, else what tells it from others."""
    return record.name or (str(record.macs[0]) if record.macs else f"record {record.id}")


def in_full(record: Record) -> str:
    """Its name and its card: of two that claim one thing each can be found."""
    card = str((*record.macs, record.uuid or f"record {record.id}")[0])
    return f"{record.name} ({card})" if record.name else card


def seen(record: Record, facts: Facts, ip: str, now: float) -> Record:
    """The record of a machine that showed up: what it says now counts."""
    assert facts.mac is not None, "only a card shows up"
    cards = record.macs if facts.mac in record.macs or len(record.macs) >= CARDS else (*record.macs, facts.mac)
    addresses = (ip, *(each for each in record.addresses if each != ip))[:ADDRESSES] if ip else record.addresses
    return replace(
        record,
        macs=cards,
        uuid=facts.uuid or record.uuid,
        serial=facts.serial or record.serial,
        asset=facts.asset or record.asset,
        manufacturer=facts.manufacturer or record.manufacturer,
        product=facts.product or record.product,
        arch=facts.buildarch or record.arch,
        platform=facts.platform or record.platform,
        ipxe=facts.version or record.ipxe,
        addresses=addresses,
        first_seen=now if record.first_seen is None else record.first_seen,
        last_seen=max(now, record.last_seen or now),
    )


def facts_of(record: Record, mac: Mac | None) -> Facts:
    """What `seen` took of what this card's machine said.  Of addresses nobody knows whether they are still its own."""
    return Facts(
        mac=mac,
        uuid=record.uuid,
        serial=record.serial,
        asset=record.asset,
        manufacturer=record.manufacturer,
        product=record.product,
        buildarch=record.arch,
        platform=record.platform,
        version=record.ipxe,
    )


def joined(record: Record, part: Record) -> Record:
    """What is known of both; the first wins."""
    times = [each for each in (record.first_seen, part.first_seen) if each is not None]
    seen = [each for each in (record.last_seen, part.last_seen) if each is not None]
    return replace(
        record,
        macs=tuple(dict.fromkeys((*record.macs, *part.macs)))[:CARDS],
        uuid=record.uuid or part.uuid,
        serial=record.serial or part.serial,
        asset=record.asset or part.asset,
        manufacturer=record.manufacturer or part.manufacturer,
        product=record.product or part.product,
        arch=record.arch or part.arch,
        platform=record.platform or part.platform,
        ipxe=record.ipxe or part.ipxe,
        addresses=tuple(dict.fromkeys((*record.addresses, *part.addresses)))[:ADDRESSES],
        first_seen=min(times, default=None),
        last_seen=max(seen, default=None),
    )


@dataclass(frozen=True, slots=True)
class Word:
    """A name or a soft serial; case does not matter."""

    kind: str
    text: str


Mark = Mac | Board | Word


def marks(record: Record) -> tuple[Mark, ...]:
    """What belongs to one machine alone."""
    shown = board(record)
    words = (("name", record.name), ("soft serial", record.soft_serial))
    said = tuple(Word(kind, text.lower()) for kind, text in words if text)
    return (*record.macs, *((shown,) if shown else ()), *said)


def mark_name(mark: Mark, record: Record) -> str:
    """In the words of a record that has it."""
    match mark:
        case Mac():
            return f"the card {mark}"
        case Board():
            return board_name(record)
        case Word(kind):
            return f"the {kind} {record.name if kind == 'name' else record.soft_serial}"
