"""The certificate that is shown to whoever comes by TLS, and how a reload takes up a renewed one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ssl import SSLContext

from netbootd.config import ConfigError
from netbootd.config.certificate import Identity, Tls, doubts, identify
from netbootd.observe.events import DaemonNotice, Level


class Certificate:
    """That of ``http.tls``; None is without TLS.  Read at once, while we may read the key: raises `ConfigError`."""

    def __init__(self, tls: Tls | None, emit: Callable[[DaemonNotice], None]) -> None:
        self.shown: Identity | None = identify(tls) if tls else None
        """What is shown now."""
        self._emit = emit

    def context(self) -> SSLContext:
        """For the next connection."""
        assert self.shown is not None, "TLS is served with a certificate"
        return self.shown.context

    async def renew(self, tls: Tls | None, public_url: str | None) -> None:
        """Take up what is in the files now, and tell what keeps clients from it.  One that cannot be used is told of,
        and the old one stays; no connection is dropped."""
        old = self.shown
        if tls is None or old is None:
            return
        try:
            self.shown = new = await asyncio.get_running_loop().run_in_executor(None, identify, tls)
        except ConfigError as error:
            for problem in error.problems:
                self._tell(f"the certificate in use stays: {problem}", "error")
            return
        if (old.names, old.begins, old.ends) != (new.names, new.begins, new.ends):
            self._tell(f"the certificate was renewed: {new}", "info")
        for doubt in doubts(tls, new, public_url):
            self._tell(str(doubt), "warning")

    def _tell(self, text: str, severity: Level) -> None:
        self._emit(DaemonNotice(text=text, severity=severity))
