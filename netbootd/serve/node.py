"""What was made for single machines, and what their installers say: for whoever has the token, where it may be used.

An address says little: between iPXE and the installed system it changes, and behind NAT it is many machines.  So a
token belongs to a machine's boot, and at most to the networks of the site.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from netbootd.boot.plan import Document
from netbootd.serve.http.forwarded import Network, within
from netbootd.serve.http.services import Heard, NotNow
from netbootd.serve.tokens import Caller, Granted, Tokens, Unmade
from netbootd.wire.mac import Mac

Make = Callable[[str, Unmade], tuple[Document, ...]]
Ended = Callable[[Caller, bool, str], Awaitable[Heard]]
Learn = Callable[[str], Awaitable[bool]]
"""Have the tokens know this one, whichever daemon it is of.  False: that cannot be found out now."""


async def nobody(_caller: Caller, _done: bool, _message: str) -> Heard:
    """Where no call is heard."""
    return Heard.REFUSED


async def nowhere(_token: str) -> bool:
    """Where there is no other daemon."""
    return True


class Node:
    """``make`` makes the documents of a token of which the state alone knew, ``ended`` is told how an installation
    went, ``lookup`` has the tokens learn one of another daemon's, see `serve.lookup.Lookup`.  ``networks`` are where
    tokens may be used; none: everywhere."""

    def __init__(
        self,
        tokens: Tokens,
        *,
        make: Make,
        ended: Ended = nobody,
        lookup: Learn = nowhere,
        networks: tuple[Network, ...] = (),
    ) -> None:
        self.networks = networks
        self._tokens = tokens
        self._make = make
        self._ended = ended
        self._lookup = lookup

    async def document(self, token: str, name: str, ip: str) -> Granted | None:
        """See `NodeServices`."""
        if not await self._may(token, ip):
            return None
        if (unmade := self._tokens.unmade(token)) is not None:
            self._tokens.made(token, self._make(token, unmade))
        return self._tokens.find(token, name)

    async def holder(self, token: str, ip: str) -> Mac | None:
        """See `NodeServices`."""
        return self._tokens.holder(token) if await self._may(token, ip) else None

    async def calls(self, token: str, ip: str) -> bool:
        """See `NodeServices`."""
        return await self._may(token, ip) and self._tokens.caller(token) is not None

    async def call(self, token: str, done: bool, message: str) -> Heard:
        """See `NodeServices`."""
        caller = self._tokens.caller(token)
        if caller is None:
            return Heard.REFUSED
        heard = await self._ended(caller, done, message)
        if heard is Heard.TAKEN:
            self._tokens.called(caller)
        return heard

    async def _may(self, token: str, ip: str) -> bool:
        if self.networks and not within(ip, self.networks):
            return False
        if not await self._lookup(token):
            raise NotNow
        return True
