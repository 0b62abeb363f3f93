"""Who has logged in to the page, and which forms are its own.

A browser gets in by the API's token, once; from then on it shows a cookie that no script and no other site can use.
A form counts where the browser says that it was sent from this very site, and where it has the token of the page it
stands on, which only who was shown that page can know.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from netbootd.serve.admin.problems import Problem

COOKIE = "netbootd"
FIELD = "csrf"
LASTS = 12 * 3600.0
"""Seconds."""
FORM = "application/x-www-form-urlencoded"
_NEAR, _NOBODY = "near", "nobody"


class Sessions:
    """Those who are logged in; a restart ends them all.  ``clock`` is monotonic seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, lasts: float = LASTS, most: int = 256) -> None:
        self._clock = clock
        self._lasts = lasts
        self._most = most
        self._ends: OrderedDict[str, float] = OrderedDict()  # by digest
        self._key = secrets.token_bytes(32)

    def begin(self) -> str:
        """The cookie of a new one."""
        cookie = secrets.token_urlsafe(32)
        self._ends[_digest(cookie)] = self._clock() + self._lasts
        while len(self._ends) > self._most:
            self._ends.popitem(last=False)
        return cookie

    def end(self, request: web.Request) -> None:
        """Whoever has its cookie is nobody from now on."""
        self._ends.pop(self._digest(request), None)

    def known(self, request: web.Request) -> bool:
        """Whether who asks is logged in."""
        ends = self._ends.get(self._digest(request))
        return ends is not None and ends > self._clock()

    def token(self, request: web.Request, near: bool) -> str:
        """For the forms on a page that is shown to who asks; ``near``: that needs no login."""
        who = self._digest(request) if self.known(request) else _NEAR if near else _NOBODY
        return hmac.new(self._key, who.encode(), sha256).hexdigest()

    async def check(self, request: web.Request, near: bool) -> None:
        """Raises `Problem` for a form that is none of ours."""
        if request.content_type != FORM:
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "this takes a form of the page")
        if not _same_site(request):
            raise Problem(HTTPStatus.FORBIDDEN, "this form was sent from another site; nothing was changed")
        said = await said_in(request, FIELD)
        if not hmac.compare_digest(said.encode(), self.token(request, near).encode()):
            text = "the page with this form is older than netbootd's last start, or your login; nothing was changed"
            raise Problem(HTTPStatus.FORBIDDEN, f"{text}: go back, reload it, and try again")

    def _digest(self, request: web.Request) -> str:
        return _digest(request.cookies.get(COOKIE, ""))


async def said_in(request: web.Request, field: str) -> str:
    """What a form says there; "" for nothing.  Raises `Problem` for a form that cannot be read."""
    try:
        value = (await request.post()).get(field, "")
    except (LookupError, ValueError):
        raise Problem(HTTPStatus.BAD_REQUEST, "the form cannot be read") from None
    return value if isinstance(value, str) else ""


def _same_site(request: web.Request) -> bool:
    """Browsers say where a form came from: all by Origin, and by Sec-Fetch-Site where the way is safe from others.

    A proxy may rewrite Host, but not what the browser alone knows.
    """
    place = request.headers.get("Sec-Fetch-Site")
    if place is not None:
        return place == "same-origin"
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc == request.headers.get("Host")
    except ValueError:
        return False


def _digest(cookie: str) -> str:
    return sha256(cookie.encode("utf-8", "surrogateescape")).hexdigest()
