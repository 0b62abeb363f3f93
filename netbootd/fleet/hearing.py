"""What others wrote to a shared database, and what a refused change met: read back, and learned by whoever follows.

Of a machine, a record or a boot with a change that still waits nothing is learned: the loop knows more of it than the
database, which is asked again once that change is on disk.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Protocol, TypeVar, TypeVarTuple

from netbootd.fleet.changes import NOBODY, Change, Ids, Learn, cards, ids
from netbootd.fleet.database import Database
from netbootd.fleet.history import History
from netbootd.wire.mac import Mac

LearnHistory = Callable[[History, Ids | None, Callable[[], Ids]], Awaitable[None]]
"""All that is held of these records and boots, or of everybody; the last says of which nothing is to be learned now.
It may let the loop go on in between."""

_A = TypeVarTuple("_A")
_R = TypeVar("_R")


class InThread(Protocol):
    """Has a call made by the thread that the database belongs to."""

    async def __call__(self, call: Callable[[*_A], _R], *arguments: *_A) -> _R: ...


class Hearing:
    """``waiting`` gives the changes that are not on disk yet."""

    def __init__(self, database: Database, in_thread: InThread, waiting: Callable[[], Iterable[Change]]) -> None:
        self._database = database
        self._in_thread = in_thread
        self._waiting = waiting
        self._macs: set[Mac] | None = set()  # to be read; None: everybody
        self._ids: Ids | None = NOBODY
        self._learn: Learn | None = None
        self._learn_history: LearnHistory | None = None
        self.most_boots = 0
        """As many of the latest are read."""
        self.known = False
        """All that the database holds of machines was read once."""

    @property
    def followed(self) -> bool:
        """Somebody learns."""
        return self._learn is not None

    def follow(self, learn: Learn) -> None:
        """See `Journal`."""
        self._learn = learn

    def follow_history(self, learn: LearnHistory) -> None:
        """The same of records and boots."""
        self._learn_history = learn

    def missed(self, macs: Collection[Mac] | None = (), found: Ids | None = NOBODY) -> None:
        """These are not known as they are held: the next `read` is about them, too; None is about everybody."""
        self._macs = None if macs is None or self._macs is None else self._macs | set(macs)
        self._ids = None if found is None or self._ids is None else self._ids | found

    async def read(self) -> None:
        """Learn what was missed, here or by what others changed.  Raises `StateError`: it is missed still."""
        if self._database.shared:
            self.missed(await self._in_thread(self._database.heard))
            self.missed(found=self._database.heard_of())
        await self._read_machines()
        await self._read_history()

    async def _read_machines(self) -> None:
        if self._learn is None or (self._macs is not None and not self._macs):
            return
        about, self._macs = self._macs, set()
        try:
            known = await self._in_thread(self._database.read, about)
            waiting = frozenset(mac for change in self._waiting() for mac in cards(change))
            self.known = True
            self._learn(known, about, waiting)
        except Exception:
            self.missed(about)
            raise
        self.missed(waiting if about is None else waiting & about)

    async def _read_history(self) -> None:
        if self._learn_history is None or (self._ids is not None and not self._ids):
            return
        about, self._ids = self._ids, NOBODY
        left = NOBODY

        def waiting() -> Ids:
            nonlocal left
            now = ids(self._waiting())
            left |= now
            return now

        try:
            history = await self._in_thread(self._database.history, self.most_boots, about)
            await self._learn_history(history, about, waiting)
        except Exception:
            self.missed(found=about)
            raise
        self.missed(found=left if about is None else left & about)
