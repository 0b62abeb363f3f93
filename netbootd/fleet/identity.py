"""Which of the machines on record is the one that says this of itself?

A *board* is a uuid and a serial number together, both real.  It is the machine: it stays when a card is swapped, when
one machine boots by several cards, and when one USB adapter goes from laptop to laptop.  A uuid alone, or a serial
number alone, never makes two records one; it can only tell apart what shares a card.

    its board is on record once               that one, whatever card it shows
    its board is on record more than once     that one of them which has its card, else a conflict
    its card is on record, and nothing it     that one; more than one is a conflict
      says speaks against it
    none of these                             a stranger, with or without a card that others have, too

Nothing is guessed: whoever meets a `Conflict` shows it, and hands out nothing that wipes a disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from netbootd.boot.facts import Facts, real_uuid
from netbootd.fleet.record import Record
from netbootd.wire.mac import Mac


@dataclass(frozen=True, slots=True)
class Shared:
    """A uuid that many boards have, and who says so."""

    uuid: UUID
    source: str


SHARED_UUIDS = (
    Shared(UUID("03020100-0504-0706-0809-0a0b0c0d0e0f"), "osquery, core/system.cpp: the octets 00 to 0f"),
    Shared(UUID("10000000-0000-8000-0040-000000000000"), "osquery, core/system.cpp"),
    Shared(UUID("6ab5b300-538d-1014-9fb5-b0684d007b53"), "GLPI and FusionInventory, their lists of blacklisted uuids"),
    Shared(UUID("deadbeef-dead-beef-dead-beefdeadbeef"), "left in by developers of firmware"),
)
"""In either order of octets; those `boot.facts.real_uuid` refuses, and one octet sixteen times, are none either."""

SHARED_SERIALS = frozenset(
    {
        # SMBIOS defaults of AMI, ASUS, Gigabyte and Intel reference firmware, beside those `boot.facts` drops
        "base board serial number",
        "chassis serial number",
        "board serial number",
        "serial number",
        "not applicable",
        "not available",
        "oem",
        "o.e.m.",
        "oem_serial",
        "empty",
        "invalid",
        "null",
        "(null string)",
        "default",
        "default_string",
        "standard",
        "unknow",
        "undefined",
        # on GLPI's and OCS Inventory's lists of blacklisted serial numbers
        "eval",
        "iatpass",
        "systemserialnumb",
        "tulip computers",
    }
)
_COUNTING = "012345678901234567890"
_PREFIXES = ("sn-", "sys-", "mb-", "serial number ")


@dataclass(frozen=True, slots=True)
class Board:
    """A uuid and a serial number, both real; the case of the serial number does not matter, nor the uuid's order."""

    uuid: UUID
    serial: str


@dataclass(frozen=True, slots=True)
class Match:
    """It is this record's machine."""

    id: str
    by_board: bool
    """It showed its board; else only its card says so."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """No record is about it."""

    card_of: tuple[str, ...] = ()
    """The records that have its card, but another board."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Several records claim what this machine shows, and nothing tells which of them it is."""

    what: str
    """What they claim, in words."""
    ids: tuple[str, ...]


def which(facts: Facts, by_card: Sequence[Record], by_board: Sequence[Record]) -> Match | Stranger | Conflict:
    """Apply the table above.  ``by_card`` are the records with its card, ``by_board`` those with its board."""
    if len(by_board) == 1:
        return Match(by_board[0].id, by_board=True)
    if by_board:
        both = [record for record in by_board if facts.mac in record.macs]
        return Match(both[0].id, by_board=True) if len(both) == 1 else _conflict(board_name(facts), by_board)
    fitting = [record for record in by_card if not contradicted(record, facts)]
    match len(fitting):
        case 0:
            return Stranger(tuple(record.id for record in by_card))
        case 1:
            return Match(fitting[0].id, by_board=False)
        case _:
            return _conflict(f"the card {facts.mac}", fitting)


def board(of: Record | Facts) -> Board | None:
    """None where one of the two is missing, or is one that many boards have."""
    if of.uuid is None or of.serial is None:
        return None
    uuid, serial = own_uuid(of.uuid), own_serial(of.serial)
    return Board(uuid, serial) if uuid and serial else None


def contradicted(record: Record, facts: Facts) -> bool:
    """Whether a machine with this record's card is another one: all that can be compared differs.

    Where one of the two agrees it is the same, with new firmware, or repaired.
    """
    if facts.uuid is None and facts.serial is None:
        return False
    pairs = (
        (own_uuid(record.uuid), own_uuid(facts.uuid)),
        (own_serial(record.serial), own_serial(facts.serial)),
    )
    agree = [known == told for known, told in pairs if known and told]
    return bool(agree) and not any(agree)


def own_uuid(uuid: UUID | None) -> UUID | None:
    """As it is compared, or None: it is no machine's own.

    SMBIOS 2.6 turned the order of the first three fields; some firmware still tells the one by DHCP and
    the other to iPXE (SMBIOS 3 section 7.2.1), so both orders are one uuid.
    """
    uuid = real_uuid(uuid)
    if uuid is None:
        return None
    turned = UUID(bytes=uuid.bytes_le)
    shared = any(each.uuid in (uuid, turned) for each in SHARED_UUIDS) or len(set(uuid.bytes)) == 1
    return None if shared else min(uuid, turned)


def own_serial(serial: str | None) -> str | None:
    """As it is compared, or None: many boards say so."""
    text = " ".join(serial.lower().split()) if serial else ""
    return None if not text or text in SHARED_SERIALS or _filler(text) else text


def board_name(facts: Facts | Record) -> str:
    """In words."""
    return f"the board {facts.uuid} with the serial number {facts.serial}"


def usable(mac: Mac) -> bool:
    """Whether a card can have this address: not all zeros, not everybody's (the group bit of IEEE 802)."""
    return any(mac.octets) and not mac.octets[0] & 1


def _filler(text: str) -> bool:
    """Counting digits, or one character again and again, as in ``SN-1234567890``, ``xxxxxxx`` and ``0000``."""
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    said = "".join(filter(str.isalnum, text))
    return len(set(said)) <= 1 or said.rstrip("0") == "123456789" or _COUNTING.startswith((said, f"0{said}"))


def _conflict(what: str, records: Sequence[Record]) -> Conflict:
    return Conflict(what, tuple(record.id for record in records))
