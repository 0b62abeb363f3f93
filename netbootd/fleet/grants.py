"""What a state keeps of tokens, so that a machine in the middle of its installation survives a restart of netbootd.

A digest and never the token, and what the documents were made of and never the documents: whoever reads the state can
fetch nothing.  Rows are few: those of a machine, and of all, are bounded, and what has ended goes with the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from netbootd.wire.errors import WireError
from netbootd.wire.mac import Mac

GRANTS = MetaData()
TOKENS = Table(
    "tokens",
    GRANTS,
    Column("digest", String(64), primary_key=True),
    Column("mac", String(47), nullable=False, index=True),
    Column("generation", Integer, nullable=False),
    Column("made", Float, nullable=False),
    Column("documents", Float, nullable=False),
    Column("ends", Float, nullable=False),
    Column("recipe", Text, nullable=False),
)

PER_MACHINE = 4
MOST = 4096


@dataclass(frozen=True, slots=True)
class Grant:
    """A token that was handed out to a machine for an installation; times are seconds since the epoch."""

    digest: str
    mac: Mac
    generation: int
    """Of the arming that it installs by."""
    made: float
    documents: float
    """When what it opens ends."""
    ends: float
    """When its call ends, and so all of it."""
    recipe: str
    """What its documents are made of, see `serve.recipe`."""


@dataclass(frozen=True, slots=True)
class PutGrant:
    """A new one.  The documents of those the machine had before end ``tail`` seconds from then."""

    grant: Grant
    tail: float


def apply_grant(connection: Connection, change: PutGrant, most: int = MOST) -> None:
    """In the caller's transaction."""
    grant = change.grant
    own, end = TOKENS.c.mac == str(grant.mac), grant.made + change.tail
    connection.execute(delete(TOKENS).where((TOKENS.c.ends <= grant.made) | (TOKENS.c.digest == grant.digest)))
    _keep_newest(connection, own, PER_MACHINE - 1)
    connection.execute(update(TOKENS).where(own, TOKENS.c.documents > end).values(documents=end))
    if (connection.scalar(select(func.count()).select_from(TOKENS)) or 0) >= most:
        _keep_newest(connection, TOKENS.c.ends > grant.made, most - 1)
    connection.execute(insert(TOKENS).values(**_values(grant)))


def read_grants(connection: Connection, now: float) -> tuple[Grant, ...]:
    """Those that have not ended, the oldest first.  A row that cannot be read is left out: its machine boots again."""
    found = connection.execute(select(TOKENS).where(TOKENS.c.ends > now).order_by(TOKENS.c.made, TOKENS.c.digest))
    return tuple(grant for row in found if (grant := _grant(row)))


def read_grant(connection: Connection, digest: str) -> Grant | None:
    """The one of this token."""
    row = connection.execute(select(TOKENS).where(TOKENS.c.digest == digest)).first()
    return _grant(row) if row is not None else None


def _keep_newest(connection: Connection, which: Any, most: int) -> None:
    order = (TOKENS.c.made.desc(), TOKENS.c.digest)
    kept = connection.scalars(select(TOKENS.c.digest).where(which).order_by(*order)).all()
    for digest in kept[most:]:
        connection.execute(delete(TOKENS).where(TOKENS.c.digest == digest))


def _values(grant: Grant) -> dict[str, Any]:
    return {
        "digest": grant.digest,
        "mac": str(grant.mac),
        "generation": grant.generation,
        "made": grant.made,
        "documents": grant.documents,
        "ends": grant.ends,
        "recipe": grant.recipe,
    }


def _grant(row: Row[Any]) -> Grant | None:
    try:
        mac = Mac(bytes.fromhex(row.mac.replace(":", "")))
    except (ValueError, WireError):
        return None
    return Grant(row.digest, mac, row.generation, row.made, row.documents, row.ends, row.recipe)
