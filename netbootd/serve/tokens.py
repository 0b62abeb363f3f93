"""What single machines may fetch, and by which token: documents with keys in them, so each is reachable for a while.

A token stands in the script of the machine, and whoever has it gets the documents; it is kept and shown as its digest
alone.  It ends after some hours.  It is on its way out, see `_TAIL`, once the record of the machine is another than
when it was made (given its payload, armed anew, left to its disk) or once the machine was handed a newer script.

The installer's call is made last, so for that a token lasts on, as long as an installation may take, and is on its way
out once that call was taken.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from netbootd.boot.plan import Document
from netbootd.fleet.lifecycle import Arming
from netbootd.observe.events import Event, MachineChanged
from netbootd.wire.mac import Mac

LASTS = 2 * 3600.0
"""Seconds; a machine may stand in a menu, or fetch an installer over a slow line before it asks for the next file."""

_TAIL = 60.0  # seconds for retries of a script, and for GRUB, which opens files anew that went out whole
_PER_MACHINE = 4
_MOST = 4096
_MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Granted:
    """A document, and the machine it was made for."""

    mac: Mac
    document: Document


@dataclass(frozen=True, slots=True)
class Caller:
    """A machine that installs, by the arming of this generation."""

    mac: Mac
    generation: int


@dataclass(frozen=True, slots=True)
class _Grant:
    mac: Mac
    documents: tuple[Document, ...]
    record: Arming | None
    size: int
    ends: float
    generation: int
    """0: it installs nothing, and no call of it counts."""
    calls_end: float


def label(token: str) -> str:
    """What stands for a token wherever something is written down."""
    return _digest(token)[:8]


class Tokens:
    """``record`` is what is known of a machine's installation, ``takes`` how long, in seconds, one of it may take;
    ``clock`` is monotonic."""

    def __init__(
        self,
        record: Callable[[Mac], Arming | None] = lambda _mac: None,
        *,
        takes: Callable[[Mac], float] = lambda _mac: 0.0,
        clock: Callable[[], float] = time.monotonic,
        lasts: float = LASTS,
        most: int = _MOST,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._record = record
        self._takes = takes
        self._clock = clock
        self._lasts = lasts
        self._most = most
        self._most_bytes = most_bytes
        self._grants: OrderedDict[str, _Grant] = OrderedDict()  # by digest, so that timing tells nothing of a token
        self._size = 0

    def grant(self, token: str, mac: Mac, documents: tuple[Document, ...], *, installs: bool = False) -> None:
        """These may be fetched with this token from now on, after the script with it has been recorded.  ``installs``:
        so that the machine installs by what is on record of it now, and its installer may say how that went."""
        now = self._clock()
        self._drop_old(now)
        own = [key for key, grant in self._grants.items() if grant.mac == mac]
        for key in own:
            self._shorten(key, now)
        self._drop(own[: max(0, len(own) + 1 - _PER_MACHINE)])
        record, size, ends = self._record(mac), _size(documents), now + self._lasts
        generation = record.generation if record is not None and installs else 0
        calls_end = max(ends, now + self._takes(mac)) if generation else 0.0
        grant = _Grant(mac, documents, record, size, ends, generation, calls_end)
        self._grants[_digest(token)] = grant
        self._size += grant.size
        while len(self._grants) > self._most:
            self._drop([next(iter(self._grants))])
        self._make_room(_digest(token))

    def find(self, token: str, name: str) -> Granted | None:
        """None for a token that is unknown or has ended, and for a name that does not go with it."""
        grant = self._grants.get(_digest(token))
        if grant is None or grant.ends <= self._clock():
            return None
        return next((Granted(grant.mac, each) for each in grant.documents if each.name == name), None)

    def holder(self, token: str) -> Mac | None:
        """Whose it is; None for one that is unknown or has ended."""
        grant = self._grants.get(_digest(token))
        return grant.mac if grant and grant.ends > self._clock() else None

    def caller(self, token: str) -> Caller | None:
        """Whose installer calls; None for a token that is unknown or has ended, or that installs nothing."""
        grant = self._grants.get(_digest(token))
        if grant is None or grant.calls_end <= self._clock():
            return None
        return Caller(grant.mac, grant.generation)

    def called(self, caller: Caller) -> None:
        """The installer has said how it went: its tokens end, after the tail, in which it may say so again."""
        end = self._clock() + _TAIL
        for key, grant in self._grants.items():
            if (grant.mac, grant.generation) == (caller.mac, caller.generation):
                self._grants[key] = replace(grant, ends=min(grant.ends, end), calls_end=min(grant.calls_end, end))

    def observe(self, event: Event) -> None:
        """A sink: with a machine's record its token ends, after the tail."""
        if isinstance(event, MachineChanged):
            now = self._clock()
            for key in [key for key, grant in self._grants.items() if self._record(grant.mac) != grant.record]:
                self._shorten(key, now)

    @property
    def held(self) -> int:
        """How many there are, those that have ended since the last was made included."""
        return len(self._grants)

    def _shorten(self, key: str, now: float) -> None:
        grant = self._grants[key]
        self._grants[key] = replace(grant, ends=min(grant.ends, now + _TAIL))

    def _make_room(self, newest: str) -> None:
        """Documents are let go before the calls of those who had them."""
        while self._size > self._most_bytes:
            oldest = next((key for key, grant in self._grants.items() if grant.size and key != newest), None)
            if oldest is None:
                return
            self._empty(oldest)

    def _drop_old(self, now: float) -> None:
        self._drop([key for key, grant in self._grants.items() if max(grant.ends, grant.calls_end) <= now])
        for key in [key for key, grant in self._grants.items() if grant.ends <= now and grant.documents]:
            self._empty(key)

    def _empty(self, key: str) -> None:
        self._size -= self._grants[key].size
        self._grants[key] = replace(self._grants[key], documents=(), size=0)

    def _drop(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._size -= self._grants.pop(key).size


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _size(documents: tuple[Document, ...]) -> int:
    """Bytes in memory: what pieces share, such as zeros, counts once."""
    literals = (piece for each in documents for piece in each.content.pieces if isinstance(piece, memoryview))
    return sum(map(len, {id(piece.obj): piece.obj for piece in literals}.values()))  # type: ignore[arg-type]
