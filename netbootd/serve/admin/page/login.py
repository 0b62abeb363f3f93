"""The token of the API, typed in once; a cookie from then on."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from netbootd.serve.admin.page.render import Pages
from netbootd.serve.admin.sessions import COOKIE, LASTS, Sessions, said_in
from netbootd.serve.admin.token_file import same


class Login:
    """``token`` is the one of the API; None: nobody from elsewhere gets in."""

    def __init__(self, pages: Pages, sessions: Sessions, token: Callable[[], str | None]) -> None:
        self._pages = pages
        self._sessions = sessions
        self._token = token

    async def show(self, request: web.Request) -> web.Response:
        """The form."""
        return self._form(request, "/")

    async def enter(self, request: web.Request) -> web.Response:
        """With the token, back to where that was asked for."""
        said, back, token = await said_in(request, "token"), await said_in(request, "back"), self._token()
        if token is None or not same(said.strip(), token):
            return self._form(request, back, "This is not the token.")
        answer = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": _own(back)})
        secure = request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        cookie = self._sessions.begin()
        answer.set_cookie(COOKIE, cookie, max_age=int(LASTS), path="/", httponly=True, samesite="Strict", secure=secure)
        return answer

    async def leave(self, request: web.Request) -> web.Response:
        """Nobody gets in with this cookie any more."""
        self._sessions.end(request)
        answer = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/"})
        answer.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
        return answer

    def _form(self, request: web.Request, back: str, wrong: str = "") -> web.Response:
        status = HTTPStatus.UNAUTHORIZED if wrong else HTTPStatus.OK
        return self._pages.page(request, "login", status, title="Log in", back=back, wrong=wrong)


def _own(back: str) -> str:
    """A path of this site and nothing else: a browser takes //host and /\\host for another one."""
    plain = back.isascii() and back.isprintable() and "\\" not in back
    return back if plain and back.startswith("/") and not back.startswith("//") else "/"
