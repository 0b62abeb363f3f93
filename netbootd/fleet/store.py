"""The `Journal` in a database: one worker thread writes and reads, the loop never waits for it.

Changes are written in the order they came, all that wait in one commit.  Trouble is told once when it begins and once
when it ends; meanwhile the store is not ``durable``, and the ledger holds back whatever installs.  A state file that
could not be opened is left as it is and not looked at again before a restart; a database server is tried again.

What others wrote, and what a refused change met, is read after each commit (`fleet.hearing`).  What became of a record
that two changed is merged in the database (`fleet.merging`), and learned back by whoever asked for something else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple

from netbootd.fleet.changes import NOTHING, Change, Known, Learn, Undo, Written, cards, ids
from netbootd.fleet.database import database
from netbootd.fleet.grants import Grant
from netbootd.fleet.hearing import Hearing, LearnHistory
from netbootd.fleet.history import History
from netbootd.fleet.state import StateError, shown
from netbootd.wire.mac import Mac


@dataclass(frozen=True, slots=True)
class Trouble:
    """Told when the state stops being recorded, with a reason, and when it is again, with ``reason`` empty."""

    state: str
    reason: str
    opened: bool
    """False: nothing at all is known of what it holds."""
    final: bool = False
    """It is not tried again before a restart."""


_A = TypeVarTuple("_A")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    changes: tuple[Change, ...]
    done: asyncio.Future[Written] | None
    """None: to be tried until it is on disk."""

    @property
    def macs(self) -> frozenset[Mac]:
        return frozenset(mac for change in self.changes for mac in cards(change))


class Store:
    """``patience`` is how long, in seconds, a write may take before whoever waits is told that it failed, ``retry``
    the time between two attempts to write what has to be written, and to hear from a shared database.

    Raises `BadStateUrl`.
    """

    def __init__(
        self,
        state: str,
        tell: Callable[[Trouble], None],
        *,
        patience: float = 5.0,
        retry: float = 5.0,
    ) -> None:
        self._state = shown(state)
        self._tell = tell
        self._patience = patience
        self._retry = retry
        self._database = database(state)
        self._thread = ThreadPoolExecutor(1, "state")
        self._jobs: list[_Job] = []
        self._refused: list[_Job] = []
        self._hearing = Hearing(self._database, self._in_thread, self._waiting)
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._worker: asyncio.Task[None] | None = None
        self._reason = "not opened yet"
        self._closed = False

    @property
    def durable(self) -> bool:
        """See `Journal`."""
        return not self._reason

    @property
    def trouble(self) -> Trouble | None:
        """What was told last, while it lasts."""
        return Trouble(self._state, self._reason, self._hearing.known, self._final) if self._reason else None

    @property
    def created(self) -> bool:
        """No state was there before: nobody is armed, and a profile that arms by itself (auto) knows no machine."""
        return self._database.created

    async def open(self) -> Known:
        """Read what is recorded.  Never raises: with a state that cannot be used nothing is known and nothing
        ``durable``."""
        try:
            known = await self._in_thread(self._database.open, self._patience)
        except StateError as error:
            await self._in_thread(self._database.close)
            self._trouble(str(error))
            if self._database.shared:
                self._hearing.missed(None, None)
                self._worker = asyncio.create_task(self._work())
            return NOTHING
        self._reason, self._hearing.known = "", True
        self._worker = asyncio.create_task(self._work())
        return known

    async def history(self, most_attempts: int) -> History:
        """All records, and the latest boots; nothing where they cannot be read, which is `Trouble` like any."""
        self._hearing.most_boots = most_attempts
        if not self.durable:
            return History()
        try:
            return await self._in_thread(self._database.history, most_attempts)
        except StateError as error:
            self._hearing.missed(found=None)
            self._trouble(str(error))
            return History()

    @property
    def shared(self) -> bool:
        """Other daemons may use it, too."""
        return self._database.shared

    async def grants(self, now: float) -> tuple[Grant, ...]:
        """Tokens that have not ended; none where they cannot be read, which is `Trouble` like any."""
        if not self.durable:
            return ()
        try:
            return await self._in_thread(self._database.grants, now)
        except StateError as error:
            self._trouble(str(error))
            return ()

    async def grant(self, digest: str) -> Grant | None:
        """A token, as the database has it.  Raises `StateError`, also while nothing is ``durable``."""
        if not self.durable:
            raise StateError(self._reason)
        try:
            return await self._in_thread(self._database.grant, digest)
        finally:
            self._wake.set()  # what others told may have come with the answer, and nothing is left to read

    def follow(self, learn: Learn) -> None:
        """See `Journal`."""
        self._hearing.follow(learn)
        self._wake.set()

    def follow_history(self, learn: LearnHistory) -> None:
        """The same of records and boots, once `history` was asked for."""
        self._hearing.follow_history(learn)
        self._wake.set()

    def write(self, *changes: Change) -> asyncio.Future[Written]:
        """See `Journal`."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Written] = loop.create_future()
        if self._worker is None:
            done.set_result(Written.NO)
            return done
        self._add(_Job(changes, done))
        timer = loop.call_later(self._patience, self._overdue, done)
        done.add_done_callback(lambda _: timer.cancel())
        return done

    def later(self, *changes: Change) -> None:
        """See `Journal`."""
        if self._worker is not None:
            self._add(_Job(changes, None))

    @property
    def behind(self) -> bool:
        """Something that nobody waits for is not being written yet: more of that would only be in the way."""
        return any(job.done is None for job in self._jobs)

    async def close(self) -> None:
        """Write what waits, as far as the disk takes it within ``patience``, and let go of the database."""
        if self._closed:
            return
        self._closed = True
        if self._worker is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._idle.wait()
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker
            self._worker = None
        self._reason = "closed"
        self._thread.submit(self._database.close)
        self._thread.shutdown(wait=self._idle.is_set())

    def _add(self, job: _Job) -> None:
        self._jobs.append(job)
        self._idle.clear()
        self._wake.set()

    async def _work(self) -> None:
        while True:
            await self._wait()
            try:
                await self._write_all()
                await self._read_all()
            except StateError as error:
                if not self._reason and self._database.shared:
                    self._wake.set()  # a connection that was cut is had again at once, unless the server is gone
                self._trouble(str(error))
            except (
                Exception
            ) as error:  # a fault of ours: it is told, what waits is kept, and nothing installs meanwhile
                self._trouble(f"internal error, please report it: {error!r}")
            else:
                self._trouble("")
            if not self._jobs:
                self._idle.set()

    async def _wait(self) -> None:
        """Until there is something to write or to hear, or it is time to try."""
        loop, fd = asyncio.get_running_loop(), _held(self._database.fileno())

        def readable(fd: int) -> None:
            loop.remove_reader(fd)  # it stays readable until the thread has read
            self._wake.set()

        if fd is not None:
            loop.add_reader(fd, readable, fd)
        try:
            with suppress(TimeoutError):
                regularly = self._jobs or self._reason or self._database.shared
                # Not wait_for, which in Python 3.11 swallows a cancellation that comes together with the event.
                async with asyncio.timeout(self._retry if regularly else None):
                    await self._wake.wait()
        finally:
            if fd is not None:
                loop.remove_reader(fd)
                os.close(fd)
        self._wake.clear()

    async def _write_all(self) -> None:
        if not self._jobs and not self._reason:
            return
        jobs, self._jobs = self._jobs, []
        try:
            written = await self._in_thread(self._database.commit, [job.changes for job in jobs])
        except Exception:
            self._jobs[:0] = [job for job in jobs if job.done is None]
            raise
        else:
            self._sort(jobs, written)
        finally:
            _settle((job for job in jobs if job not in self._refused), Written.NO)

    def _sort(self, jobs: list[_Job], written: list[bool]) -> None:
        refused = [job for job, taken in zip(jobs, written, strict=True) if not taken]
        _settle((job for job, taken in zip(jobs, written, strict=True) if taken), Written.YES)
        self._refused += refused
        undone = (cards(change) for job in jobs for change in job.changes if isinstance(change, Undo))
        macs = frozenset().union(*(job.macs for job in refused), *undone)
        self._hearing.missed(macs, ids(change for job in refused for change in job.changes))

    async def _read_all(self) -> None:
        if not self._hearing.followed:
            self._settle_refused(frozenset())
            return
        await self._hearing.read()
        self._settle_refused(frozenset(mac for job in self._jobs for mac in job.macs))

    def _waiting(self) -> Iterator[Change]:
        return (change for job in self._jobs for change in job.changes)

    def _settle_refused(self, waiting: frozenset[Mac]) -> None:
        """Whoever was refused is told so when it has been told why."""
        told, self._refused = self._refused, [job for job in self._refused if job.macs & waiting]
        _settle((job for job in told if job not in self._refused), Written.REFUSED)

    async def _in_thread(self, call: Callable[[*_A], _R], *arguments: *_A) -> _R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)

    def _overdue(self, done: asyncio.Future[Written]) -> None:
        if not done.done():
            self._trouble(self._database.silence)
            done.set_result(Written.NO)

    def _trouble(self, reason: str) -> None:
        """A second reason for the same trouble is not told."""
        changed = bool(reason) != bool(self._reason) or self._worker is None
        self._reason = reason
        if changed:
            self._tell(Trouble(self._state, reason, self._hearing.known, self._final))

    @property
    def _final(self) -> bool:
        return not self._hearing.known and not self._database.shared


def _held(fd: int | None) -> int | None:
    """A descriptor of our own: the thread may close the database's, whose number is another socket's then."""
    with suppress(OSError):
        return None if fd is None else os.dup(fd)
    return None


def _settle(jobs: Iterable[_Job], written: Written) -> None:
    """Those not settled yet."""
    for job in jobs:
        if job.done is not None and not job.done.done():
            job.done.set_result(written)
