"""What single machines may fetch, and by which token: documents with keys in them, so each is reachable for a while.

A token stands in the script of the machine, and whoever has it gets the documents; it is kept and shown as its digest
alone.  It ends after some hours.  It is on its way out, see `TAIL`, once the record of the machine is another than
when it was made (given its payload, armed anew, left to its disk) or once the machine was handed a newer script.

The installer's call is made last, so for that a token lasts on, as long as an installation may take, and is on its way
out once that call was taken.

Of a token that a machine installs by, the state keeps enough (`fleet.grants`) for another life of this daemon, or for
another daemon, to make its documents anew and to hear its call.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from netbootd.boot.plan import Document
from netbootd.fleet.grants import MOST, PER_MACHINE, Grant, PutGrant
from netbootd.fleet.lifecycle import Arming, Stage
from netbootd.observe.events import Event, MachineChanged
from netbootd.serve.recipe import BadRecipe, Recipe, read_recipe, recipe_text
from netbootd.wire.mac import Mac

LASTS = 2 * 3600.0
"""Seconds; a machine may stand in a menu, or fetch an installer over a slow line before it asks for the next file."""
TAIL = 60.0
"""Seconds for retries of a script, and for GRUB, which opens files anew that went out whole."""

_MOST_BYTES = 256 << 20
_SWEEPS = 1.0  # seconds between two looks for tokens that have ended, so that a flood of scripts costs no more


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
class Unmade:
    """A machine whose documents are to be made anew."""

    mac: Mac
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class _Grant:
    mac: Mac
    documents: tuple[Document, ...] | None
    """None: to be made by the recipe."""
    record: Arming | None
    stage: Stage
    """Where the machine stood when it was granted."""
    size: int
    ends: float
    generation: int
    """0: it installs nothing, and no call of it counts."""
    calls_end: float
    recipe: Recipe | None = None


def label(token: str) -> str:
    """What stands for a token wherever something is written down."""
    return digest_of(token)[:8]


class Tokens:
    """``record`` is what is known of a machine's installation, ``takes`` how long, in seconds, one of it may take, and
    ``said`` when its installer has told how the one of a generation went.  ``keep`` has the state keep a token, in one
    commit with what was handed to it just before.  ``clock`` is monotonic, ``wall`` seconds since the epoch."""

    def __init__(
        self,
        record: Callable[[Mac], Arming | None] = lambda _mac: None,
        *,
        takes: Callable[[Mac], float] = lambda _mac: 0.0,
        said: Callable[[Mac, int], float | None] = lambda _mac, _generation: None,
        keep: Callable[[PutGrant], None] = lambda _change: None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        lasts: float = LASTS,
        most: int = MOST,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self.lasts = lasts
        self._record = record
        self._takes = takes
        self._said = said
        self._keep = keep
        self._clock = clock
        self._wall = wall
        self._most = most
        self._most_bytes = most_bytes
        self._grants: OrderedDict[str, _Grant] = OrderedDict()  # by digest, so that timing tells nothing of a token
        self._of: dict[Mac, dict[str, None]] = {}  # digests, the oldest first
        self._swept = float("-inf")
        self._size = 0

    def grant(
        self,
        token: str,
        mac: Mac,
        documents: tuple[Document, ...],
        *,
        installs: bool = False,
        recipe: Recipe | None = None,
    ) -> None:
        """These may be fetched with this token from now on, after the script with it has been recorded.  ``installs``:
        so that the machine installs by what is on record of it now, and its installer may say how that went."""
        now, digest, record = self._clock(), digest_of(token), self._record(mac)
        generation = record.generation if record is not None and installs else 0
        ends = now + (max(self.lasts, self._takes(mac)) if generation else self.lasts)
        self._drop_old(now)
        own = list(self._of.get(mac, ()))
        for key in own:
            self._shorten(key, now + TAIL)
        stage, size, calls_end = record.stage if record else Stage.ARMED, _size(documents), ends if generation else 0.0
        grant = _Grant(mac, documents, record, stage, size, ends, generation, calls_end, recipe)
        self._add(digest, grant, own)
        if generation and recipe:
            made, end = self._wall(), self._wall() + ends - now
            self._keep(PutGrant(Grant(digest, mac, generation, made, end, end, recipe_text(recipe)), TAIL))

    def recall(self, kept: Grant) -> None:
        """One that the state keeps, of an earlier life or of another daemon."""
        now, record = self._clock(), self._record(kept.mac)
        offset = now - self._wall()
        ends, calls_end = kept.documents + offset, kept.ends + offset
        if record is not None and _over(record, kept.generation, Stage.ARMED):
            same = record.generation == kept.generation
            ends = min(ends, record.since + offset + TAIL if same else now)
        try:
            recipe = read_recipe(kept.recipe)
        except BadRecipe:  # its installer may call all the same
            recipe = None
        documents = None if recipe else ()
        grant = _Grant(kept.mac, documents, record, Stage.ARMED, 0, ends, kept.generation, calls_end, recipe)
        if kept.digest not in self._grants and calls_end > now:
            self._add(kept.digest, grant, list(self._of.get(kept.mac, ())))

    def knows(self, token: str) -> bool:
        """Whether it was granted or recalled, and has not been dropped since."""
        return digest_of(token) in self._grants

    def find(self, token: str, name: str) -> Granted | None:
        """None for a token that is unknown or has ended, and for a name that does not go with it."""
        grant = self._live(token)
        if grant is None:
            return None
        return next((Granted(grant.mac, each) for each in grant.documents or () if each.name == name), None)

    def unmade(self, token: str) -> Unmade | None:
        """Whose documents have to be made, and how, before they can be found."""
        grant = self._live(token)
        if grant is None or grant.documents is not None or grant.recipe is None:
            return None
        return Unmade(grant.mac, grant.recipe)

    def made(self, token: str, documents: tuple[Document, ...]) -> None:
        """They have been."""
        digest, size = digest_of(token), _size(documents)
        self._grants[digest] = replace(self._grants[digest], documents=documents, size=size)
        self._size += size
        self._make_room(digest)

    def holder(self, token: str) -> Mac | None:
        """Whose it is; None for one that is unknown or has ended."""
        grant = self._live(token)
        return grant.mac if grant else None

    def caller(self, token: str) -> Caller | None:
        """Whose installer calls; None for a token that is unknown or has ended, or that installs nothing."""
        grant = self._grants.get(digest_of(token))
        if grant is None or grant.calls_end <= self._clock():
            return None
        said = self._said(grant.mac, grant.generation)
        if said is not None and self._wall() >= said + TAIL:
            return None
        return Caller(grant.mac, grant.generation)

    def called(self, caller: Caller) -> None:
        """The installer has said how it went: its tokens end, after the tail, in which it may say so again."""
        end = self._clock() + TAIL
        for key, grant in self._grants.items():
            if (grant.mac, grant.generation) == (caller.mac, caller.generation):
                self._grants[key] = replace(grant, ends=min(grant.ends, end), calls_end=min(grant.calls_end, end))

    def observe(self, event: Event) -> None:
        """A sink: with a machine's record its token ends, after the tail."""
        if isinstance(event, MachineChanged):
            end = self._clock() + TAIL
            for key in [key for key, grant in self._grants.items() if _about(grant, event) and self._changed(grant)]:
                self._shorten(key, end)

    @property
    def held(self) -> int:
        """How many there are, those that have ended since the last was made included."""
        return len(self._grants)

    def _live(self, token: str) -> _Grant | None:
        grant = self._grants.get(digest_of(token))
        return grant if grant is not None and grant.ends > self._clock() else None

    def _changed(self, grant: _Grant) -> bool:
        record = self._record(grant.mac)
        if not grant.generation or record is None:
            return record != grant.record
        return _over(record, grant.generation, grant.stage)

    def _add(self, digest: str, grant: _Grant, own: list[str]) -> None:
        self._drop(own[: max(0, len(own) + 1 - PER_MACHINE)])
        self._grants[digest] = grant
        self._of.setdefault(grant.mac, {})[digest] = None
        self._size += grant.size
        while len(self._grants) > self._most:
            self._drop([self._least()])
        self._make_room(digest)

    def _least(self) -> str:
        """The oldest; but anybody can ask for scripts, and those that install nothing go before an installation's."""
        return next((key for key, grant in self._grants.items() if not grant.generation), next(iter(self._grants)))

    def _shorten(self, key: str, end: float) -> None:
        grant = self._grants[key]
        self._grants[key] = replace(grant, ends=min(grant.ends, end))

    def _make_room(self, newest: str) -> None:
        """Documents can be made again; what a machine may do stays."""
        while self._size > self._most_bytes:
            oldest = next((key for key, grant in self._grants.items() if grant.size and key != newest), None)
            if oldest is None:
                return
            self._empty(oldest)

    def _drop_old(self, now: float) -> None:
        if now < self._swept + _SWEEPS:
            return
        self._swept = now
        self._drop([key for key, grant in self._grants.items() if max(grant.ends, grant.calls_end) <= now])
        for key in [key for key, grant in self._grants.items() if grant.ends <= now and grant.documents]:
            self._empty(key)

    def _empty(self, key: str) -> None:
        grant = self._grants[key]
        self._size -= grant.size
        self._grants[key] = replace(grant, documents=None if grant.recipe else (), size=0)

    def _drop(self, keys: Iterable[str]) -> None:
        for key in keys:
            grant = self._grants.pop(key)
            self._size -= grant.size
            del self._of[grant.mac][key]
            if not self._of[grant.mac]:
                del self._of[grant.mac]


def digest_of(token: str) -> str:
    """By what a token is kept: nobody makes a token of it."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _about(grant: _Grant, event: MachineChanged) -> bool:
    """Whether its record may be another now.  A machine that installs may be told of by another card of its; to look
    at the records of all others, each time, would hold packets up."""
    return bool(grant.generation) or str(grant.mac) == event.mac


def _over(record: Arming, generation: int, stage: Stage) -> bool:
    """Whether the installation that was at this stage has gone on.  A record of an earlier generation is one that
    another daemon has changed, which is not known here yet."""
    return record.generation > generation or (record.generation == generation and record.stage is not stage)


def _size(documents: tuple[Document, ...]) -> int:
    """Bytes in memory: what pieces share, such as zeros, counts once."""
    literals = (piece for each in documents for piece in each.content.pieces if isinstance(piece, memoryview))
    return sum(map(len, {id(piece.obj): piece.obj for piece in literals}.values()))  # type: ignore[arg-type]
