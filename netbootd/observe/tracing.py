"""Boots on their way to a collector of traces, where the settings name one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from netbootd.fleet.record import Attempt
from netbootd.observe.otlp import NotInstalled, Otlp
from netbootd.observe.traces import Traces

_LOOKS = 5.0  # seconds between two looks for boots that are over


class Tracing:
    """Does nothing without an ``endpoint``; ``wall`` is seconds since the epoch.

    To be made where the event loop runs.  ``complain`` is told why no traces come: machines boot all the same.
    """

    def __init__(
        self, endpoint: str | None, complain: Callable[[str], None], *, wall: Callable[[], float] = time.time
    ) -> None:
        self._wall = wall
        self._otlp: Otlp | None = None
        self._traces: Traces | None = None
        if endpoint is None:
            return
        try:
            self._otlp = Otlp(endpoint, complain)
        except NotInstalled as error:
            complain(f"traces.endpoint: no boot is sent, the libraries for it are missing: {error}")
            return
        except ValueError as error:  # a variable of OpenTelemetry's own
            complain(f"traces: no boot is sent: {error}")
            return
        self._traces = Traces(self._otlp.send)

    def took(self, before: Attempt | None, after: Attempt) -> None:
        """A boot is as ``after`` now."""
        if self._traces is not None:
            self._traces.took(before, after)

    async def follow(self) -> None:
        """Until it is cancelled: send boots when they are over."""
        while self._traces is not None:
            await asyncio.sleep(_LOOKS)
            self._traces.look(self._wall())

    async def close(self) -> None:
        """Send the rest, as it is."""
        if self._traces is not None and self._otlp is not None:
            self._traces.close()
            await self._otlp.close()
