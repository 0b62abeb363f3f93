"""The `Journal` on disk: one worker thread writes, the loop never waits for it.

Changes are written in the order they came, all that wait in one commit.  Trouble is told once when it begins and once
when it ends; meanwhile the store is not ``durable``, and the ledger holds back whatever installs.  A state that could
not be opened is left as it is and not looked at again before a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from netbootd.fleet.database import Database, StateError
from netbootd.fleet.ledger import Change, Known


@dataclass(frozen=True, slots=True)
class Trouble:
    """Told when the state stops being recorded, with a reason, and when it is again, with ``reason`` empty."""

    path: Path
    reason: str
    opened: bool
    """False: nothing at all is known from disk."""


@dataclass(frozen=True, slots=True)
class _Job:
    changes: tuple[Change, ...]
    done: asyncio.Future[bool] | None
    """None: to be tried until it is on disk."""


class Store:
    """``patience`` is how long, in seconds, a write may take before whoever waits is told that it failed, ``retry``
    the time between two attempts to write what has to be written."""

    def __init__(
        self,
        path: Path,
        tell: Callable[[Trouble], None],
        *,
        patience: float = 5.0,
        retry: float = 5.0,
    ) -> None:
        self._path = path
        self._tell = tell
        self._patience = patience
        self._retry = retry
        self._database = Database(path)
        self._thread = ThreadPoolExecutor(1, "state")
        self._jobs: list[_Job] = []
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
    def created(self) -> bool:
        """No state was there before: nobody is armed, and a profile that arms by itself (auto) knows no machine."""
        return self._database.created

    async def open(self) -> Known:
        """Read what is recorded.  Never raises: with a state that cannot be used nothing is known and nothing
        ``durable``."""
        loop = asyncio.get_running_loop()
        try:
            known = await loop.run_in_executor(self._thread, self._database.open, self._patience)
        except StateError as error:
            await loop.run_in_executor(self._thread, self._database.close)
            self._trouble(str(error))
            return Known()
        self._reason = ""
        self._worker = loop.create_task(self._work())
        return known

    def write(self, *changes: Change) -> asyncio.Future[bool]:
        """See `Journal`."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bool] = loop.create_future()
        if self._worker is None:
            done.set_result(False)
            return done
        self._add(_Job(changes, done))
        timer = loop.call_later(self._patience, self._overdue, done)
        done.add_done_callback(lambda _: timer.cancel())
        return done

    def later(self, *changes: Change) -> None:
        """See `Journal`."""
        if self._worker is not None:
            self._add(_Job(changes, None))

    async def close(self) -> None:
        """Write what waits, as far as the disk takes it within ``patience``, and let go of the file."""
        if self._closed:
            return
        self._closed = True
        if self._worker is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), self._patience)
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
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._retry if self._jobs or self._reason else None)
            self._wake.clear()
            await self._write_all()

    async def _write_all(self) -> None:
        jobs, self._jobs = self._jobs, []
        changes = [change for job in jobs for change in job.changes]
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._database.commit, changes)
        except StateError as error:
            self._jobs[:0] = [job for job in jobs if job.done is None]
            self._trouble(str(error))
        else:
            self._trouble("")
            _settle(jobs, True)
        finally:
            _settle(jobs, False)
        if not self._jobs:
            self._idle.set()

    def _overdue(self, done: asyncio.Future[bool]) -> None:
        if not done.done():
            self._trouble("the disk does not answer")
            done.set_result(False)

    def _trouble(self, reason: str) -> None:
        """A second reason for the same trouble is not told."""
        changed = bool(reason) != bool(self._reason) or self._worker is None
        self._reason = reason
        if changed:
            self._tell(Trouble(self._path, reason, self._worker is not None))


def _settle(jobs: list[_Job], written: bool) -> None:
    """Those not settled yet."""
    for job in jobs:
        if job.done is not None and not job.done.done():
            job.done.set_result(written)
