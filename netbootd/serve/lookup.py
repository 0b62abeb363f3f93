"""Tokens that another daemon handed out, looked up in the database that they share.

Anybody can send what looks like a token.  So of what is not there nothing is asked twice, few ask at once, and whoever
comes beyond that is told to come again.  A token is in the database before the script it stands in is sent: one that
is not there never will be.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from netbootd.boot.recent import Recent
from netbootd.fleet.grants import Grant
from netbootd.fleet.state import StateError
from netbootd.serve.tokens import Tokens, digest_of

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
_AT_ONCE = 4
_REMEMBERED = 8192


class Lookup:
    """``ask`` reads the database and raises `StateError` where that cannot be done now."""

    def __init__(
        self,
        tokens: Tokens,
        ask: Callable[[str], Awaitable[Grant | None]],
        *,
        at_once: int = _AT_ONCE,
        remembered: int = _REMEMBERED,
    ) -> None:
        self._tokens = tokens
        self._ask = ask
        self._at_once = at_once
        self._asking = 0
        self._useless: Recent[str, bool] = Recent(remembered)  # by digest

    async def __call__(self, token: str) -> bool:
        """Have the tokens know this one, if anybody does.  False: that cannot be found out now."""
        digest = digest_of(token)
        if self._tokens.knows(token) or self._useless.get(digest) or not _TOKEN.fullmatch(token):
            return True
        if self._asking >= self._at_once:
            return False
        self._asking += 1
        try:
            found = await self._ask(digest)
        except StateError:
            return False
        finally:
            self._asking -= 1
        if found is not None:
            self._tokens.recall(found)
        if not self._tokens.knows(token):
            self._useless.put(digest, True)
        return True
