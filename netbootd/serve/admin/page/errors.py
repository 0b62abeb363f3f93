"""What goes wrong on a page is said on a page; who is not let in finds the form to log in there."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from netbootd.serve.admin.page.render import Pages
from netbootd.serve.admin.problems import Problem

_NOT_OURS = ("/api/", "/metrics", "/healthz", "/static/")


def said_on_pages(pages: Pages) -> Middleware:
    """For who reads HTML; programs get what they always get."""

    @web.middleware
    async def told(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            if not reads_pages(request):
                raise
            return _told(pages, request, problem)
        except web.HTTPException as error:
            if not reads_pages(request) or error.status < HTTPStatus.BAD_REQUEST:
                raise
            return _told(pages, request, _of(error))

    return told


_WORDS = {404: "there is no such page", 405: "this page takes no such request"}


def _of(error: web.HTTPException) -> Problem:
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return Problem(HTTPStatus(error.status), _WORDS.get(error.status, error.reason), allow)


def reads_pages(request: web.Request) -> bool:
    """Whether a person with a browser asks for something that is shown on a page."""
    return not request.path.startswith(_NOT_OURS) and "text/html" in request.headers.get("Accept", "")


def _told(pages: Pages, request: web.Request, problem: Problem) -> web.Response:
    if problem.status is HTTPStatus.UNAUTHORIZED:
        back = request.path_qs if request.method == "GET" else "/"
        answer = pages.page(request, "login", problem.status, title="Log in", back=back, wrong="")
    else:
        answer = pages.page(
            request,
            "refused",
            problem.status,
            title=problem.status.phrase,
            text=problem.detail,
            alarming=problem.status is not HTTPStatus.NOT_FOUND,
        )
    answer.headers.update(problem.headers)
    return answer
